// A sweep chooses by the figures that are reported, and weights that a hybrid cannot follow are refused.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;

namespace BgeSharp.Tests.Evaluation.Modes;

public class WeightSweepTests
{
    // Questions are passages and bear their ids; relevant to p0 is p1, which shares much with it, to p3 is p4, ...
    private static RetrievalSet Twins()
    {
        var random = new Random(7);
        string Text(int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(20)))]);
        var corpus = new List<Passage>();
        for (int i = 0; i < 30; i++)
        {
            string text = i % 3 == 1 ? $"{Text(8)}{corpus[i - 1].Text[8..]}" : $"{Text(8)} {Text(6)}。{Text(9)}";
            corpus.Add(new Passage(FormattableString.Invariant($"p{i}"), "", text));
        }
        List<Query> queries = [.. Enumerable.Range(0, 10).Select(i => new Query(corpus[i * 3].Id, corpus[i * 3].Text))];
        var qrels = new Qrels();
        for (int i = 0; i < queries.Count; i++)
        {
            qrels.Add(queries[i].Id, corpus[(i * 3) + 1].Id, 1);
        }
        return new RetrievalSet("twins", corpus, queries, qrels);
    }

    private static RetrievalRun Run(TestCollection collection, int splitTokens = 0, params string[] metrics) => new(collection, [RetrievalMode.Parse("hybrid")], new SearchOptions { TopK = 20, Candidates = 30 })
    {
        SplitTokens = splitTokens,
        Metrics = metrics.Length > 0 ? [.. metrics.Select(RetrievalMetric.Parse)] : null,
    };

    private static void RequireReported(RetrievalRun run)
    {
        foreach (SweepPoint point in WeightSweep.Run(run, LetterModel.Create()).Where((_, i) => i % 20 == 0))
        {
            ModeOutcome outcome = (run with { Options = run.Options with { Weights = point.Weights } }).Run(LetterModel.Create())[0];
            Assert.Equal(outcome.Report.Metrics[point.Measure], point.Value, 12);
        }
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    [InlineData(true, 12)]
    public void A_point_is_worth_what_a_report_with_its_weights_says(bool ignoreIdenticalIds, int splitTokens)
        => RequireReported(Run(new TestCollection(Twins()) { IgnoreIdenticalIds = ignoreIdenticalIds }, splitTokens, "ndcg"));

    [Fact]
    public void A_passage_that_is_left_out_of_the_report_does_not_count_in_the_sweep()
    {
        double Best(bool ignore) => WeightSweep.Run(Run(new TestCollection(Twins()) { IgnoreIdenticalIds = ignore }, 0, "mrr"), LetterModel.Create())[0].Value;
        // The question itself stands first, before what is relevant to it.
        Assert.True(Best(ignore: true) > Best(ignore: false));
    }

    [Fact]
    public void Answers_decide_where_there_are_no_judgements()
    {
        RetrievalSet set = Twins();
        var answers = set.Queries.ToDictionary(q => q.Id, q => (IReadOnlyList<string>)[q.Text[..8]]);
        RetrievalRun run = Run(new TestCollection(set with { Qrels = new Qrels() }) { Answers = answers });
        Assert.Equal("recall@1", WeightSweep.Run(run, LetterModel.Create())[0].Measure);
        RequireReported(run);
    }

    [Theory]
    [InlineData("ndcg@10")]
    [InlineData("recall@5", "recall@5", "mrr@10")]
    [InlineData("ndcg@10", "map", "ndcg@10")]
    [InlineData("map", "unjudged@10", "map")]
    [InlineData("ndcg@10", "unjudged@10")]
    public void The_main_figure_of_the_report_decides(string expected, params string[] metrics)
        => Assert.All(WeightSweep.Run(Run(new TestCollection(Twins()), 0, metrics), LetterModel.Create()), p => Assert.Equal(expected, p.Measure));

    [Fact]
    public void A_set_that_cannot_choose_is_refused()
    {
        RetrievalSet set = Twins();
        Qrels Of(string passage, int grade)
        {
            var qrels = new Qrels();
            qrels.Add(set.Queries[0].Id, passage, grade);
            return qrels;
        }
        string Refused(RetrievalSet dev) => Assert.Throws<BadInput>(() => WeightSweep.Run(Run(new TestCollection(dev)), LetterModel.Create())).Message;
        Assert.Contains("the corpus is empty", Refused(set with { Corpus = [] }), StringComparison.Ordinal);
        Assert.Contains("no query has a relevant passage", Refused(set with { Queries = [set.Queries[0]], Qrels = Of("p1", 0) }), StringComparison.Ordinal);
        Assert.Contains("no weights of the hybrid find a relevant passage of its 1 questions", Refused(set with { Queries = [set.Queries[0]], Qrels = Of("gone", 1) }), StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_leave_one_part_or_none_of_a_mixture_are_refused()
    {
        string Refused(EmbeddingModes outputs, Dictionary<string, double> weights) => Assert.Throws<BadInput>(() =>
            new RetrievalRun(new TestCollection(Twins()), [RetrievalMode.Parse("hybrid")], new SearchOptions { Weights = weights }).Run(LetterModel.Create(outputs))).Message;
        Assert.Contains("has dense and sparse and multi, and no bm25", Refused(EmbeddingModes.All, new() { ["bm25"] = 1 }), StringComparison.Ordinal);
        Assert.Contains("(--weights dense=1 bm25=1)", Refused(EmbeddingModes.Dense, new() { ["dense"] = 1, ["sparse"] = 0.3 }), StringComparison.Ordinal);
        Assert.Contains("there is no order", Refused(EmbeddingModes.All, new() { ["dense"] = 0 }), StringComparison.Ordinal);

        // The usual weights suit every model; whoever names weights is told of each that is not there.
        var usual = new SearchOptions();
        foreach (EmbeddingModes outputs in (EmbeddingModes[])[EmbeddingModes.Dense, EmbeddingModes.Dense | EmbeddingModes.Sparse, EmbeddingModes.All])
        {
            IReadOnlyList<string> parts = HybridCandidates.PartsOf(outputs);
            Assert.Equal(parts, Run(new TestCollection(Twins())).Candidates(LetterModel.Create(outputs)).Parts);
            HybridCandidates.RequireWeights(parts, usual.Weights);
            Assert.Throws<BadInput>(() => HybridCandidates.RequireWeights(parts, usual.Weights, strict: true));
            HybridCandidates.RequireWeights(parts, parts.ToDictionary(p => p, _ => 1.0), strict: true);
        }
    }
}

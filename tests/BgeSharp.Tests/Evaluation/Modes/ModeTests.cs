using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Tests.Formats;

namespace BgeSharp.Tests.Evaluation.Modes;

public class ModeTests
{
    private static RetrievalSet Set(int seed = 1)
    {
        var random = new Random(seed);
        string Text(int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(20)))]);
        List<Passage> corpus = [.. Enumerable.Range(0, 60).Select(i => new Passage($"p{i}", "", $"{Text(8)} {Text(6)}"))];
        List<Query> queries = [.. Enumerable.Range(0, 12).Select(i => new Query($"q{i}", corpus[i * 3].Text[..6]))];
        var qrels = new Qrels();
        queries.ForEach(q => qrels.Add(q.Id, $"p{int.Parse(q.Id[1..], System.Globalization.CultureInfo.InvariantCulture) * 3}", 1));
        return new RetrievalSet($"letters{seed}", corpus, queries, qrels);
    }

    private static RetrievalMode[] Parse(params string[] names) => [.. names.Select(RetrievalMode.Parse)];

    [Fact]
    public void Every_mode_ranks_as_comparing_each_pair_of_embeddings_does()
    {
        RetrievalSet set = Set();
        EvaluatedModel model = LetterModel.Create();
        M3Embedding[] queries = [.. model.Encode(set.Queries.Select(q => q.Text), TextSide.Query, EmbeddingModes.All)], passages = [.. model.Encode(set.Corpus.Select(p => p.FullText), TextSide.Passage, EmbeddingModes.All)];
        var options = new SearchOptions { TopK = 60, Candidates = 60 };
        IReadOnlyList<ModeOutcome> outcomes = new RetrievalRun(new TestCollection(set), Parse("dense", "sparse", "multi", "multi_all", "hybrid"), options).Run(model);
        Func<M3Embedding, M3Embedding, double>[] scores =
        [
            EmbeddingScores.Dense, EmbeddingScores.Sparse, EmbeddingScores.MultiVector, EmbeddingScores.MultiVector,
            (q, p) => EmbeddingScores.Joint(q, p, EmbeddingModes.All, new ScoreWeights()) * 2.3, // ours is the sum of the same weights, not their mean
        ];
        foreach ((ModeOutcome outcome, Func<M3Embedding, M3Embedding, double> score) in outcomes.Zip(scores))
        {
            for (int q = 0; q < queries.Length; q++)
            {
                Assert.All(outcome.Hits[q], h => Assert.Equal(score(queries[q], passages[h.Row]), h.Score, 1e-4));
                Assert.Equal(outcome.Hits[q].OrderByDescending(h => h.Score).ThenByDescending(h => set.Corpus[h.Row].Id, StringComparer.Ordinal), outcome.Hits[q]);
                int possible = passages.Count(p => outcome.Mode != "sparse" || score(queries[q], p) > 0);
                Assert.Equal(possible, outcome.Hits[q].Length);
            }
        }
    }

    [Fact]
    public void A_model_without_heads_has_a_hybrid_with_BM25_and_no_sparse_mode()
    {
        var run = new RetrievalRun(new TestCollection(Set()), Parse("hybrid", "rrf", "bm25"), new SearchOptions());
        Assert.All(run.Run(LetterModel.Create(EmbeddingModes.Dense)), o => Assert.InRange(o.Report.Metrics["ndcg@10"], 0, 1));
        Assert.Equal(["dense", "bm25"], run.Candidates(LetterModel.Create(EmbeddingModes.Dense)).Parts);
        Assert.Throws<BadInput>(() => (run with { Modes = Parse("sparse") }).Run(LetterModel.Create(EmbeddingModes.Dense)));
        Assert.Contains("\"colbert\"", Assert.Throws<BadInput>(() => RetrievalMode.Parse("colbert")).Message, StringComparison.Ordinal);
    }

    private sealed class LongestFirst : IReranker
    {
        public int MaxLength => 100;
        public float[] Score(IReadOnlyList<TextPair> pairs) => [.. pairs.Select(p => (float)p.Passage[0])];
    }

    [Fact]
    public void A_reranker_orders_the_head_and_leaves_the_tail()
    {
        RetrievalSet set = Set();
        var options = new SearchOptions { TopK = 30, Reranker = new LongestFirst(), RerankDepth = 5 };
        EvaluatedModel model = LetterModel.Create();
        using EmbeddedCorpus corpus = model.Embed(set.Corpus.Select(p => p.FullText), EmbeddingModes.Dense, null, "");
        var search = new ModeSearch(set, model, corpus, EmbeddingModes.Dense, options);
        SearchHit[][] before = search.Search(RetrievalMode.Parse("dense")), after = search.Search(RetrievalMode.Parse("dense+rerank"));
        // However few are asked for, as many are judged.
        SearchHit[][] few = new ModeSearch(set, model, corpus, EmbeddingModes.Dense, options with { TopK = 2 }).Search(RetrievalMode.Parse("dense+rerank"));
        Assert.Equal(after.SelectMany(hits => hits[..2]), few.SelectMany(hits => hits));
        for (int q = 0; q < set.Queries.Count; q++)
        {
            int[] plain = [.. before[q].Select(h => h.Row)], judged = [.. after[q].Select(h => h.Row)];
            Assert.Equal(plain[..5].OrderByDescending(r => set.Corpus[r].Text[0]).ThenBy(r => r), judged[..5]);
            Assert.Equal(plain[5..], judged[5..]);
        }
        Assert.Contains("re-ranker", Assert.Throws<BadInput>(() => new RetrievalRun(new TestCollection(set), Parse("bm25+rerank"), new SearchOptions()).Run(null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_come_from_other_questions_than_those_reported()
    {
        RetrievalSet dev = Set(2), test = Set(1);
        IReadOnlyList<SweepPoint> points = WeightSweep.Run(new RetrievalRun(new TestCollection(dev), Parse("hybrid"), new SearchOptions()), LetterModel.Create());
        Assert.Equal(points.Max(p => p.Value), points[0].Value);
        Assert.Equal((9 * 9) + 2, points.Count);
        WeightSweep.RequireApart(dev, test);
        Assert.Contains("12 of its 12", Assert.Throws<BadInput>(() => WeightSweep.RequireApart(test, test)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_side_has_its_instruction_and_texts_of_one_kind_have_none()
    {
        var model = new EvaluatedModel(new LetterEncoder(), new LetterTokenizer()) { QueryInstruction = "xx ", PassageInstruction = "yy " };
        float[] Of(string text, TextSide side) => model.Dense([text], side);
        Assert.Equal(Of("xx ab", TextSide.Either), Of("ab", TextSide.Query));
        Assert.Equal(Of("yy ab", TextSide.Either), Of("ab", TextSide.Passage));
        Assert.NotEqual(Of("ab", TextSide.Either), Of("ab", TextSide.Query));
        Assert.NotEqual(Of("ab", TextSide.Either), Of("ab", TextSide.Passage));
    }

    [Fact]
    public void The_instruction_stands_before_questions_only()
    {
        var qrels = new Qrels();
        qrels.Add("q", "p2", 1);
        var set = new RetrievalSet("s", [new("p1", "", "aaab"), new("p2", "xyxyxy", "z"), new("p3", "", "z")], [new("q", "z")], qrels);
        double First(string instruction) => new RetrievalRun(new TestCollection(set), [RetrievalMode.Parse("dense")], new SearchOptions())
            .Run(new EvaluatedModel(new LetterEncoder(), new LetterTokenizer()) { QueryInstruction = instruction })[0].Report.Metrics["mrr@10"];
        Assert.Equal(1, First("xyxyxy "));
        Assert.Equal(0.5, First(""));
    }

    [Fact]
    public void A_long_document_counts_by_its_best_passage_and_its_end_is_not_lost()
    {
        string filler = string.Join("。", Enumerable.Repeat("aaaa bbbb", 30));
        var qrels = new Qrels();
        qrels.Add("q", "long", 1);
        var set = new RetrievalSet("long", [new("other", "", "zzxyx aaa"), new("long", "", filler + "。zzxyw")], [new("q", "zzxyw")], qrels);
        EvaluatedModel model = new(new LetterEncoder(), new LetterTokenizer()) { PassageMaxLength = 20 };
        var run = new RetrievalRun(new TestCollection(set), Parse("dense"), new SearchOptions());
        Assert.Equal(0, run.Run(model)[0].Report.Metrics["success@1"]);
        ModeOutcome split = (run with { SplitTokens = 12 }).Run(model)[0];
        Assert.Equal(1, split.Report.Metrics["success@1"]);
        Assert.Equal(2, split.Hits[0].Length);
    }

    [Fact]
    public void Whatever_is_encoded_tells_how_far_it_is_and_ends_where_that_is_asked_for()
    {
        using var folder = new ScratchFolder();
        var told = new List<(int Done, int All)>();
        EvaluatedModel Model(Action<int, int> progress) => new(new LetterEncoder(), new LetterTokenizer()) { BatchTokens = 1, Progress = progress };
        var run = new RetrievalRun(new TestCollection(Set()), Parse("dense"), new SearchOptions()) { EmbeddingFolder = folder["index"], ModelKey = "m" };
        run.Run(Model((done, all) => told.Add((done, all))));
        Assert.Equal(Enumerable.Range(1, 60).Select(n => (n, 60)).Concat(Enumerable.Range(1, 12).Select(n => (n, 12))), told);

        int called = 0;
        Assert.Throws<OperationCanceledException>(() => (run with { EmbeddingFolder = folder["cut"] }).Run(Model((_, _) =>
        {
            if (++called == 5)
            {
                throw new OperationCanceledException();
            }
        })));
        Assert.Equal(5, called);
        Assert.False(Directory.Exists(folder["cut"]) && Directory.EnumerateFileSystemEntries(folder["cut"]).Any());     // no shard that is not whole
    }

    [Fact]
    public void Saved_embeddings_are_reused_and_changed_texts_are_embedded_anew()
    {
        using var folder = new ScratchFolder();
        RetrievalSet set = Set();
        var encoder = new LetterEncoder();
        var model = new EvaluatedModel(encoder, new LetterTokenizer());
        var run = new RetrievalRun(new TestCollection(set), Parse("dense", "hybrid"), new SearchOptions()) { EmbeddingFolder = folder["index"], ModelKey = "m" };
        IReadOnlyList<ModeOutcome> first = run.Run(model);
        int before = encoder.Texts;
        IReadOnlyList<ModeOutcome> second = run.Run(model);
        Assert.Equal(set.Queries.Count, encoder.Texts - before);
        Assert.Equal(first.SelectMany(o => o.Hits.SelectMany(h => h)), second.SelectMany(o => o.Hits.SelectMany(h => h)));
        before = encoder.Texts;
        (run with { ModelKey = "other" }).Run(model);
        Assert.Equal(set.Queries.Count + set.Corpus.Count, encoder.Texts - before);
    }
}

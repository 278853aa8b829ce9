using System.Text.Json;
using BgeSharp.Evaluation;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Tests.Formats;
using CsCheck;

namespace BgeSharp.Tests.Evaluation;

public class RetrievalMetricTests
{
    [Fact]
    public void A_small_case_agrees_with_pencil_and_paper()
    {
        // Grades 0 2 1 in the ranking; 2, 1 and one missed 3 are relevant.
        var q = new RankedGrades([0, 2, 1], [2, 1, 3, 0]);
        double dcg = (2 / Math.Log2(3)) + (1 / 2.0);
        double ideal = 3 + (2 / Math.Log2(3)) + (1 / 2.0);
        Assert.Equal(dcg / ideal, q.Ndcg(10), 12);
        Assert.Equal(2 / Math.Log2(3) / (3 + (2 / Math.Log2(3))), q.Ndcg(2), 12);
        Assert.Equal(2.0 / 3, q.Recall(10), 12);
        Assert.Equal(0.2, q.Precision(10), 12);
        Assert.Equal(0.5, q.ReciprocalRank(), 12);
        Assert.Equal(0, q.ReciprocalRank(1));
        Assert.Equal(((1 / 2.0) + (2 / 3.0)) / 3, q.AveragePrecision(), 12);
        Assert.Equal((0, 1), (q.Success(1), q.Success(2)));
    }

    [Fact]
    public void Nothing_relevant_or_nothing_ranked_gives_zero_not_NaN()
    {
        foreach (RankedGrades q in (RankedGrades[])[new([], []), new([0, 0], [0]), new([], [1]), new([-1], [-1])])
        {
            Assert.All(RetrievalMetric.Default, m => Assert.Equal(0, m.Of(q)));
        }
    }

    [Fact]
    public void Measures_agree_with_brute_force_and_stay_between_0_and_1()
    {
        var gen = Gen.Select(Gen.Int[0, 3].Array[0, 12], Gen.Int[0, 3].Array[0, 6], Gen.Int[1, 14], Gen.Int[1, 2]);
        gen.Sample((ranked, missed, k, from) =>
        {
            int[] judged = [.. ranked, .. missed];
            var q = new RankedGrades(ranked, judged, from);
            int relevant = judged.Count(g => g >= from);
            var first = ranked.Take(k).Select((g, i) => (g, Rank: i + 1)).ToArray();
            var hits = first.Where(x => x.g >= from).ToArray();
            Close(relevant == 0 ? 0 : (double)hits.Length / relevant, q.Recall(k));
            Close((double)hits.Length / k, q.Precision(k));
            Close(hits.Length == 0 ? 0 : 1.0 / hits[0].Rank, q.ReciprocalRank(k));
            Close(relevant == 0 ? 0 : hits.Sum(h => (double)hits.Count(x => x.Rank <= h.Rank) / h.Rank) / relevant, q.AveragePrecision(k));
            double best = judged.OrderDescending().Take(k).Select((g, i) => g / Math.Log2(i + 2)).Sum();
            Close(best == 0 ? 0 : first.Sum(x => x.g / Math.Log2(x.Rank + 1)) / best, q.Ndcg(k));
            Assert.All(RetrievalMetric.Default, m => Assert.InRange(m.Of(q), 0, 1 + 1e-12));
            Close(best == 0 ? 0 : 1, new RankedGrades(judged.OrderDescending(), judged).Ndcg(k));
        });

        static void Close(double expected, double actual) => Assert.Equal(expected, actual, 12);
    }

    [Theory]
    [InlineData("NDCG@10", "ndcg@10")]
    [InlineData("map", "map")]
    [InlineData("hit@3", "hit@3")]
    public void Names_are_read(string name, string canonical) => Assert.Equal(canonical, RetrievalMetric.Parse(name).Name);

    [Theory]
    [InlineData("ndcg@0")]
    [InlineData("ndcg@-1")]
    [InlineData("ndcg@x")]
    [InlineData("ndcg@1@2")]
    [InlineData("precision")]
    [InlineData("f1@3")]
    public void Other_names_are_refused(string name) => Assert.Contains(name, Assert.Throws<BadInput>(() => RetrievalMetric.Parse(name)).Message, StringComparison.Ordinal);

    private static RetrievalSet Set()
    {
        var qrels = new Qrels();
        qrels.Add("q1", "b", 1);
        qrels.Add("q2", "a", 1);
        qrels.Add("q2", "gone", 1);
        qrels.Add("q3", "a", 0);
        return new RetrievalSet("s", [new("a", "", "rot"), new("b", "", "grün"), new("q1", "", "grün blau")], [new("q1", "grün"), new("q2", "rot"), new("q3", "x")], qrels);
    }

    [Fact]
    public void Judged_queries_count_and_passages_outside_the_corpus_are_never_found()
    {
        RetrievalReport report = RetrievalEvaluation.Evaluate(Set(), [[new(2, 2), new(1, 1)], [new(0, 1)], []], [RetrievalMetric.Parse("recall@10"), RetrievalMetric.Parse("mrr@10")]);
        Assert.Equal(3, report.QueryCount);
        Assert.Equal(0.5, report.PerQuery["q2"]["recall@10"]);
        Assert.Equal((1 + 0.5 + 0) / 3, report.Metrics["recall@10"], 12);
        Assert.Equal((0.5 + 1 + 0) / 3, report.Metrics["mrr@10"], 12);
        RetrievalReport without = RetrievalEvaluation.Evaluate(Set(), [[new(2, 2), new(1, 1)], [new(0, 1)], []], [RetrievalMetric.Parse("mrr@10")], ignoreIdenticalIds: true);
        Assert.Equal(1, without.PerQuery["q1"]["mrr@10"]);
    }

    [Fact]
    public void Bm25_is_scored_over_a_set_and_reported_by_mode()
    {
        using var folder = new ScratchFolder();
        RetrievalReport report = new RetrievalRun(new TestCollection(Set()), [RetrievalMode.Parse("bm25")], new SearchOptions()).Run(null)[0].Report;
        Assert.Equal(1, report.PerQuery["q1"]["mrr@10"]);
        RetrievalReport.Save(folder["report.json"], new Dictionary<string, RetrievalReport> { ["bm25"] = report }, perQuery: true);
        using var json = JsonDocument.Parse(File.ReadAllText(folder["report.json"]));
        Assert.Equal(report.Metrics["ndcg@10"], json.RootElement.GetProperty("bm25").GetProperty("ndcg@10").GetDouble());
        Assert.Equal(1, json.RootElement.GetProperty("per_query").GetProperty("bm25").GetProperty("q1").GetProperty("mrr@10").GetDouble());
    }

    [Fact]
    public void A_run_that_shares_no_query_with_the_judgements_is_refused()
    {
        using var folder = new ScratchFolder();
        string run = folder.Write("r.trec", "x Q0 a 1 1 t\n"), qrels = folder.Write("q.txt", "y 0 a 1\n");
        Assert.Contains("query ids", Assert.Throws<BadInput>(() => RunFileEvaluation.Run(run, qrels)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_and_its_run_file_give_the_same_figures()
    {
        using var folder = new ScratchFolder();
        RetrievalSet set = Set();
        SearchHit[][] hits = [[new(2, 2), new(1, 1)], [new(0, 1)], [new(1, 5)]];
        RetrievalEvaluation.ToRun("t", set, hits).Save(folder["r.trec"]);
        folder.Write("q.txt", string.Concat(set.Qrels.Queries.SelectMany(q => set.Qrels[q].Select(d => $"{q} 0 {d.Key} {d.Value}\n"))));
        Assert.Equal(RetrievalEvaluation.Evaluate(set, hits).Metrics, RunFileEvaluation.Run(folder["r.trec"], folder["q.txt"]).Metrics);
    }

    // Few scores and long depths make ties; query "d0" is a document too.
    [Fact]
    public void Ties_and_a_query_among_the_documents_have_the_same_figures_in_a_saved_run()
        => Gen.Select(Gen.Int[0, 3].Array[8], Gen.Int[0, 2].Array[8], Gen.Shuffle(Enumerable.Range(0, 8).ToArray()), Gen.Bool).Sample((scores, grades, places, ignore) =>
        {
            using var folder = new ScratchFolder();
            var qrels = new Qrels();
            for (int d = 0; d < 8; d++)
            {
                qrels.Add("d0", $"d{d}", grades[d]);
            }
            var set = new RetrievalSet("s", [.. places.Select(p => new Passage($"d{p}", "", "x"))], [new("d0", "x")], qrels);
            // As a search gives them: equal scores by row.
            SearchHit[][] hits = [[.. Enumerable.Range(0, 8).Select(row => new SearchHit(row, scores[row] / 3f)).OrderByDescending(h => h.Score).ThenBy(h => h.Row)]];
            RetrievalEvaluation.ToRun("t", set, hits, ignore).Save(folder["r.trec"]);
            folder.Write("q.txt", string.Concat(Enumerable.Range(0, 8).Select(d => $"d0 0 d{d} {grades[d]}\n")));
            Assert.Equal(RetrievalEvaluation.Evaluate(set, hits, ignoreIdenticalIds: ignore).Metrics, RunFileEvaluation.Run(folder["r.trec"], folder["q.txt"]).Metrics);
            Assert.Equal(ignore, RetrievalEvaluation.Ordered(set, hits, ignore)[0].All(h => set.Corpus[h.Row].Id != "d0"));
        }, iter: 200, threads: 1);

    [Fact]
    public void Scores_are_compared_in_single_precision_as_trec_eval_keeps_them()
    {
        using var folder = new ScratchFolder();
        string run = folder.Write("r.trec", "q Q0 a 1 0.1234567891 t\nq Q0 b 2 0.1234567890 t\n");
        Assert.Equal(["b", "a"], TrecRun.Load(run).Rankings["q"].Select(d => d.Document));
    }

    [Fact]
    public void A_measure_that_is_named_twice_is_given_once()
    {
        RetrievalMetric twice = RetrievalMetric.Parse("mrr@10");
        Assert.Equal(["mrr@10"], RetrievalEvaluation.Evaluate(Set(), [[], [], []], [twice, twice]).Metrics.Keys);
    }

    [Fact]
    public void What_is_odd_about_a_run_and_its_judgements_is_said()
    {
        using var folder = new ScratchFolder();
        string run = folder.Write("r.trec", "q1 Q0 a 1 1 t\nother Q0 a 1 1 t\n"), qrels = folder.Write("q.txt", "q1 0 a 1\nq1 0 a 1\nq1 0 b -1\nq2 0 a 0\n");
        var notes = new List<string>();
        RunFileEvaluation.Run(run, qrels, note: notes.Add);
        Assert.Equal(
        [
            "1 judged queries have no ranking; they do not count (--complete counts them with 0).",
            "1 ranked queries have no judgements; they do not count.",
            "1 judgements have a negative grade; they count as not judged.",
            "1 judgements come a second time with the same grade; they count once.",
            "1 of 2 queries have no relevant document; they count with 0, as in trec_eval.",
        ], notes);
    }
}

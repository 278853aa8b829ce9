using BgeSharp.Evaluation;
using CsCheck;

namespace BgeSharp.Tests.Evaluation;

/// <summary>What must hold for any ranking.</summary>
public class RetrievalLawTests
{
    private static readonly Gen<(int[] Ranked, int[] Missed)> s_rankings = Gen.Select(Gen.Int[-1, 3].Array[0, 12], Gen.Int[0, 3].Array[0, 6]);

    [Fact]
    public void A_perfect_ranking_gives_1()
    {
        string[] measures = ["ndcg@1", "ndcg@10", "ndcg", "map", "mrr@10", "rprec", "success@1", "recall", "recall_cap@3", "bpref", "11pt", "iprec@0.5"];
        s_rankings.Where(r => r.Ranked.Concat(r.Missed).Any(g => g > 0)).Sample(r =>
        {
            int[] judged = [.. r.Ranked, .. r.Missed];
            var q = new RankedGrades(judged.OrderDescending(), judged);
            Assert.All(measures, m => Assert.Equal(1, RetrievalMetric.Parse(m).Of(q), 12));
        });
    }

    [Fact]
    public void Irrelevant_documents_put_in_anywhere_never_raise_a_figure()
    {
        string[] measures = ["ndcg@5", "ndcg", "map", "map@4", "mrr", "recall@5", "recall_cap@5", "precision@5", "rprec", "bpref", "success@3", "11pt", "f1"];
        Gen.Select(s_rankings, Gen.Int[0, 12], Gen.Int[-1, 0]).Sample((r, place, grade) =>
        {
            int[] judged = [.. r.Ranked, .. r.Missed, 0];
            int at = Math.Min(place, r.Ranked.Length);
            var before = new RankedGrades(r.Ranked, judged);
            var after = new RankedGrades([.. r.Ranked[..at], grade, .. r.Ranked[at..]], judged);
            Assert.All(measures, m => Assert.True(RetrievalMetric.Parse(m).Of(after) <= RetrievalMetric.Parse(m).Of(before) + 1e-12, m));
        });
    }

    [Fact]
    public void Equal_scores_are_ordered_by_document_id_whatever_the_order_of_the_lines()
    {
        Gen.Shuffle(Enumerable.Range(0, 6).ToArray()).Sample(order =>
        {
            using var folder = new Formats.ScratchFolder();
            string run = folder.Write("r.trec", string.Concat(order.Select(i => $"q Q0 d{i} 1 {i / 3} t\n")));
            string qrels = folder.Write("q.txt", "q 0 d4 1\nq 0 d1 2\n");
            // d5 d4 d3, then d2 d1 d0.
            RetrievalReport report = RunFileEvaluation.Run(run, qrels, [RetrievalMetric.Parse("mrr"), RetrievalMetric.Parse("map")]);
            Assert.Equal((0.5, (0.5 + (2 / 5.0)) / 2), (report.Metrics["mrr"], report.Metrics["map"]));
        }, iter: 20);
    }

    [Fact]
    public void Small_cases_agree_with_pencil_and_paper()
    {
        // Relevant at ranks 2 and 4; rank 3 is not judged; one of three relevant is missed.
        var q = new RankedGrades([0, 1, -1, 1, 0], [0, 1, 1, 1, 0]);
        Assert.Equal(1 / 3.0, q.RPrecision(), 12);
        Assert.Equal(2 / 6.0, q.RPrecision(2), 12);          // ⌊6.9⌋ = 6 ranks, 5 exist
        Assert.Equal(2 / 2.0, new RankedGrades([1, 1], [1, 1]).CappedRecall(10), 12);
        Assert.Equal(1 / 2.0, q.CappedRecall(2), 12);
        Assert.Equal(2 / 3.0, q.CappedRecall(4), 12);
        Assert.Equal(0.5, q.InterpolatedPrecision(0.5), 12); // ⌊2.0⌋ = 2 found, at rank 4
        Assert.Equal(0, q.InterpolatedPrecision(1), 12);
        Assert.Equal((1 - (1 / 2.0) + 1 - (1 / 2.0)) / 3, q.BinaryPreference(), 12);
        Assert.Equal(1 / 5.0, q.Unjudged(5), 12);
        Assert.Equal(2 * 2 / (5.0 + 3), q.SetF1(), 12);
    }
}

// The candidates of every query with all their scores, so that weights can be tried without searching again.
// Scores of one model's outputs are compared as they are (they were trained together); beside BM25 both sides are scaled to 0..1 within each query.

using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation.Modes;

/// <summary>Scored candidates.</summary>
/// <param name="Parts">Names of the scores: "dense", "sparse", "multi" or "dense", "bm25".</param>
/// <param name="Rows">Candidates of query q.</param>
/// <param name="Scores">[candidates, parts] row-major, of query q.</param>
public sealed record HybridCandidates(IReadOnlyList<string> Parts, IReadOnlyList<int[]> Rows, IReadOnlyList<float[]> Scores)
{
    /// <summary>Rankings by Σ weight · score: score descending, equal scores by row ascending.</summary>
    /// <param name="weights">By part; a part without weight counts nothing.</param>
    /// <param name="top">At most this many a query.</param>
    public SearchHit[][] Rank(IReadOnlyDictionary<string, double> weights, int top)
    {
        double[] each = [.. Parts.Select(p => weights.GetValueOrDefault(p))];
        var result = new SearchHit[Rows.Count][];
        Parallel.For(0, Rows.Count, q =>
        {
            var best = new TopK(top);
            for (int c = 0; c < Rows[q].Length; c++)
            {
                double score = 0;
                for (int p = 0; p < each.Length; p++)
                {
                    score += each[p] * Scores[q][(c * each.Length) + p];
                }
                best.Offer(Rows[q][c], (float)score);
            }
            result[q] = best.ToArray();
        });
        return result;
    }
}

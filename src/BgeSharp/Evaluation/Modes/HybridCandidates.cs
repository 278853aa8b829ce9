// The candidates of every query with all their scores, so that weights can be tried without searching again.
// Scores of one model's outputs are compared as they are (they were trained together); beside BM25 both sides are scaled to 0..1 within each query.

using BgeSharp.Embeddings;
using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation.Modes;

/// <summary>Scored candidates.</summary>
/// <param name="Parts">Names of the scores: "dense", "sparse", "multi" or "dense", "bm25".</param>
/// <param name="Rows">Candidates of query q.</param>
/// <param name="Scores">[candidates, parts] row-major, of query q.</param>
public sealed record HybridCandidates(IReadOnlyList<string> Parts, IReadOnlyList<int[]> Rows, IReadOnlyList<float[]> Scores)
{
    /// <summary>The parts of an encoder's hybrid: dense and what it has heads for, or dense and BM25.</summary>
    /// <param name="outputs">What the encoder gives.</param>
    public static IReadOnlyList<string> PartsOf(EmbeddingModes outputs)
    {
        string[] heads = [.. new[] { outputs.HasFlag(EmbeddingModes.Sparse) ? "sparse" : "", outputs.HasFlag(EmbeddingModes.MultiVector) ? "multi" : "" }.Where(p => p.Length > 0)];
        return heads.Length > 0 ? ["dense", .. heads] : ["dense", "bm25"];
    }

    /// <summary>Throws when the weights say something that these parts cannot do: there is no order, or one part alone remains of a mixture.</summary>
    /// <param name="parts">Of the hybrid.</param>
    /// <param name="weights">By part. The usual ones name all parts that a hybrid can have, so a part that is not there may have one.</param>
    /// <param name="strict">True refuses every weight of a part that is not there.</param>
    /// <exception cref="BadInput">They do.</exception>
    public static void RequireWeights(IReadOnlyList<string> parts, IReadOnlyDictionary<string, double> weights, bool strict = false)
    {
        string[] idle = [.. weights.Where(w => w.Value != 0 && !parts.Contains(w.Key)).Select(w => w.Key)];
        int used = parts.Count(p => weights.GetValueOrDefault(p) != 0);
        string has = $"--weights: the hybrid of this model has {string.Join(" and ", parts)}", remedy = $"name these (--weights {string.Join(' ', parts.Select(p => p + "=1"))}).";
        if (idle.Length > 0 && (strict || used < 2))
        {
            throw new BadInput($"{has}, and no {string.Join(" or ", idle)}; {remedy}");
        }
        if (used == 0)
        {
            throw new BadInput($"{has}, and none of them has a weight, so there is no order; {remedy}");
        }
    }

    /// <summary>Rankings by Σ weight · score: score descending, equal scores by row ascending.</summary>
    /// <param name="weights">By part; a part without weight counts nothing.</param>
    /// <param name="top">At most this many a query.</param>
    /// <param name="groups">Document of each row, where several rows are one document: its best row alone is ranked, and <paramref name="top"/> counts documents. Null: every row stands for itself.</param>
    /// <exception cref="BadInput">The weights give no order; see <see cref="RequireWeights"/>.</exception>
    public SearchHit[][] Rank(IReadOnlyDictionary<string, double> weights, int top, int[]? groups = null)
    {
        RequireWeights(Parts, weights);
        double[] each = [.. Parts.Select(p => weights.GetValueOrDefault(p))];
        var result = new SearchHit[Rows.Count][];
        Parallel.For(0, Rows.Count, q =>
        {
            var best = new TopK(top, groups);
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

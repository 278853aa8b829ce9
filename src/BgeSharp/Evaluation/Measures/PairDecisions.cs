// How well a similarity tells equal pairs from different ones: average precision needs no threshold; accuracy and F1 use the best one,
// which is chosen on the same pairs (as MTEB does) and therefore a little kind.

namespace BgeSharp.Evaluation.Measures;

/// <summary>Measures of a binary decision by a score.</summary>
/// <param name="AveragePrecision">Σ (recall step · precision) over the scores from high to low; pairs of equal score come in together.</param>
/// <param name="Accuracy">Share of right decisions at <paramref name="AccuracyThreshold"/>.</param>
/// <param name="AccuracyThreshold">Midway between the two scores around the best cut.</param>
/// <param name="F1">Best harmonic mean of precision and recall.</param>
/// <param name="F1Threshold">Its threshold.</param>
public sealed record PairDecisions(double AveragePrecision, double Accuracy, double AccuracyThreshold, double F1, double F1Threshold)
{
    /// <summary>Measures scores against labels.</summary>
    /// <param name="scores">Higher means more alike.</param>
    /// <param name="positive">True for equal pairs, same length.</param>
    /// <exception cref="ArgumentException">Lengths differ, or there is no pair.</exception>
    public static PairDecisions Of(IReadOnlyList<double> scores, IReadOnlyList<bool> positive)
    {
        if (scores.Count != positive.Count || scores.Count == 0)
        {
            throw new ArgumentException($"{scores.Count} scores and {positive.Count} labels are no pairs", nameof(positive));
        }
        int[] order = [.. Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i])];
        int positives = positive.Count(p => p), found = 0;
        double precisionSum = 0;
        // Before any pair is taken as equal, all negatives are right.
        (double accuracy, double accuracyAt) = ((double)(scores.Count - positives) / scores.Count, scores[order[0]] + 1);
        (double f1, double f1At) = (0, scores[order[0]] + 1);
        for (int start = 0, end; start < order.Length; start = end)
        {
            int before = found;
            for (end = start; end < order.Length && scores[order[end]] == scores[order[start]]; end++)
            {
                found += positive[order[end]] ? 1 : 0;
            }
            precisionSum += (found - before) * ((double)found / end);
            double threshold = end < order.Length ? (scores[order[end - 1]] + scores[order[end]]) / 2 : scores[order[end - 1]];
            double right = (double)(found + (scores.Count - positives) - (end - found)) / scores.Count;
            double both = end + positives > 0 ? 2.0 * found / (end + positives) : 0;
            (accuracy, accuracyAt) = right > accuracy ? (right, threshold) : (accuracy, accuracyAt);
            (f1, f1At) = both > f1 ? (both, threshold) : (f1, f1At);
        }
        return new PairDecisions(positives > 0 ? precisionSum / positives : 0, accuracy, accuracyAt, f1, f1At);
    }
}

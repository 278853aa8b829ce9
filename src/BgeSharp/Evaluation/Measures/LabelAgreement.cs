// Right and wrong labels of a classification: accuracy, and F1 averaged over classes so that rare classes count as much as common ones.

namespace BgeSharp.Evaluation.Measures;

/// <summary>Measures of predicted labels.</summary>
/// <param name="Accuracy">Share of right labels.</param>
/// <param name="MacroF1">Mean over the classes that occur on either side of 2·hits / (predicted + true).</param>
public sealed record LabelAgreement(double Accuracy, double MacroF1)
{
    /// <summary>Compares labels.</summary>
    /// <param name="predicted">Class numbers.</param>
    /// <param name="truth">Class numbers, same length, at least one.</param>
    public static LabelAgreement Of(ReadOnlySpan<int> predicted, ReadOnlySpan<int> truth)
    {
        if (predicted.Length != truth.Length || truth.Length == 0)
        {
            throw new ArgumentException($"{predicted.Length} predictions and {truth.Length} labels cannot be compared", nameof(truth));
        }
        var counts = new Dictionary<int, (int Hits, int Predicted, int True)>();
        int right = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            bool hit = predicted[i] == truth[i];
            right += hit ? 1 : 0;
            var (h, p, t) = counts.GetValueOrDefault(truth[i]);
            counts[truth[i]] = (h + (hit ? 1 : 0), p, t + 1);
            (h, p, t) = counts.GetValueOrDefault(predicted[i]);
            counts[predicted[i]] = (h, p + 1, t);
        }
        return new LabelAgreement((double)right / truth.Length, counts.Values.Average(c => 2.0 * c.Hits / (c.Predicted + c.True)));
    }
}

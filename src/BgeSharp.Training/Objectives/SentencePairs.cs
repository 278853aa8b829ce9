// Losses for sentence pairs with a graded similarity (STS).
//   CoSENT:  log( 1 + Σ_{y_i > y_j} exp( (cos_j − cos_i) / τ ) )       Su 2022; learns the order of the pairs, whatever the scale of the grades
//   cosine:  mean_i (cos_i − y_i)²                                     y on the scale of the cosine
// CoSENT compares all pairs of the batch: one [B, B] matrix.

namespace BgeSharp.Training.Objectives;

/// <summary>Graded sentence pairs.</summary>
public static class SentencePairs
{
    /// <param name="cosines">[B].</param>
    /// <param name="grades">[B], any scale.</param>
    /// <param name="temperature">τ; 0.05 is usual.</param>
    /// <returns>Scalar; 0 where all grades are equal.</returns>
    public static Tensor CoSent(Tensor cosines, Tensor grades, double temperature)
    {
        Tensor scaled = cosines.Over(temperature);
        Tensor differences = scaled.unsqueeze(0).Minus(scaled.unsqueeze(1));                     // [i, j] = cos_j − cos_i
        Tensor ordered = grades.unsqueeze(1).gt(grades.unsqueeze(0));                            // [i, j] = y_i > y_j
        Tensor terms = differences.Masked(ordered.logical_not(), -1e12).reshape(-1);
        return cat([zeros(1, terms.dtype, terms.device), terms], 0).logsumexp(0, keepdim: false);
    }

    /// <param name="cosines">[B].</param>
    /// <param name="grades">[B], −1 to 1.</param>
    /// <returns>Scalar.</returns>
    public static Tensor Cosine(Tensor cosines, Tensor grades)
    {
        Tensor difference = cosines.Minus(grades);
        return (difference * difference).mean();
    }
}

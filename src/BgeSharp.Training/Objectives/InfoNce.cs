// InfoNCE with in-batch negatives: every query against every passage of the batch.
//   L = mean_i −log( exp(q_i·p_i/τ) / Σ_j exp(q_i·p_j/τ) )            van den Oord et al. 2018; C-Pack 2023, section 3
// Costs one [Q, P] score matrix; a large batch calls it for blocks of queries, so that 8,192 pairs never hold 268 MB at once.

namespace BgeSharp.Training.Objectives;

/// <summary>Contrastive loss over in-batch negatives.</summary>
/// <param name="Temperature">τ, above 0. BGE v1 uses 0.01, BGE-M3 0.02.</param>
/// <param name="InBatchNegatives">False compares each query with its own group only.</param>
public sealed record InfoNce(double Temperature = 0.02, bool InBatchNegatives = true)
{
    /// <summary>Scores divided by the temperature.</summary>
    /// <param name="queries">[Q, D], unit length.</param>
    /// <param name="passages">[P, D], unit length; without in-batch negatives P = Q·G, group by group.</param>
    /// <returns>[Q, P], or [Q, G] without in-batch negatives.</returns>
    public Tensor Scores(Tensor queries, Tensor passages)
    {
        long count = queries.shape[0];
        if (InBatchNegatives)
        {
            return queries.matmul(passages.t()).Over(Temperature);
        }
        Tensor groups = passages.view(count, -1, passages.shape[1]);                   // [Q, G, D]
        return groups.bmm(queries.unsqueeze(2)).squeeze(2).Over(Temperature);              // [Q, G]
    }

    /// <param name="scores">What <see cref="Scores"/> gives.</param>
    /// <param name="hidden">[Q, P], true where a column is a positive of that query in disguise and must not count as a negative; null for none.</param>
    /// <param name="positives">[Q], column of each query's positive; null for <see cref="Positives(Tensor)"/>.</param>
    /// <returns>Scalar, in nats, averaged over queries.</returns>
    public Tensor Loss(Tensor scores, Tensor? hidden = null, Tensor? positives = null)
        => nn.functional.cross_entropy(hidden is null ? scores : scores.Masked(hidden, float.MinValue), positives ?? Positives(scores));

    /// <summary>The column of each query's positive when the scores are those of all queries.</summary>
    /// <returns>[Q].</returns>
    public Tensor Positives(Tensor scores) => Positives(scores, scores.shape[1] / scores.shape[0], 0);

    /// <summary>The column of each query's positive when the scores are those of a block of queries.</summary>
    /// <param name="scores">[block, P] or [block, G].</param>
    /// <param name="group">G.</param>
    /// <param name="start">First query of the block.</param>
    /// <returns>[block].</returns>
    public Tensor Positives(Tensor scores, long group, long start)
        => TensorArithmetic.CountTo(scores.shape[0], scores.device).Plus(start).Times(InBatchNegatives ? group : 0);
}

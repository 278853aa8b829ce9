// How two embeddings of BGE-M3 are compared, output by output and together.                              M3-Embedding 2024, section 3.2
//   dense q·p      sparse Σ_{t in both} w_q(t) w_p(t)      multi-vector (1/n) Σ_i max_j q_i·p_j      together Σ w·score / Σ w
// One pair at a time in plain loops: right for re-ranking a few hundred pairs. Searching a corpus is Retrieval's work.

using System.Numerics.Tensors;

namespace BgeSharp.Embeddings;

/// <summary>Weights of the three scores in a joint one; they are divided by the sum of those used.</summary>
/// <param name="Dense">Weight of the dense score. BGE-M3's paper: 1, FlagEmbedding's example: 0.4.</param>
/// <param name="Sparse">Weight of the sparse score. Paper: 0.3, example: 0.2.</param>
/// <param name="MultiVector">Weight of the multi-vector score. Paper: 1, example: 0.4.</param>
public sealed record ScoreWeights(double Dense = 1, double Sparse = 0.3, double MultiVector = 1)
{
    /// <summary>The weighted mean of the scores of some outputs.</summary>
    /// <param name="modes">Which scores take part.</param>
    /// <param name="dense">Ignored when not among them, as are the others.</param>
    /// <param name="sparse">Sparse score.</param>
    /// <param name="multiVector">Multi-vector score.</param>
    public double Join(EmbeddingModes modes, double dense, double sparse, double multiVector)
    {
        double sum = 0, weights = 0;
        foreach ((EmbeddingModes mode, double weight, double score) in (ReadOnlySpan<(EmbeddingModes, double, double)>)
            [(EmbeddingModes.Dense, Dense, dense), (EmbeddingModes.Sparse, Sparse, sparse), (EmbeddingModes.MultiVector, MultiVector, multiVector)])
        {
            if (modes.HasFlag(mode))
            {
                sum += weight * score;
                weights += weight;
            }
        }
        return weights > 0 ? sum / weights : throw new ArgumentException("the weights of the scores that take part must sum to more than 0", nameof(modes));
    }
}

/// <summary>Scores of a query's and a passage's embedding.</summary>
public static class EmbeddingScores
{
    /// <summary>Inner product of the dense vectors.</summary>
    public static double Dense(M3Embedding query, M3Embedding passage) => TensorPrimitives.Dot(query.Dense!.AsSpan(), passage.Dense!);

    /// <summary>Sum over the shared token ids of the product of their weights.</summary>
    public static double Sparse(M3Embedding query, M3Embedding passage)
    {
        (IReadOnlyDictionary<int, float> few, IReadOnlyDictionary<int, float> many) = (query.LexicalWeights!, passage.LexicalWeights!);
        if (few.Count > many.Count)
        {
            (few, many) = (many, few);
        }
        double sum = 0;
        foreach ((int id, float weight) in few)
        {
            sum += many.TryGetValue(id, out float other) ? (double)weight * other : 0;
        }
        return sum;
    }

    /// <summary>Late interaction: the mean over the query's vectors of the best inner product with any of the passage's; 0 when either has none.</summary>
    public static double MultiVector(M3Embedding query, M3Embedding passage)
    {
        (float[][] questions, float[][] answers) = (query.MultiVector!, passage.MultiVector!);
        if (questions.Length == 0 || answers.Length == 0)
        {
            return 0;
        }
        double sum = 0;
        foreach (float[] question in questions)
        {
            float best = float.NegativeInfinity;
            foreach (float[] answer in answers)
            {
                best = MathF.Max(best, TensorPrimitives.Dot(question.AsSpan(), answer));
            }
            sum += best;
        }
        return sum / questions.Length;
    }

    /// <summary>The weighted mean of the scores of some outputs.</summary>
    public static double Joint(M3Embedding query, M3Embedding passage, EmbeddingModes modes, ScoreWeights weights) => weights.Join(
        modes,
        modes.HasFlag(EmbeddingModes.Dense) ? Dense(query, passage) : 0,
        modes.HasFlag(EmbeddingModes.Sparse) ? Sparse(query, passage) : 0,
        modes.HasFlag(EmbeddingModes.MultiVector) ? MultiVector(query, passage) : 0);
}

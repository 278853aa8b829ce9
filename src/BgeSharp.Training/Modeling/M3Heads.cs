// The two heads that BGE-M3 adds to an encoder's dense vector.                                             M3-Embedding 2024, section 3.2
//   sparse:        w_t = relu(W h_t + b), W [1, D]; a token's weight is the largest of its occurrences
//   multi-vector:  v_t = normalize(W h_t + b), W [C, D]; every token but the first takes part in late interaction
// Names are FlagEmbedding's. Both read the last hidden vectors, so they cost next to nothing beside the encoder.

using BgeSharp.Embeddings;
using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>Sparse and multi-vector head: any subset.</summary>
public sealed class M3Heads
{
    /// <summary>Layer of the sparse head.</summary>
    public const string Sparse = "sparse_linear";

    /// <summary>Layer of the multi-vector head.</summary>
    public const string MultiVector = "colbert_linear";

    private readonly Weights _weights;

    /// <param name="weights">Hold the heads that shall be used.</param>
    /// <param name="withoutWeight">Ids that never get a sparse weight: begin, end, padding and unknown.</param>
    public M3Heads(Weights weights, IEnumerable<int> withoutWeight)
    {
        _weights = weights;
        WithoutWeight = withoutWeight.ToHashSet();
        Modes = EmbeddingModes.Dense
            | (weights.Contains(Sparse + ".weight") ? EmbeddingModes.Sparse : EmbeddingModes.None)
            | (weights.Contains(MultiVector + ".weight") ? EmbeddingModes.MultiVector : EmbeddingModes.None);
        VectorSize = Modes.HasFlag(EmbeddingModes.MultiVector) ? (int)weights[MultiVector + ".weight"].shape[0] : 0;
    }

    /// <summary>Dense, and the heads that are there.</summary>
    public EmbeddingModes Modes { get; }

    /// <summary>C, or 0 without a multi-vector head.</summary>
    public int VectorSize { get; }

    /// <summary>Ids that never get a sparse weight.</summary>
    public IReadOnlySet<int> WithoutWeight { get; }

    /// <summary>The ids of a vocabulary that never get a sparse weight; &lt;mask&gt; keeps its own, as in the reference.</summary>
    public static int[] Unweighted(Text.SpecialTokens special) => [special.Cls, special.Sep, special.Pad, special.Unk];

    /// <summary>True for the name of a head's weight.</summary>
    public static bool Has(string name) => name.StartsWith(Sparse + ".", StringComparison.Ordinal) || name.StartsWith(MultiVector + ".", StringComparison.Ordinal);

    /// <summary>The weights of some heads.</summary>
    /// <param name="config">For D.</param>
    /// <param name="modes">Which heads; dense has none.</param>
    /// <param name="vectorSize">C; 0 for D.</param>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config, EmbeddingModes modes, int vectorSize = 0)
    {
        if (modes.HasFlag(EmbeddingModes.Sparse))
        {
            yield return new(Sparse + ".weight", [1, config.HiddenSize], WeightStart.Normal);
            yield return new(Sparse + ".bias", [1], WeightStart.Zero);
        }
        if (modes.HasFlag(EmbeddingModes.MultiVector))
        {
            long size = vectorSize > 0 ? vectorSize : config.HiddenSize;
            yield return new(MultiVector + ".weight", [size, config.HiddenSize], WeightStart.Normal);
            yield return new(MultiVector + ".bias", [size], WeightStart.Zero);
        }
    }

    /// <param name="rows">[T, D], last hidden vectors.</param>
    /// <returns>[T] in the master type, 0 and above.</returns>
    public Tensor TokenWeights(Tensor rows) => _weights.Linear(rows.to_type(_weights.Compute.MasterType), Sparse).squeeze(1).relu();

    /// <param name="rows">[T, D], last hidden vectors.</param>
    /// <returns>[T, C] in the master type, rows of unit length; the first row of each text is not used.</returns>
    public Tensor TokenVectors(Tensor rows) => _weights.Linear(rows, MultiVector).ToUnitLength(_weights.Compute.MasterType);
}

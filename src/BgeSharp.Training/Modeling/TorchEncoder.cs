// The Torch model as an encoder of texts: no gradients, one batch at a time. Not thread-safe: one owner computes.

using BgeSharp.Embeddings;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>Packed tokens to embeddings.</summary>
/// <param name="encoder">The model.</param>
/// <param name="pooling">How hidden vectors become the dense one.</param>
/// <param name="heads">Sparse and multi-vector head; null for dense only.</param>
public sealed class TorchEncoder(Encoder encoder, Pooling pooling, M3Heads? heads = null) : IEncoder
{
    private readonly M3Encoder _outputs = new(encoder, pooling, heads);

    /// <inheritdoc/>
    public int Dimension => encoder.Config.HiddenSize;

    /// <inheritdoc/>
    public int MaxLength => encoder.Config.MaxLength;

    /// <inheritdoc/>
    public EmbeddingModes Modes => _outputs.Modes;

    /// <inheritdoc/>
    public M3Embedding[] Encode(TokenBatch batch) => Encode(batch, EmbeddingModes.Dense);

    /// <inheritdoc/>
    public M3Embedding[] Encode(TokenBatch batch, EmbeddingModes modes)
    {
        this.Require(modes);
        if (batch.Count == 0)
        {
            return [];
        }
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        M3Outputs outputs = _outputs.Forward(batch, training: false, modes);
        float[]? dense = Numbers(outputs.Dense), weights = Numbers(outputs.TokenWeights), vectors = Numbers(outputs.TokenVectors);
        var embeddings = new M3Embedding[batch.Count];
        for (int i = 0; i < embeddings.Length; i++)
        {
            embeddings[i] = new M3Embedding(
                dense?[(i * Dimension)..((i + 1) * Dimension)],
                weights is null ? null : LexicalWeights(batch[i], weights.AsSpan(batch.Offsets[i], batch.LengthOf(i)), heads!.WithoutWeight),
                vectors is null ? null : Rows(vectors, batch.Offsets[i] + 1, batch.Offsets[i + 1], heads!.VectorSize));
        }
        return embeddings;
    }

    /// <summary>Dense embeddings of a batch in one array.</summary>
    /// <returns>[B · D], row-major, rows of unit length.</returns>
    public float[] EncodeDense(TokenBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Numbers(_outputs.Forward(batch, training: false, EmbeddingModes.Dense).Dense)!;
    }

    private static float[]? Numbers(Tensor? tensor) => tensor?.to_type(ScalarType.Float32).cpu().data<float>().ToArray();

    // The largest weight of each id's occurrences; ids of weight 0 and special tokens are left out.
    private static Dictionary<int, float> LexicalWeights(ReadOnlySpan<int> ids, ReadOnlySpan<float> weights, IReadOnlySet<int> without)
    {
        var found = new Dictionary<int, float>();
        for (int i = 0; i < ids.Length; i++)
        {
            if (weights[i] > found.GetValueOrDefault(ids[i]) && !without.Contains(ids[i]))
            {
                found[ids[i]] = weights[i];
            }
        }
        return found;
    }

    private static float[][] Rows(float[] all, int first, int end, int size)
    {
        var rows = new float[Math.Max(0, end - first)][];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = all[((first + i) * size)..((first + i + 1) * size)];
        }
        return rows;
    }
}

// One pass through the encoder, up to three outputs. Training and use share it, so what is trained is what is used.

using BgeSharp.Embeddings;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>Outputs of a batch as tensors in the master type.</summary>
/// <param name="Batch">The texts.</param>
/// <param name="Dense">[B, D], unit length; null when not asked for.</param>
/// <param name="TokenWeights">[T], one weight a token, 0 and above; null when not asked for.</param>
/// <param name="TokenVectors">[T, C], unit length; the first row of each text takes no part; null when not asked for.</param>
public sealed record M3Outputs(TokenBatch Batch, Tensor? Dense, Tensor? TokenWeights, Tensor? TokenVectors)
{
    /// <summary>The outputs that are there, in the order of the record.</summary>
    public IReadOnlyList<Tensor> Parts => [.. new[] { Dense, TokenWeights, TokenVectors }.OfType<Tensor>()];

    /// <summary>Token of the batch that the first row of the token outputs belongs to: above 0 where only those of some texts in a row are there.</summary>
    public int FirstToken { get; init; }

    /// <summary>The outputs of texts [start, start + count), as views.</summary>
    public M3Outputs Texts(int start, int count)
    {
        if (start == 0 && count == Batch.Count)
        {
            return this;
        }
        (int first, int end) = (Batch.Offsets[start], Batch.Offsets[start + count]);
        var texts = new TokenBatch(Batch.Ids[first..end], [.. Batch.Offsets[start..(start + count + 1)].Select(o => o - first)]);
        return new M3Outputs(texts, Dense?.narrow(0, start, count), TokenWeights?.narrow(0, first - FirstToken, end - first), TokenVectors?.narrow(0, first - FirstToken, end - first));
    }

    /// <summary>The same outputs with other tensors, in the order of <see cref="Parts"/>.</summary>
    public M3Outputs With(IReadOnlyList<Tensor> parts)
    {
        int next = 0;
        return this with
        {
            Dense = Dense is null ? null : parts[next++],
            TokenWeights = TokenWeights is null ? null : parts[next++],
            TokenVectors = TokenVectors is null ? null : parts[next],
        };
    }
}

/// <summary>Packed tokens to up to three outputs.</summary>
/// <param name="encoder">The model.</param>
/// <param name="pooling">How hidden vectors become the dense one.</param>
/// <param name="heads">The heads; null for dense only.</param>
public sealed class M3Encoder(Encoder encoder, Pooling pooling, M3Heads? heads = null)
{
    /// <summary>The encoder below.</summary>
    public Encoder Encoder => encoder;

    /// <summary>The heads; null for dense only.</summary>
    public M3Heads? Heads => heads;

    /// <summary>What can be asked for.</summary>
    public EmbeddingModes Modes => heads?.Modes ?? EmbeddingModes.Dense;

    /// <param name="batch">The texts.</param>
    /// <param name="training">True applies dropout.</param>
    /// <param name="modes">Outputs to compute.</param>
    /// <param name="recompute">As in <see cref="Encoder.Forward"/>.</param>
    public M3Outputs Forward(TokenBatch batch, bool training, EmbeddingModes modes, bool recompute = false)
    {
        var text = new PackedText(batch, encoder.Config, encoder.Weights.Compute.Device);
        Tensor rows = encoder.Forward(text, training, recompute: recompute);                                  // [T, D]
        return new M3Outputs(
            batch,
            modes.HasFlag(EmbeddingModes.Dense) ? pooling.Pool(text, rows).ToUnitLength(encoder.Weights.Compute.MasterType) : null,
            modes.HasFlag(EmbeddingModes.Sparse) ? heads!.TokenWeights(rows) : null,
            modes.HasFlag(EmbeddingModes.MultiVector) ? heads!.TokenVectors(rows) : null);
    }
}

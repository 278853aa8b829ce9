// The first numbers of a dense vector, scaled to unit length anew: a shorter embedding of the same text.              Kusupati et al. 2022, section 3
// A model trained at that length (matryoshkaDimensions) loses little by it; one that was not loses more. Sparse and multi-vector outputs stay as they are.

using System.Numerics.Tensors;
using BgeSharp.Text;

namespace BgeSharp.Embeddings;

/// <summary>An encoder whose dense vectors are the first numbers of another's.</summary>
public sealed class ShortenedEncoder : IEncoder
{
    private readonly IEncoder _whole;

    private ShortenedEncoder(IEncoder whole, int dimension) => (_whole, Dimension) = (whole, dimension);

    /// <inheritdoc/>
    public int Dimension { get; }

    /// <summary>D of the whole vectors.</summary>
    public int WholeDimension => _whole.Dimension;

    /// <inheritdoc/>
    public int MaxLength => _whole.MaxLength;

    /// <inheritdoc/>
    public EmbeddingModes Modes => _whole.Modes;

    /// <summary>The encoder with vectors of so many numbers; itself where that is all it has, or 0.</summary>
    /// <param name="encoder">Gives the whole vectors.</param>
    /// <param name="dimension">0 to the encoder's own.</param>
    /// <exception cref="BadInput">The encoder's vectors are shorter.</exception>
    public static IEncoder Of(IEncoder encoder, int dimension)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        if (dimension < 0 || dimension > encoder.Dimension)
        {
            throw new BadInput($"vectors of {dimension} numbers are asked for, and the model's have {encoder.Dimension}; give 1 to {encoder.Dimension}.");
        }
        return dimension == 0 || dimension == encoder.Dimension ? encoder : new ShortenedEncoder(encoder, dimension);
    }

    /// <summary>The first numbers of a vector, scaled to unit length; zeros stay zeros.</summary>
    /// <param name="vector">[D].</param>
    /// <param name="dimension">1 to D.</param>
    /// <returns>[dimension].</returns>
    public static float[] Shorten(ReadOnlySpan<float> vector, int dimension)
    {
        float[] first = vector[..dimension].ToArray();
        float length = TensorPrimitives.Norm<float>(first);
        if (length > 0)
        {
            TensorPrimitives.Divide(first, length, first);
        }
        return first;
    }

    /// <inheritdoc/>
    public M3Embedding[] Encode(TokenBatch batch) => Cut(_whole.Encode(batch));

    /// <inheritdoc/>
    public M3Embedding[] Encode(TokenBatch batch, EmbeddingModes modes) => Cut(_whole.Encode(batch, modes));

    private M3Embedding[] Cut(M3Embedding[] embeddings) => Array.ConvertAll(embeddings, e => e.Dense is { } dense ? e with { Dense = Shorten(dense, Dimension) } : e);
}

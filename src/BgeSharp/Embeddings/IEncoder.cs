// What turns tokens into embeddings. Dense vectors are the part that every encoder has; a model with BGE-M3's heads gives two more outputs from the
// same pass, asked for by EmbeddingModes. An encoder without heads implements the first three members only.

using BgeSharp.Text;

namespace BgeSharp.Embeddings;

/// <summary>Tokens to embeddings. The Torch model implements it; so can any other runtime.</summary>
public interface IEncoder
{
    /// <summary>D, the size of the dense vector.</summary>
    int Dimension { get; }

    /// <summary>Longest text, in tokens, special tokens included.</summary>
    int MaxLength { get; }

    /// <summary>What the model can give: dense, and what it has heads for.</summary>
    EmbeddingModes Modes => EmbeddingModes.Dense;

    /// <summary>Encodes a batch; result i belongs to text i. The result of a text does not depend on the batch it is in (up to rounding).</summary>
    M3Embedding[] Encode(TokenBatch batch);

    /// <summary>Encodes a batch in one pass into the outputs asked for; the others are null.</summary>
    /// <param name="batch">The texts.</param>
    /// <param name="modes">One or more of <see cref="Modes"/>.</param>
    /// <exception cref="BadInput">The model has no head for one of them.</exception>
    M3Embedding[] Encode(TokenBatch batch, EmbeddingModes modes)
    {
        this.Require(modes);
        return Encode(batch);
    }
}

/// <summary>Checks before a long run.</summary>
public static class EncoderModes
{
    /// <summary>Throws unless the encoder gives all that is asked for.</summary>
    /// <exception cref="BadInput">Names the missing head.</exception>
    public static void Require(this IEncoder encoder, EmbeddingModes modes)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        EmbeddingModes missing = modes & ~encoder.Modes;
        if (missing != EmbeddingModes.None)
        {
            throw new BadInput($"the model has no {(missing.HasFlag(EmbeddingModes.Sparse) ? "sparse" : "multi-vector")} head (heads.safetensors); train one with \"heads\" in a recipe, or ask for dense vectors only.");
        }
    }
}

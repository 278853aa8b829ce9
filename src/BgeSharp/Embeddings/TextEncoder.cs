// Texts → embeddings through any encoder. Texts are sorted by length within a window so that a batch holds texts of like length
// (an encoder that pads wastes little), batches are cut by a token budget, and results come back in the order of the texts.
// Streaming: memory is one window of texts and their embeddings, whatever the number of texts.

using BgeSharp.Text;

namespace BgeSharp.Embeddings;

/// <summary>Encodes any number of texts in length-sorted batches under a token budget.</summary>
/// <param name="encoder">Computes the embeddings.</param>
/// <param name="tokenizer">The encoder's tokenizer.</param>
public sealed class TextEncoder(IEncoder encoder, ITokenizer tokenizer)
{
    /// <summary>Tokens of a batch, padding to the longest text included; a longer text is a batch of its own. At least 1.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>Texts of a batch at most.</summary>
    public int BatchTexts { get; init; } = 256;

    /// <summary>Outputs to compute.</summary>
    public EmbeddingModes Modes { get; init; } = EmbeddingModes.Dense;

    /// <summary>Texts that are sorted together. More waste less padding and hold more in memory.</summary>
    public int Window { get; init; } = 4096;

    /// <summary>The embeddings of texts, in order, streaming.</summary>
    /// <param name="texts">Read one window at a time.</param>
    /// <param name="maxLength">Longest text in tokens, special tokens included; cut to the encoder's own limit.</param>
    /// <param name="progress">Called after each batch with the number of texts encoded so far.</param>
    public IEnumerable<M3Embedding> Encode(IEnumerable<string> texts, int maxLength = int.MaxValue, Action<int>? progress = null)
    {
        int before = 0;
        foreach (string[] window in texts.Chunk(Window))
        {
            foreach (M3Embedding embedding in EncodeWindow(window, maxLength, done => progress?.Invoke(before + done)))
            {
                yield return embedding;
            }
            before += window.Length;
        }
    }

    /// <summary>The dense vectors of texts.</summary>
    /// <returns>[texts, D] row-major.</returns>
    /// <exception cref="BadInput">The vectors do not fit one array (2^31 numbers).</exception>
    public float[] EncodeDense(IReadOnlyList<string> texts, int maxLength = int.MaxValue, Action<int>? progress = null)
    {
        if ((long)texts.Count * encoder.Dimension > Array.MaxLength)
        {
            throw new BadInput($"{texts.Count} vectors of {encoder.Dimension} numbers do not fit one array; split the texts.");
        }
        var vectors = new float[texts.Count * encoder.Dimension];
        int row = 0;
        foreach (M3Embedding embedding in Encode(texts, maxLength, progress))
        {
            float[] dense = embedding.Dense ?? throw new InvalidOperationException("the encoder gives no dense vectors");
            dense.CopyTo(vectors, row++ * encoder.Dimension);
        }
        return vectors;
    }

    private M3Embedding[] EncodeWindow(string[] texts, int maxLength, Action<int> progress)
    {
        int limit = Math.Min(maxLength, encoder.MaxLength);
        var ids = new int[texts.Length][];
        Parallel.For(0, texts.Length, i => ids[i] = tokenizer.EncodeWithSpecial(texts[i], limit));
        // Longest first: the largest batch comes at once, so a budget that is too large shows at once.
        int[] order = [.. Enumerable.Range(0, texts.Length).OrderByDescending(i => ids[i].Length)];
        var result = new M3Embedding[texts.Length];
        for (int start = 0; start < order.Length;)
        {
            int longest = Math.Max(1, ids[order[start]].Length);
            int count = Math.Clamp(BatchTokens / longest, 1, Math.Min(BatchTexts, order.Length - start));
            int[] batch = order[start..(start + count)];
            M3Embedding[] embeddings = encoder.Encode(TokenBatch.Of([.. batch.Select(i => ids[i])]), Modes);
            for (int i = 0; i < count; i++)
            {
                result[batch[i]] = embeddings[i];
            }
            start += count;
            progress(start);
        }
        return result;
    }
}

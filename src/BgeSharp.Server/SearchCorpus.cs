// The corpus behind POST /search: passages and their index, encoded once before the server starts.

using BgeSharp.Embeddings;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;

namespace BgeSharp.Server;

/// <summary>Passages that can be searched. Held in memory whole.</summary>
public sealed class SearchCorpus
{
    private SearchCorpus(IReadOnlyList<Passage> passages, HybridSearch search) => (Passages, Search) = (passages, search);

    /// <summary>Row i of the index is passage i.</summary>
    internal IReadOnlyList<Passage> Passages { get; }

    /// <summary>The index.</summary>
    internal HybridSearch Search { get; }

    /// <summary>Encodes and indexes passages with the model that will encode the queries.</summary>
    /// <param name="model">Not served yet: its encoder is used by the calling thread.</param>
    /// <param name="passages">At least one.</param>
    /// <param name="progress">Called with the number of passages encoded so far.</param>
    /// <param name="cancellation">Stops between batches.</param>
    public static SearchCorpus Build(ServedModel model, IReadOnlyList<Passage> passages, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var encoder = new TextEncoder(model.Encoder, model.Tokenizer);
        string[] texts = [.. passages.Select(p => p.FullText)];
        return new SearchCorpus(passages, HybridSearch.Build(texts, encoder, model.Encoder.Dimension, model.Passage.MaxLength, done =>
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke(done);
        }, model.Passage.Prefix));
    }
}

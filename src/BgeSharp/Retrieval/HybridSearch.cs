// Dense vectors and BM25 over one corpus, alone or fused by rank. A query comes with its vector, so that whoever owns the encoder decides
// when it computes. Everything is in memory: 4·D bytes a text and the postings.

using BgeSharp.Embeddings;

namespace BgeSharp.Retrieval;

/// <summary>How a corpus is searched.</summary>
public enum SearchMode
{
    /// <summary>Reciprocal rank fusion of both: Σ 1 / (60 + rank) over the first 100 of each, or as many as are asked for (Cormack et al. 2009).</summary>
    Hybrid,

    /// <summary>Inner product of vectors.</summary>
    Dense,

    /// <summary>Shared words.</summary>
    Bm25,
}

/// <summary>Dense and BM25 search over the same texts. Searching is thread-safe.</summary>
public sealed class HybridSearch
{
    private const int FusedDepth = 100;
    private readonly DenseIndex _dense;
    private readonly Bm25Index _lexical;

    /// <param name="dense">Row i is text i.</param>
    /// <param name="lexical">Row i is text i.</param>
    public HybridSearch(DenseIndex dense, Bm25Index lexical)
    {
        if (dense.Count != lexical.Count)
        {
            throw new ArgumentException($"{lexical.Count} texts have {dense.Count} vectors", nameof(lexical));
        }
        (_dense, _lexical) = (dense, lexical);
    }

    /// <summary>Encodes and indexes a corpus.</summary>
    /// <param name="texts">Row i is text i.</param>
    /// <param name="encoder">Gives the vectors of the texts.</param>
    /// <param name="dimension">D of its vectors.</param>
    /// <param name="maxLength">Longest text in tokens, instruction included; the rest is cut off.</param>
    /// <param name="progress">Called with the number of texts encoded so far.</param>
    /// <param name="instruction">Put before each text for its vector; BM25 does not see it.</param>
    public static HybridSearch Build(IReadOnlyList<string> texts, TextEncoder encoder, int dimension, int maxLength, Action<int>? progress = null, string instruction = "") =>
        new(new DenseIndex(encoder.EncodeDense(instruction.Length == 0 ? texts : [.. texts.Select(t => instruction + t)], maxLength, progress), dimension), Bm25Index.Build(texts));

    /// <summary>Number of texts.</summary>
    public int Count => _dense.Count;

    /// <summary>The best rows: score descending, equal scores by row ascending.</summary>
    /// <param name="query">What to look for.</param>
    /// <param name="vector">[D], the query encoded; not needed for BM25.</param>
    /// <param name="mode">Which ranking.</param>
    /// <param name="top">Most hits.</param>
    public SearchHit[] Search(string query, float[]? vector, SearchMode mode, int top)
    {
        if (mode == SearchMode.Bm25)
        {
            return _lexical.Search(query, top);
        }
        ArgumentNullException.ThrowIfNull(vector);
        return mode == SearchMode.Dense
            ? _dense.Search(vector, top)
            : RankFusion.ByRank([_dense.Search(vector, Math.Max(top, FusedDepth)), _lexical.Search(query, Math.Max(top, FusedDepth))], top);
    }
}

using BgeSharp.Embeddings;
using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation.Modes;

/// <summary>What the modes of retrieval depend on beside model and data; reports print it.</summary>
public sealed record SearchOptions
{
    /// <summary>Depth of the rankings.</summary>
    public int TopK { get; init; } = 1000;

    /// <summary>Best passages of the first searches that multi-vector scoring and the hybrid look at. FlagEmbedding takes 200 to 1,000.</summary>
    public int Candidates { get; init; } = 200;

    /// <summary>Weights of the hybrid: dense, sparse and multi-vector for a model with heads, dense and BM25 for one without. BGE-M3's paper: 1, 0.3, 1.</summary>
    public IReadOnlyDictionary<string, double> Weights { get; init; } = new Dictionary<string, double> { ["dense"] = 1, ["sparse"] = 0.3, ["multi"] = 1, ["bm25"] = 0.5 };

    /// <summary>Judges the best of a mode that ends in "+rerank".</summary>
    public IReranker? Reranker { get; init; }

    /// <summary>Passages of each query that the re-ranker judges; the others keep their order behind them.</summary>
    public int RerankDepth { get; init; } = 100;

    /// <summary>Constants of BM25.</summary>
    public Bm25Options Bm25 { get; init; } = new();

    /// <summary>All of it in one line.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"rankings {TopK} deep, {Candidates} candidates, weights {string.Join(" ", Weights.Select(w => FormattableString.Invariant($"{w.Key} {w.Value}")))}, BM25 k1 {Bm25.K1} b {Bm25.B}, re-ranking {RerankDepth} deep");
}

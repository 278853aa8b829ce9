// The names of the ways to search, as the command line and reports use them.

using BgeSharp.Embeddings;

namespace BgeSharp.Evaluation.Modes;

/// <summary>A way to search.</summary>
/// <param name="Name">As typed: "dense", "hybrid+rerank", ...</param>
/// <param name="Search">The part before "+".</param>
/// <param name="Reranks">Whether a cross-encoder judges the best of it.</param>
public sealed record RetrievalMode(string Name, string Search, bool Reranks)
{
    /// <summary>What <see cref="Parse"/> knows; each also with "+rerank" behind it.</summary>
    public static IReadOnlyList<string> Known { get; } = ["dense", "sparse", "multi", "multi_all", "hybrid", "rrf", "bm25"];

    /// <summary>Outputs of the encoder that the search needs at least; the hybrid takes whatever the model has.</summary>
    public EmbeddingModes Needs => Search switch
    {
        "dense" or "hybrid" or "rrf" => EmbeddingModes.Dense,
        "sparse" => EmbeddingModes.Sparse,
        "multi" => EmbeddingModes.Dense | EmbeddingModes.MultiVector,
        "multi_all" => EmbeddingModes.MultiVector,
        _ => EmbeddingModes.None,
    };

    /// <summary>Reads a name.</summary>
    /// <exception cref="BadInput">No such mode.</exception>
    public static RetrievalMode Parse(string name)
    {
        string[] parts = name.Trim().ToLowerInvariant().Split('+');
        return Known.Contains(parts[0]) && (parts.Length == 1 || (parts.Length == 2 && parts[1] == "rerank"))
            ? new RetrievalMode(string.Join('+', parts), parts[0], parts.Length == 2)
            : throw new BadInput($"\"{name}\" is no way to search; {string.Join(", ", Known)} are, each also with \"+rerank\".");
    }
}

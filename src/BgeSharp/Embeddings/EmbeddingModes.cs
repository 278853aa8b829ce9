namespace BgeSharp.Embeddings;

/// <summary>The outputs of a BGE-M3 model; any subset may be asked for.</summary>
[Flags]
public enum EmbeddingModes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>One vector a text.</summary>
    Dense = 1,

    /// <summary>One weight a distinct token id: learned term weights.</summary>
    Sparse = 2,

    /// <summary>One vector a token but the first, compared by late interaction.</summary>
    MultiVector = 4,

    /// <summary>All three.</summary>
    All = Dense | Sparse | MultiVector,
}

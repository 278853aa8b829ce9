// Gradients that a function of ours returns to libtorch's backward pass. libtorch takes its own reference; the handle on our side would keep the memory until the scope around
// the whole backward pass ends, one gradient a layer. Here it goes when the next function returns.

namespace BgeSharp.Training.Modeling;

/// <summary>Hands gradients over.</summary>
internal static class BackwardResult
{
    [ThreadStatic] private static List<Tensor>? _last;

    /// <param name="gradients">Made by the caller for nobody else; null where there is none.</param>
    public static List<Tensor> Of(params Tensor?[] gradients)
    {
        _last?.ForEach(t => t?.Dispose());
        _last = [.. gradients.Select(g => g?.DetachFromDisposeScope()!)];
        return [.. _last];
    }
}

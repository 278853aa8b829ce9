// One process alone: every collective is already done when it is called.

namespace BgeSharp.Training.Collectives;

/// <summary>A group of one; needs nothing and costs nothing.</summary>
public sealed class LocalProcessGroup : IProcessGroup
{
    private LocalProcessGroup()
    {
    }

    /// <summary>The one there is.</summary>
    public static LocalProcessGroup Instance { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void Sum(Tensor values)
    {
    }

    /// <inheritdoc/>
    public Tensor Gather(Tensor rows) => rows;

    /// <inheritdoc/>
    public void Broadcast(Tensor values, int root = 0)
    {
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Abort(string? sentence, int exitCode)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}

// What ranks other than 0 tell of a run: nothing. They say the same as rank 0 would, and a failure has a way of its own (IProcessGroup.Abort).

namespace BgeSharp.Training.Stages;

/// <summary>An observer that does not listen.</summary>
internal sealed class SilentObserver : IRunObserver
{
    private SilentObserver()
    {
    }

    /// <summary>The one there is.</summary>
    public static SilentObserver Instance { get; } = new();

    /// <inheritdoc/>
    public void StageStarted(string stage, int totalSteps)
    {
    }

    /// <inheritdoc/>
    public void Progress(StepReport report)
    {
    }

    /// <inheritdoc/>
    public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
    {
    }

    /// <inheritdoc/>
    public void Message(string sentence)
    {
    }
}

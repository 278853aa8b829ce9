// A wish for a checkpoint from another thread (SIGUSR1), taken up after the step under way.

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Set by anyone, taken once by the trainer.</summary>
public sealed class CheckpointRequest
{
    private int _asked;

    /// <summary>Asks for a checkpoint.</summary>
    public void Ask() => Volatile.Write(ref _asked, 1);

    /// <summary>True once after <see cref="Ask"/>.</summary>
    public bool Take() => Interlocked.Exchange(ref _asked, 0) == 1;
}

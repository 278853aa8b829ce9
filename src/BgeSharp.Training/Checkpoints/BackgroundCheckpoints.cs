// Saving while training goes on: weights and moments are copied (the training thread stands still for that), files are written on another thread.
// One checkpoint at a time: the next one waits for the former. A checkpoint that could not be written is reported and training goes on with the one before;
// several in a row, or one that must be there, end the run.

using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;

namespace BgeSharp.Training.Checkpoints;

/// <summary>Writes the checkpoints of one stage.</summary>
/// <param name="folder">Where they go.</param>
/// <param name="weights">The stage's weights.</param>
/// <param name="optimizer">Its moments.</param>
/// <param name="recipe">The resolved recipe.</param>
/// <param name="background">False writes on the training thread.</param>
/// <param name="warn">Told, on the training thread, about a checkpoint that could not be written.</param>
/// <param name="time">Clock of the figures.</param>
public sealed class BackgroundCheckpoints(CheckpointFolder folder, Weights weights, AdamW optimizer, string recipe, bool background, Action<string> warn, TimeProvider time) : IDisposable
{
    /// <summary>Checkpoints in a row that may fail before the run ends.</summary>
    public const int MostFailures = 3;

    private CheckpointSnapshot? _snapshot;
    private Action? _finish;
    private (int Step, bool Required) _current;
    private int _failures;
    private long _writing;

    /// <summary>Time the training thread stood still, in all.</summary>
    public TimeSpan Stall { get; private set; }

    /// <summary>Time spent writing files, on whichever thread, in all: what is not <see cref="Stall"/> went on beside training.</summary>
    public TimeSpan Writing => new(Interlocked.Read(ref _writing));

    /// <summary>Checkpoints asked for.</summary>
    public int Count { get; private set; }

    /// <summary>Saves the weights as they are now; waits for the former checkpoint first.</summary>
    /// <param name="state">What the checkpoint says.</param>
    /// <param name="required">True makes a failure end the run, when it is found: here, at the next one, or in <see cref="Wait"/>.</param>
    /// <exception cref="IOException">A required checkpoint, or too many in a row, could not be written.</exception>
    public void Save(CheckpointState state, bool required)
    {
        long began = time.GetTimestamp();
        Finish();
        CheckpointSnapshot snapshot = _snapshot ??= new CheckpointSnapshot(weights);
        snapshot.Take(weights, optimizer);
        Count++;
        _current = (state.Step, required);
        if (background)
        {
            Task writing = Task.Factory.StartNew(() => Write(state, snapshot), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            _finish = () => writing.GetAwaiter().GetResult();
        }
        else
        {
            _finish = () => Write(state, snapshot);
            Finish();
        }
        Stall += time.GetElapsedTime(began);
    }

    /// <summary>Waits until nothing is being written.</summary>
    /// <exception cref="IOException">As in <see cref="Save"/>.</exception>
    public void Wait()
    {
        long began = time.GetTimestamp();
        Finish();
        Stall += time.GetElapsedTime(began);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A write is under way here only when something else has failed: that is what the caller is to hear of, not what becomes of the write.
#pragma warning disable CA1031
        try { _finish?.Invoke(); } catch (Exception) { }
#pragma warning restore CA1031
        _snapshot?.Dispose();
    }

    private void Write(CheckpointState state, CheckpointSnapshot snapshot)
    {
        long began = time.GetTimestamp();
        folder.Publish(state, snapshot, recipe);
        Interlocked.Add(ref _writing, time.GetElapsedTime(began).Ticks);
    }

    private void Finish()
    {
        if (_finish is not { } finish)
        {
            return;
        }
        _finish = null;
        try
        {
            finish();
            _failures = 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && !_current.Required && ++_failures < MostFailures)
        {
            warn($"the checkpoint at step {_current.Step} could not be written ({e.Message.TrimEnd('.')}); training goes on, and the checkpoint before it counts.");
        }
    }
}

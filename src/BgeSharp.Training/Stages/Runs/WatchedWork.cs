// Long work between steps (negatives are mined, a teacher scores): it says how far it is, and it can be stopped. A rank that is asked to stop works no more,
// but goes on to where all meet; there they agree and end alike. A signal may have reached one rank only.

using System.Globalization;
using BgeSharp.Training.Collectives;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Work of all ranks that somebody waits for.</summary>
/// <param name="group">The ranks.</param>
/// <param name="observer">Told how far the work is.</param>
/// <param name="time">Clock between two of its sentences.</param>
/// <param name="stop">Asks this rank for an orderly stop.</param>
internal sealed class WatchedWork(IProcessGroup group, IRunObserver observer, TimeProvider time, CancellationToken stop)
{
    // Each sentence stays on the screen and in the log, which is read after hours too.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private long _told = time.GetTimestamp();

    /// <summary>The ranks.</summary>
    public IProcessGroup Group => group;

    /// <summary>True when this rank is asked to stop: until all meet, what it would compute is for nothing.</summary>
    public bool Stopping => stop.IsCancellationRequested;

    /// <summary>Ends the work on all ranks when one of them is asked to stop. All ranks call it equally often.</summary>
    /// <exception cref="StopRequested">One is.</exception>
    public void Meet()
    {
        if (group.Any(stop.IsCancellationRequested)[0])
        {
            throw new StopRequested();
        }
    }

    /// <summary>Items as they are read, counted aloud; no more of them when this rank is to stop, so that all have to meet before anything is made of them.</summary>
    /// <param name="items">Read once.</param>
    /// <param name="what">They are, in the plural.</param>
    public IEnumerable<T> Read<T>(IEnumerable<T> items, string what)
    {
        long count = 0;
        foreach (T item in items.TakeWhile(_ => !Stopping))
        {
            count++;
            Tell($"read {count} {what}");
            yield return item;
        }
    }

    /// <summary>Says how far the work is, unless that was said a moment ago.</summary>
    public void Tell(FormattableString sentence)
    {
        if (time.GetElapsedTime(_told) < Pause)
        {
            return;
        }
        _told = time.GetTimestamp();
        observer.Message(sentence.ToString(CultureInfo.InvariantCulture));
    }
}

// Says whether the ranks are alive. Each sends a beat to the next one of the ring and listens to the one before; what fails tells the others at distances
// 1, 2, 4 ..., so that all know within log2(ranks) messages. MPI alone does not notice a cut cable: TCP goes on trying for a quarter of an hour.

using BgeSharp.Training.Collectives.Native;

namespace BgeSharp.Training.Collectives;

/// <summary>Beats of a ring of ranks. Every member is called by whoever holds the lock on MPI.</summary>
internal sealed unsafe class HeartBeat
{
    private const int BeatTag = 1, NoticeTag = 2;
    private readonly MpiLibrary _mpi;
    private readonly nint _communicator;
    private readonly int _rank, _size;
    private readonly TimeSpan _interval, _patience;
    private readonly Words* _words;
    private long _sentAt, _polledAt;
    private TimeSpan _silence;
    private bool _sending, _listening;

    /// <param name="mpi">Started.</param>
    /// <param name="rank">This rank.</param>
    /// <param name="size">2 and above.</param>
    /// <param name="patience">Silence after which the rank before counts as gone.</param>
    public HeartBeat(MpiLibrary mpi, int rank, int size, TimeSpan patience)
    {
        (_mpi, _rank, _size, _patience, _interval) = (mpi, rank, size, patience, patience / 20);
        _communicator = mpi.Duplicate(mpi.Handles.World);
        // Never freed: messages may be under way to the end.
        _words = (Words*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)sizeof(Words));
        _polledAt = System.Diagnostics.Stopwatch.GetTimestamp();
        mpi.BeginReceive(&_words->Notice, mpi.Handles.AnySource, NoticeTag, _communicator, &_words->NoticeRequest);
        Listen();
    }

    /// <summary>Time between beats.</summary>
    public TimeSpan Interval => _interval;

    /// <summary>The rank that is listened to.</summary>
    public int Before => (_rank + _size - 1) % _size;

    /// <summary>Sends what is due and takes what has come.</summary>
    /// <returns>What is wrong: null for nothing, "" when another rank has told that the run ends.</returns>
    public string? Poll()
    {
        long now = System.Diagnostics.Stopwatch.GetTimestamp();
        if (_mpi.Test(&_words->NoticeRequest))
        {
            return "";
        }
        if (_listening && _mpi.Test(&_words->BeatRequest))
        {
            _silence = TimeSpan.Zero;
            Listen();
        }
        else
        {
            // Only time in which this rank listened counts: one that stood still itself must not blame another.
            TimeSpan since = System.Diagnostics.Stopwatch.GetElapsedTime(_polledAt, now);
            _silence += since < _interval * 4 ? since : _interval;
        }
        _polledAt = now;
        if (_sending && _mpi.Test(&_words->SendRequest))
        {
            _sending = false;
        }
        if (!_sending && (_sentAt == 0 || System.Diagnostics.Stopwatch.GetElapsedTime(_sentAt, now) >= _interval))
        {
            _mpi.BeginSend(&_words->Beat, (_rank + 1) % _size, BeatTag, _communicator, &_words->SendRequest);
            (_sending, _sentAt) = (true, now);
        }
        return _silence < _patience ? null
            : FormattableString.Invariant($"rank {Before} has not been heard of for {_silence.TotalSeconds:0} s: its process, its machine or the network is gone; all ranks end, and the run goes on from its last checkpoint when it is started again.");
    }

    /// <summary>Tells other ranks that the run ends.</summary>
    public void Notify()
    {
        for (int distance = 1; distance < _size; distance *= 2)
        {
            nint request = 0;
            _mpi.BeginSend(&_words->Goodbye, (_rank + distance) % _size, NoticeTag, _communicator, &request);
            _mpi.BeginSend(&_words->Goodbye, (_rank + _size - distance) % _size, NoticeTag, _communicator, &request);
        }
    }

    /// <summary>Stops listening, before MPI is shut down in order.</summary>
    public void End()
    {
        _mpi.Cancel(&_words->NoticeRequest);
        if (_listening)
        {
            _mpi.Cancel(&_words->BeatRequest);
        }
    }

    private void Listen()
    {
        _mpi.BeginReceive(&_words->Received, Before, BeatTag, _communicator, &_words->BeatRequest);
        _listening = true;
    }

    private struct Words
    {
        public int Beat, Received, Notice, Goodbye;
        public nint SendRequest, BeatRequest, NoticeRequest;
    }
}

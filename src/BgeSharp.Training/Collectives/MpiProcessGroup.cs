// Ranks joined by MPI: the engine that a cluster has. Before each collective the ranks meet in a barrier that is looked at now and then instead of slept in,
// so that a rank may be waited for as long as it lives (rank 0 evaluates, the others wait) and its end is noticed all the same (HeartBeat). The collective itself
// then has nobody to wait for: one bucket that takes longer than the patience means that the network is gone.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using BgeSharp.Training.Collectives.Native;

namespace BgeSharp.Training.Collectives;

/// <summary>A group over MPI.</summary>
public sealed unsafe partial class MpiProcessGroup : CpuProcessGroup
{
    /// <summary>Seconds of silence after which a rank counts as gone; 20 unless set.</summary>
    public const string PatienceVariable = "BGESHARP_RANK_TIMEOUT";

    // Longer waits sleep, since on shared cores a rank that spins takes the time of the one it waits for.
    private static readonly TimeSpan Spinning = TimeSpan.FromMilliseconds(2);
    private readonly Lock _gate = new();
    private readonly MpiLibrary _mpi;
    private readonly TimeSpan _patience;
    private readonly nint _brainFloatSum;
    private readonly HeartBeat? _heart;
    private readonly Thread _watch;
    private readonly nint* _meeting;
    private long _blockedSince;
    private int _ending;
    private bool _finished;

    private MpiProcessGroup(MpiLibrary mpi, TimeSpan patience)
    {
        (_mpi, _patience) = (mpi, patience);
        bool severalThreads = mpi.Start() >= MpiLibrary.Serialized;
        (Rank, Size) = mpi.Place();
        Library = mpi.Version;
        _brainFloatSum = mpi.CreateOperation(&BrainFloatSum.Call);
        _meeting = (nint*)NativeMemory.AllocZeroed((nuint)sizeof(nint));
        _heart = severalThreads && Size > 1 ? new HeartBeat(mpi, Rank, Size, patience) : null;
        _watch = new Thread(Watch) { IsBackground = true, Name = "ranks" };
        _watch.Start();
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Size { get; }

    /// <summary>Name and version of the MPI library.</summary>
    public string Library { get; }

    /// <summary>Starts MPI on the calling thread.</summary>
    /// <exception cref="BadInput">There is no MPI library, or the patience is not a number of seconds above 0.</exception>
    public static MpiProcessGroup Start()
    {
        string? given = Environment.GetEnvironmentVariable(PatienceVariable);
        double seconds = 20;
        if (!string.IsNullOrEmpty(given) && !(double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out seconds) && seconds is > 0 and < 1e6))
        {
            throw new BadInput($"{PatienceVariable}={given}: a number of seconds above 0 is needed.");
        }
        return new MpiProcessGroup(MpiLibrary.Load(), TimeSpan.FromSeconds(seconds));
    }

    /// <inheritdoc/>
    public override void Abort(string? sentence, int exitCode) => End(sentence, exitCode, first: true);

    /// <summary>Ends MPI in order; all ranks call it.</summary>
    public override void Dispose()
    {
        Meet();
        if (Interlocked.Exchange(ref _ending, 1) == 0)
        {
            new Thread(LeaveUnlessFinished) { IsBackground = true, Name = "end of MPI" }.Start();
            lock (_gate)
            {
                _heart?.End();
                _mpi.Finish();
            }
            Volatile.Write(ref _finished, true);
        }
    }

    // MPI waits without limit for a rank that is lost while all are leaving.
    private void LeaveUnlessFinished()
    {
        Thread.Sleep(_patience);
        if (!Volatile.Read(ref _finished))
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rank {Rank} of {Size}: all work is done, but MPI has not ended within {_patience.TotalSeconds:0} s: a machine or the network is gone."));
            Console.Error.Flush();
            Leave(1);
        }
    }

    /// <inheritdoc/>
    protected override void Meet()
    {
        lock (_gate)
        {
            _mpi.BeginBarrier(_mpi.Handles.World, _meeting);
        }
        long began = Stopwatch.GetTimestamp();
        for (bool met = false; !met;)
        {
            lock (_gate)
            {
                Beat();
                met = _mpi.Test(_meeting);
            }
            if (met)
            {
                break;
            }
            if (Stopwatch.GetElapsedTime(began) < Spinning)
            {
                Thread.Yield();
            }
            else
            {
                Thread.Sleep(1);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Sum(Span<byte> values, ScalarType type)
    {
        (nint mpiType, nint operation, int size) = type switch
        {
            ScalarType.Float32 => (_mpi.Handles.Single, _mpi.Handles.Sum, sizeof(float)),
            ScalarType.Float64 => (_mpi.Handles.Double, _mpi.Handles.Sum, sizeof(double)),
            ScalarType.Int64 => (_mpi.Handles.Int64, _mpi.Handles.Sum, sizeof(long)),
            ScalarType.BFloat16 => (_mpi.Handles.UInt16, _brainFloatSum, sizeof(ushort)),
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
        fixed (byte* start = values)
        {
            byte* bucket = start;
            int count = values.Length / size;
            Blocking(() => _mpi.AllReduce(bucket, count, mpiType, operation, _mpi.Handles.World));
        }
    }

    /// <inheritdoc/>
    protected override void Broadcast(Span<byte> values, int root)
    {
        fixed (byte* start = values)
        {
            byte* bucket = start;
            int bytes = values.Length;
            Blocking(() => _mpi.Broadcast(bucket, bytes, root, _mpi.Handles.World));
        }
    }

    private void Blocking(Action act)
    {
        lock (_gate)
        {
            Beat();
            Volatile.Write(ref _blockedSince, Stopwatch.GetTimestamp());
            try
            {
                act();
            }
            finally
            {
                Volatile.Write(ref _blockedSince, 0);
            }
        }
    }

    // Looks after the others. The caller holds the lock.
    private void Beat()
    {
        string? wrong;
        try
        {
            wrong = _heart?.Poll();
        }
        catch (IOException e)
        {
            wrong = e.Message + ".";
        }
        if (wrong is not null && Volatile.Read(ref _ending) == 0)
        {
            End(wrong.Length == 0 ? null : wrong, 1, first: wrong.Length > 0);
        }
    }

    private void Watch()
    {
        while (Volatile.Read(ref _ending) == 0)
        {
            Thread.Sleep(_heart?.Interval ?? TimeSpan.FromSeconds(0.5));
            long blocked = Volatile.Read(ref _blockedSince);
            if (blocked != 0 && Stopwatch.GetElapsedTime(blocked) > _patience)
            {
                End(string.Create(CultureInfo.InvariantCulture, $"a message between ranks has been under way for {_patience.TotalSeconds:0} s: a machine or the network is gone; all ranks end, and the run goes on from its last checkpoint when it is started again."), 1, first: true);
            }
            if (_gate.TryEnter(0))
            {
                try
                {
                    if (Volatile.Read(ref _ending) == 0)
                    {
                        Beat();
                    }
                }
                finally
                {
                    _gate.Exit();
                }
            }
        }
    }

    // Does not return: mpirun ends all ranks when one has aborted, and whoever it cannot reach leaves by himself.
    private void End(string? sentence, int exitCode, bool first)
    {
        if (Interlocked.Exchange(ref _ending, 1) != 0)
        {
            Thread.Sleep(Timeout.Infinite);       // another thread is ending the process
        }
        if (!string.IsNullOrEmpty(sentence))
        {
            Console.Error.WriteLine($"rank {Rank} of {Size}: {sentence}");
            Console.Error.Flush();
        }
        var leaving = new Thread(() =>
        {
            if (_gate.TryEnter(TimeSpan.FromMilliseconds(200)))
            {
                Notify();
                _gate.Exit();
            }
            if (first)
            {
                _mpi.Abort(exitCode);
            }
        })
        {
            IsBackground = true,
        };
        if (_gate.IsHeldByCurrentThread)
        {
            Notify();
            _gate.Exit();
        }
        leaving.Start();
        Thread.Sleep(first ? 2000 : 3000);
        Leave(exitCode);
    }

    private void Notify()
    {
        try
        {
            _heart?.Notify();
            // Messages go out while MPI is looked at.
            for (int i = 0; i < 20; i++)
            {
                _ = _heart?.Poll();
                Thread.Sleep(5);
            }
        }
        catch (IOException)
        {
            // Who cannot be told notices the silence.
        }
    }

    // At once: no finalizers, no handlers, nothing that could wait for what is gone.
    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Leave(int code);
}

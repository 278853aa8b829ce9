// Ranks as threads of one process, so that tests of data-parallel training need no MPI. One thread runs at a time, from collective to collective: libtorch's
// generator belongs to the process, and a rank's seeding and its forward pass must not be torn apart by another rank's.

using System.Runtime.InteropServices;
using BgeSharp.Training.Collectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

internal sealed class ThreadGroup : CpuProcessGroup
{
    private readonly Meeting _meeting;

    private ThreadGroup(Meeting meeting, int rank) => (_meeting, Rank) = (meeting, rank);

    public override int Rank { get; }

    public override int Size => _meeting.Size;

    /// <summary>Calls the same work on each of some ranks and waits for all; what a rank throws is thrown here.</summary>
    public static T[] Run<T>(int size, Func<IProcessGroup, T> work)
    {
        var meeting = new Meeting(size);
        var results = new T[size];
        var faults = new Exception?[size];
        Thread[] threads = [.. Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            meeting.Baton.Wait();
            try
            {
                using var group = new ThreadGroup(meeting, rank);
                results[rank] = work(group);
            }
#pragma warning disable CA1031 // handed to the thread that waits
            catch (Exception e)
#pragma warning restore CA1031
            {
                faults[rank] = e;
                meeting.Fail();
            }
            finally
            {
                meeting.Baton.Release();
            }
        }))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        Exception? first = faults.FirstOrDefault(f => f is not null and not OperationCanceledException) ?? faults.FirstOrDefault(f => f is not null);
        return first is null ? results : throw new InvalidOperationException($"a rank failed: {first.Message}", first);
    }

    public override void Abort(string? sentence, int exitCode) => throw new InvalidOperationException(sentence);

    public override void Dispose()
    {
    }

    protected override void Meet() => _meeting.Exchange(Rank, []);

    protected override void Sum(Span<byte> values, ScalarType type)
    {
        byte[][] all = _meeting.Exchange(Rank, values.ToArray());
        switch (type)
        {
            case ScalarType.Float32: Add<float>(all, values, (a, b) => a + b); break;
            case ScalarType.Float64: Add<double>(all, values, (a, b) => a + b); break;
            case ScalarType.Int64: Add<long>(all, values, (a, b) => unchecked(a + b)); break;
            default: Add<ushort>(all, values, (a, b) => Half(Float(a) + Float(b))); break;
        }
        static float Float(ushort bits) => BitConverter.Int32BitsToSingle(bits << 16);
        static ushort Half(float value)
        {
            uint bits = BitConverter.SingleToUInt32Bits(value);
            return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }

    protected override void Broadcast(Span<byte> values, int root) => _meeting.Exchange(Rank, values.ToArray())[root].CopyTo(values);

    private static void Add<T>(byte[][] all, Span<byte> into, Func<T, T, T> plus) where T : unmanaged
    {
        all[0].CopyTo(into);
        Span<T> sum = MemoryMarshal.Cast<byte, T>(into);
        foreach (byte[] other in all.Skip(1))
        {
            ReadOnlySpan<T> part = MemoryMarshal.Cast<byte, T>(other);
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] = plus(sum[i], part[i]);
            }
        }
    }

    private sealed class Meeting(int size)
    {
        private readonly object _gate = new();
        private readonly byte[][] _slots = new byte[size][];
        private byte[][] _all = [];
        private int _arrived, _generation;
        private bool _failed;

        public int Size => size;

        public SemaphoreSlim Baton { get; } = new(1);

        public byte[][] Exchange(int rank, byte[] own)
        {
            byte[][] all;
            lock (_gate)
            {
                int generation = _generation;
                _slots[rank] = own;
                if (++_arrived == size)
                {
                    _all = [.. _slots];
                    _arrived = 0;
                    _generation++;
                    Monitor.PulseAll(_gate);
                    return _all;
                }
                Baton.Release();
                while (generation == _generation && !_failed)
                {
                    Monitor.Wait(_gate);
                }
                all = _all;
            }
            Baton.Wait();
            return _failed ? throw new OperationCanceledException("another rank failed") : all;
        }

        public void Fail()
        {
            lock (_gate)
            {
                _failed = true;
                Monitor.PulseAll(_gate);
            }
        }
    }
}

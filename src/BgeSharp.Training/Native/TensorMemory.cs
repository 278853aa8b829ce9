// Memory of tensors, kept and used again by the program itself. libtorch asks its C library for an aligned block per tensor and gives it back a moment later;
// with glibc that either faults every page in anew or leaves holes that the next block of the same size does not fit (docs/log.md has figures).
// Here a freed block waits in a list of its size for the next tensor. What waits never makes the whole more than KeptShare times the most ever in use, nor more than
// MostSpare beyond it: where tensors are that large, asking the system again costs little beside what is computed with them.
// Sizes are rounded up by an eighth at most, and a block up to a quarter larger serves too. Linux on x64; elsewhere libtorch's own allocator stays.

using System.Numerics;
using System.Runtime.InteropServices;

namespace BgeSharp.Training.Native;

/// <summary>The cache of tensor blocks.</summary>
public static unsafe partial class TensorMemory
{
    /// <summary>"1" keeps libtorch's own allocator.</summary>
    public const string OffVariable = "BGESHARP_TENSOR_CACHE_OFF";

    private const nuint SmallestBlock = 64 << 10;     // below: the C library, whose small blocks are quick and packed
    private const nuint Alignment = 64;
    private const nuint HugePage = 2 << 20;
    private const int Classes = 8 * 40;
    private const double KeptShare = 1.5;
    private const nuint AlwaysKept = 64 << 20, MostSpare = 1 << 30;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<nint, int> InUse = [];                                // address → size class
    private static readonly FreeBlocks[] Free = [.. Enumerable.Range(0, Classes).Select(_ => new FreeBlocks())];
    private static nuint _inUse, _mostInUse, _watched, _waiting;                             // watched: the most in use since somebody began to look
    private static long _clock;
    private static ulong _device;                                                            // the last word of a DataPtr: CPU, no index
    private static bool _contextFirst;                                                       // order of context and deleter in it

    /// <summary>True on systems whose calling convention is known here, unless switched off.</summary>
    internal static bool Fits => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64 && Environment.GetEnvironmentVariable(OffVariable) != "1";

    /// <summary>True when tensors come from here.</summary>
    public static bool Installed { get; private set; }

    /// <summary>Blocks asked of the system so far.</summary>
    public static long Mapped { get; private set; }

    /// <summary>Puts the cache between libtorch and the system; does nothing where libtorch is not laid out as expected.</summary>
    /// <param name="library">Loaded libc10.</param>
    internal static void Install(nint library)
    {
        if (Installed || !Fits || Allocator.Preloaded
            || !NativeLibrary.TryGetExport(library, "_ZN3c1022GetDefaultCPUAllocatorEv", out nint getDefault)
            || !NativeLibrary.TryGetExport(library, "_ZN3c1015SetCPUAllocatorEPNS_9AllocatorEh", out nint set)
            || !NativeLibrary.TryGetExport(library, "_ZNK3c109Allocator18is_simple_data_ptrERKNS_7DataPtrE", out nint isSimple))
        {
            return;
        }
        // A c10::Allocator is a pointer to its table of virtual functions: two destructors, allocate, is_simple_data_ptr, raw_deleter, copy_data.
        const int functions = 6;
        nint* original = ((delegate* unmanaged<nint*>)getDefault)();
        nint* table = (nint*)*original;
        if (table[3] != isSimple)
        {
            return;
        }
        // What an allocation looks like is read off one: data, then context and deleter in the order the C++ library gives them, then the device.
        ulong* probe = stackalloc ulong[4];
        ((delegate* unmanaged<ulong*, nint*, nuint, ulong*>)table[2])(probe, original, 64);
        var deleter = (delegate* unmanaged<nint, void>)((delegate* unmanaged<nint*, nint>)table[4])(original);
        _contextFirst = probe[1] == probe[0] && probe[2] == (ulong)deleter;
        bool contextSecond = probe[2] == probe[0] && probe[1] == (ulong)deleter;
        _device = probe[3] & 0xFFFF;
        deleter((nint)probe[0]);
        if (!_contextFirst && !contextSecond)
        {
            return;
        }
        // Two words before the table (offset to top, type) stay as they are.
        nint* ours = (nint*)NativeMemory.Alloc((functions + 3) * (nuint)sizeof(nint));
        new ReadOnlySpan<nint>(table - 2, functions + 2).CopyTo(new Span<nint>(ours, functions + 2));
        ours[2 + 2] = (nint)(delegate* unmanaged<ulong*, nint, nuint, ulong*>)&Allocate;
        ours[2 + 4] = (nint)(delegate* unmanaged<nint, nint>)&Deleter;
        nint* instance = ours + functions + 2;
        *instance = (nint)(ours + 2);
        ((delegate* unmanaged<nint*, byte, void>)set)(instance, 255);
        Installed = true;
    }

    /// <summary>Most bytes that tensors of here had at once.</summary>
    public static long MostInUse
    {
        get
        {
            lock (Gate)
            {
                return (long)_mostInUse;
            }
        }
    }

    /// <summary>Most bytes that tensors of here had at once while something ran, beyond what they had when it began. One call at a time; tensors of other threads count too.</summary>
    internal static long RiseDuring(Action work)
    {
        nuint before;
        lock (Gate)
        {
            before = _watched = _inUse;
        }
        work();
        lock (Gate)
        {
            return (long)(_watched - before);
        }
    }

    /// <summary>Gives all waiting blocks back to the system.</summary>
    public static void Trim()
    {
        lock (Gate)
        {
            Release(0);
        }
    }

    // DataPtr allocate(size_t): x64 passes the place of the result first.
    [UnmanagedCallersOnly]
    private static ulong* Allocate(ulong* result, nint self, nuint bytes)
    {
        nint data = bytes == 0 ? 0 : bytes < SmallestBlock ? (nint)NativeMemory.AlignedAlloc(bytes, Alignment) : Take(bytes);
        var deleter = (ulong)(delegate* unmanaged<nint, void>)&Give;
        result[0] = (ulong)data;
        result[1] = _contextFirst ? (ulong)data : deleter;
        result[2] = _contextFirst ? deleter : (ulong)data;
        result[3] = _device;
        return result;
    }

    [UnmanagedCallersOnly]
    private static nint Deleter(nint self) => (nint)(delegate* unmanaged<nint, void>)&Give;

    [UnmanagedCallersOnly]
    private static void Give(nint data)
    {
        if (data == 0)
        {
            return;
        }
        lock (Gate)
        {
            if (InUse.Remove(data, out int size))
            {
                _inUse -= SizeOf(size);
                _waiting += SizeOf(size);
                Free[size].Push(data, ++_clock);
                return;
            }
        }
        NativeMemory.AlignedFree((void*)data);
    }

    /// <summary>Most bytes in use and waiting together, where at most so many were in use.</summary>
    internal static nuint Limit(nuint mostInUse) => mostInUse + Math.Min((nuint)((KeptShare - 1) * mostInUse), MostSpare) + AlwaysKept;

    private static nint Take(nuint bytes)
    {
        int needed = ClassOf(bytes);
        lock (Gate)
        {
            int found = Waiting(needed);
            nint block;
            if (found >= 0)
            {
                block = Free[found].Pop(++_clock);
                _waiting -= SizeOf(found);
            }
            else
            {
                found = needed;
                nuint size = SizeOf(needed);
                nuint limit = Limit(Math.Max(_mostInUse, _inUse + size));
                if (_inUse + _waiting + size > limit)
                {
                    Release(limit - Math.Min(limit, _inUse + size));
                }
                block = Map(size);
            }
            InUse.Add(block, found);
            _inUse += SizeOf(found);
            _mostInUse = Math.Max(_mostInUse, _inUse);
            _watched = Math.Max(_watched, _inUse);
            return block;
        }
    }

    // A block of the size itself or up to a quarter larger.
    private static int Waiting(int needed)
    {
        for (int size = needed; size <= needed + 2 && size < Classes; size++)
        {
            if (Free[size].Count > 0)
            {
                return size;
            }
        }
        return -1;
    }

    // Size class c: (8 + c mod 8) eighths of 2^(c / 8 + 16) bytes, so steps of 6 to 12.5 %.
    private static int ClassOf(nuint bytes)
    {
        int power = 63 - BitOperations.LeadingZeroCount((ulong)(bytes - 1) | (ulong)SmallestBlock);
        nuint step = (nuint)1 << (power - 3);
        int eighths = (int)((bytes + step - 1) / step);                         // 9 to 16, or 8 for the smallest
        return ((power - 16) * 8) + eighths - 8;
    }

    private static nuint SizeOf(int sizeClass) => (nuint)(8 + (sizeClass % 8)) << ((sizeClass / 8) + 13);

    // Sizes that were not asked for the longest go first.
    private static void Release(nuint keep)
    {
        while (_waiting > keep)
        {
            int oldest = Enumerable.Range(0, Classes).Where(c => Free[c].Count > 0).MinBy(c => Free[c].LastUse);
            nuint size = SizeOf(oldest);
            nuint block = (nuint)Free[oldest].Pop(Free[oldest].LastUse);
            _ = Unmap((nint)(block / StartOf(size) * StartOf(size)), size + RoomFor(size));
            _waiting -= size;
        }
    }

    // Where the mapping of a block starts, and how much longer than the block it is, for the distance that Map leaves.
    private static nuint StartOf(nuint size) => size >= HugePage ? HugePage : 4096;

    private static nuint RoomFor(nuint size) => size >= HugePage ? 64 * 1088u : 4096;

    private static nint Map(nuint size)
    {
        const int readWrite = 3, privateAnonymous = 0x22, hugePages = 14;
        nuint length = size + RoomFor(size);
        nuint spare = size >= HugePage ? HugePage : 0;
        nint mapped = MemoryMap(0, length + spare, readWrite, privateAnonymous, -1, 0);
        if (mapped == -1)
        {
            // libtorch called, and no exception may pass through it. What is on the disk is whole, as after any kill.
            Console.Error.WriteLine($"out of memory: a tensor of {size} bytes does not fit beside {_inUse} bytes in use; use smaller batches and run again.");
            Environment.Exit(1);
        }
        // Blocks that all began at a page's start would share the same few sets of the caches and look to the processor as if one array's stores met
        // another's loads (4 KiB aliasing): each begins at another distance.
        nint colour = size >= HugePage ? (nint)(Mapped++ % 64 * 1088) : (nint)(Mapped++ % 12 * 320);
        if (spare == 0)
        {
            return mapped + colour;
        }
        nint aligned = (nint)(((nuint)mapped + HugePage - 1) / HugePage * HugePage);
        nuint before = (nuint)(aligned - mapped);
        if (before > 0)
        {
            _ = Unmap(mapped, before);
        }
        if (spare - before > 0)
        {
            _ = Unmap(aligned + (nint)length, spare - before);
        }
        _ = Advise(aligned, length, hugePages);
        return aligned + colour;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MemoryMap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint length, int advice);

    private sealed class FreeBlocks
    {
        private readonly Stack<nint> _blocks = [];

        public int Count => _blocks.Count;

        public long LastUse { get; private set; }

        public void Push(nint block, long now)
        {
            _blocks.Push(block);
            LastUse = now;
        }

        public nint Pop(long now)
        {
            LastUse = now;
            return _blocks.Pop();
        }
    }
}

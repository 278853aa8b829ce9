// A set of 64-bit hashes that keeps only the bits it needs: the first 20 are where a hash stands (2^15 segments of 32 runs), so only the others are stored, 3 bytes
// for 44 bits in all, 5 for 60. A segment is a list of small blocks without gaps; blocks come from pages that are never moved, copied or given back, so growing
// leaves no garbage and doubles nothing: at ten million hashes 3.6 bytes a hash of 44 bits, 5.8 of 60. Below half a million the fixed parts weigh more (4 MB).

using System.Buffers.Binary;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>A growing set of well-mixed 64-bit hashes, optionally with a small count beside each. There is no removal.</summary>
public sealed class PackedHashSet
{
    /// <summary>Largest count a hash can have; more stay at it.</summary>
    public const int MaxCount = 15;

    private const int Segments = 1 << 15, Runs = 32, PlaceBits = 20;  // Segments · Runs = 2^PlaceBits
    private const int BlockEntries = 32, PageBlocks = 1 << 12, Slack = 8;  // an entry is read as 8 bytes

    private readonly int[][] _blocks = new int[Segments][];           // of each segment, in order
    private readonly ushort[] _lengths = new ushort[Segments * Runs]; // entries of each run
    private readonly List<byte[]> _pages = [];
    private readonly int _keyBytes, _entryBytes;
    private readonly ulong _keyMask;
    private int _used = PageBlocks;                                   // blocks taken of the last page

    /// <param name="bits">Bits that tell hashes apart: 44 or 60. Among n hashes a new one is taken for an old one with probability n / 2^bits: at ten million 0.6 in a million, or 1 in 10^11.</param>
    /// <param name="counted">True keeps a count with each hash: a byte more.</param>
    public PackedHashSet(int bits, bool counted = false)
    {
        if (bits is not (44 or 60))
        {
            throw new ArgumentOutOfRangeException(nameof(bits), bits, "44 or 60");
        }
        _keyBytes = (bits - PlaceBits) / 8;
        _entryBytes = _keyBytes + (counted ? 1 : 0);
        _keyMask = (1UL << (8 * _keyBytes)) - 1;
    }

    /// <summary>Number of hashes.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the tables.</summary>
    public long Bytes => (_pages.Count * (long)PageBytes) + (_lengths.Length * 2L) + (Segments * 8L) + _blocks.Sum(b => b is null ? 0 : 24 + (b.Length * 4L));

    private int PageBytes => (PageBlocks * BlockEntries * _entryBytes) + Slack;

    /// <summary>Adds a hash.</summary>
    /// <returns>False when it, or by chance one like it, was there.</returns>
    public bool Add(ulong hash)
    {
        (int run, ulong key) = Place(hash);
        (int start, int end) = RunOf(run);
        if (Find(run / Runs, start, end, key) >= 0)
        {
            return false;
        }
        Insert(run, end, key);
        return true;
    }

    /// <summary>Counts a hash once more, in a set that counts.</summary>
    /// <returns>The count before, at most <see cref="MaxCount"/>; 0 when it is new.</returns>
    public int Increment(ulong hash)
    {
        if (_entryBytes == _keyBytes)
        {
            throw new InvalidOperationException("this set does not count");
        }
        (int run, ulong key) = Place(hash);
        (int start, int end) = RunOf(run);
        int found = Find(run / Runs, start, end, key);
        if (found < 0)
        {
            Insert(run, end, key | (1UL << (8 * _keyBytes)));
            return 0;
        }
        ref byte count = ref Entry(run / Runs, found)[_keyBytes];
        return count < MaxCount ? count++ : count;
    }

    /// <summary>Whether a hash, or by chance one like it, is there.</summary>
    public bool Contains(ulong hash)
    {
        (int run, ulong key) = Place(hash);
        (int start, int end) = RunOf(run);
        return Find(run / Runs, start, end, key) >= 0;
    }

    private (int Run, ulong Key) Place(ulong hash) => ((int)(hash >> (64 - PlaceBits)), (hash >> (64 - PlaceBits - (8 * _keyBytes))) & _keyMask);

    // Where a run stands among the entries of its segment.
    private (int Start, int End) RunOf(int run)
    {
        int start = Sum(_lengths.AsSpan(run & ~(Runs - 1), run & (Runs - 1)));
        return (start, start + _lengths[run]);
    }

    private static int Sum(ReadOnlySpan<ushort> lengths)
    {
        int sum = 0;
        foreach (ushort length in lengths)
        {
            sum += length;
        }
        return sum;
    }

    private int Find(int segment, int start, int end, ulong key)
    {
        while (start < end)
        {
            int stop = Math.Min(end, (start | (BlockEntries - 1)) + 1);
            ReadOnlySpan<byte> entries = Entry(segment, start);
            for (int at = 0; start < stop; start++, at += _entryBytes)
            {
                if ((BinaryPrimitives.ReadUInt64LittleEndian(entries[at..]) & _keyMask) == key)
                {
                    return start;
                }
            }
        }
        return -1;
    }

    // From the entry's first byte to the end of its page.
    private Span<byte> Entry(int segment, int index)
    {
        int block = _blocks[segment][index / BlockEntries];
        return _pages[block / PageBlocks].AsSpan(((block % PageBlocks * BlockEntries) + (index % BlockEntries)) * _entryBytes);
    }

    // Puts an entry at a place of its segment; what stands from there on moves by one, from block to block.
    private void Insert(int run, int index, ulong entry)
    {
        int segment = run / Runs, total = Sum(_lengths.AsSpan(segment * Runs, Runs));
        if (total % BlockEntries == 0)
        {
            AddBlock(segment, total / BlockEntries);
        }
        int width = _entryBytes;
        Span<byte> carried = stackalloc byte[8], pushed = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(carried, entry);
        for (int at = index; at <= total; at = (at | (BlockEntries - 1)) + 1)
        {
            int last = Math.Min(total, at | (BlockEntries - 1));
            Span<byte> room = Entry(segment, at)[..((last - at + 1) * width)];
            room[^width..].CopyTo(pushed);
            room[..^width].CopyTo(room[width..]);
            carried[..width].CopyTo(room);
            pushed.CopyTo(carried);
        }
        _lengths[run] = checked((ushort)(_lengths[run] + 1));
        Count++;
    }

    private void AddBlock(int segment, int number)
    {
        if (_used == PageBlocks)
        {
            _pages.Add(new byte[PageBytes]);
            _used = 0;
        }
        int[] blocks = _blocks[segment] ?? [];
        if (number == blocks.Length)
        {
            // A few at a time: unused numbers of 32,768 segments add up.
            Array.Resize(ref blocks, number + Math.Max(2, number / 4));
            _blocks[segment] = blocks;
        }
        blocks[number] = ((_pages.Count - 1) * PageBlocks) + _used++;
    }
}

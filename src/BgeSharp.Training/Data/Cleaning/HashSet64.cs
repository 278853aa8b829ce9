// A set of 64-bit hashes in as little memory as open addressing allows: 8 bytes a slot at 68 to 85 % load, so 9.4 to 11.8 bytes a hash. 256 segments grow
// one at a time, which keeps the moment of growth from doubling the memory. There is no removal.

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>A growing set of well-mixed 64-bit hashes, optionally with a small count beside each.</summary>
public sealed class HashSet64
{
    /// <summary>Largest count a hash can have; more stay at it.</summary>
    public const int MaxCount = 15;

    private const ulong CountBits = MaxCount;
    private readonly ulong[][] _segments = new ulong[256][];
    private readonly int[] _counts = new int[256];

    /// <summary>Number of hashes.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the tables.</summary>
    public long Bytes => _segments.Sum(s => (s?.Length ?? 0) * 8L);

    /// <summary>Adds a hash.</summary>
    /// <returns>False when it was there. Two hashes that differ in the lowest four bits only are taken for one: 60 bits count.</returns>
    public bool Add(ulong hash) => Increment(hash) == 0;

    /// <summary>Counts a hash once more.</summary>
    /// <returns>The count before, at most <see cref="MaxCount"/>; 0 when it is new.</returns>
    public int Increment(ulong hash)
    {
        ulong key = Key(hash);
        int segment = (int)(key >> 56);
        ulong[] slots = _segments[segment] ??= new ulong[16];
        ref ulong slot = ref Find(slots, key);
        if (slot != 0)
        {
            int before = (int)(slot & CountBits);
            slot += before < MaxCount ? 1UL : 0;
            return before;
        }
        slot = key | 1;
        Count++;
        if (++_counts[segment] > slots.Length * 17L / 20)
        {
            _segments[segment] = Grown(slots);
        }
        return 0;
    }

    /// <summary>Whether a hash is there.</summary>
    public bool Contains(ulong hash)
    {
        ulong key = Key(hash);
        return _segments[(int)(key >> 56)] is { } slots && Find(slots, key) != 0;
    }

    // Without the bits that hold the count, and never 0, which marks a free slot.
    private static ulong Key(ulong hash) => Math.Max(hash & ~CountBits, CountBits + 1);

    private static ref ulong Find(ulong[] slots, ulong key)
    {
        int at = (int)(((key >> 24) & 0xFFFF_FFFF) * (ulong)slots.Length >> 32);
        while (slots[at] != 0 && (slots[at] & ~CountBits) != key)
        {
            at = at + 1 == slots.Length ? 0 : at + 1;
        }
        return ref slots[at];
    }

    private static ulong[] Grown(ulong[] slots)
    {
        var grown = new ulong[slots.Length + (slots.Length / 4)];
        foreach (ulong slot in slots)
        {
            if (slot != 0)
            {
                Find(grown, slot & ~CountBits) = slot;
            }
        }
        return grown;
    }
}

// A set that keeps 44 bits of each hash: 12 choose the segment, 32 are stored. 4.7 to 5.9 bytes a hash. Among n hashes a new one is taken for an old
// one with probability n / 2^44: 0.6 in a million at ten million.

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>A growing set of well-mixed 64-bit hashes that may, very rarely, take two for one. There is no removal.</summary>
public sealed class FingerprintSet
{
    private readonly uint[][] _segments = new uint[4096][];
    private readonly int[] _counts = new int[4096];

    /// <summary>Number of hashes.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes of the tables.</summary>
    public long Bytes => _segments.Sum(s => (s?.Length ?? 0) * 4L);

    /// <summary>Adds a hash.</summary>
    /// <returns>False when it, or by chance one like it, was there.</returns>
    public bool Add(ulong hash)
    {
        int segment = (int)(hash >> 52);
        uint fingerprint = Math.Max(1, (uint)(hash >> 20));
        uint[] slots = _segments[segment] ??= new uint[16];
        int at = Find(slots, fingerprint);
        if (slots[at] == fingerprint)
        {
            return false;
        }
        slots[at] = fingerprint;
        Count++;
        if (++_counts[segment] > slots.Length * 17L / 20)
        {
            var grown = new uint[slots.Length + (slots.Length / 4)];
            foreach (uint old in slots)
            {
                if (old != 0)
                {
                    grown[Find(grown, old)] = old;
                }
            }
            _segments[segment] = grown;
        }
        return true;
    }

    /// <summary>Whether a hash, or by chance one like it, is there.</summary>
    public bool Contains(ulong hash)
    {
        uint fingerprint = Math.Max(1, (uint)(hash >> 20));
        return _segments[(int)(hash >> 52)] is { } slots && slots[Find(slots, fingerprint)] == fingerprint;
    }

    // The place follows from the fingerprint alone, so that a segment can grow without the hashes.
    private static int Find(uint[] slots, uint fingerprint)
    {
        int at = (int)((ulong)fingerprint * (ulong)slots.Length >> 32);
        while (slots[at] != 0 && slots[at] != fingerprint)
        {
            at = at + 1 == slots.Length ? 0 : at + 1;
        }
        return at;
    }
}

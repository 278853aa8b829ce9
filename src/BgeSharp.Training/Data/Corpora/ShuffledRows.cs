// A shuffle of any number of rows in no memory at all: a permutation of [0, n) by a Feistel network of six rounds over the next even power of two, walked until the
// result is below n (Black and Rogaway 2002). Any place of the order is computed by itself, so a reader may begin anywhere. At most four steps on average.

namespace BgeSharp.Training.Data.Corpora;

/// <summary>A permutation of row numbers, a function of the seed.</summary>
public sealed class ShuffledRows
{
    private const int Rounds = 6;
    private readonly int _halfBits;
    private readonly ulong _halfMask;
    private readonly ulong[] _keys;

    /// <param name="count">n, number of rows.</param>
    /// <param name="seed">Another seed gives another order.</param>
    public ShuffledRows(long count, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count;
        int bits = 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)Math.Max(1, count - 1));
        _halfBits = Math.Max(1, (bits + 1) / 2);
        _halfMask = (1UL << _halfBits) - 1;
        _keys = [.. Enumerable.Range(0, Rounds).Select(r => HashCodes.Of(seed, r, 11))];
    }

    /// <summary>n.</summary>
    public long Count { get; }

    /// <summary>The row at a place of the order.</summary>
    public long this[long place]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(place);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(place, Count);
            ulong x = (ulong)place;
            do
            {
                x = Permuted(x);
            }
            while (x >= (ulong)Count);
            return (long)x;
        }
    }

    private ulong Permuted(ulong x)
    {
        (ulong left, ulong right) = (x >> _halfBits, x & _halfMask);
        foreach (ulong key in _keys)
        {
            (left, right) = (right, left ^ (Mix(right + key) & _halfMask));
        }
        return (left << _halfBits) | right;
    }

    private static ulong Mix(ulong x)
    {
        unchecked
        {
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            return x ^ (x >> 31);
        }
    }
}

// MinHash (Broder 1997) by one permutation: each 5-gram of letters is hashed once and falls into one of 64 bins, the least hash of a bin is one minimum
// (Li, Owen, Zhang 2012); empty bins borrow from a bin drawn by their own number (optimal densification, Shrivastava 2017). 64 minima give 8 bands of 8;
// two texts share a band with probability 1 − (1 − J⁸)⁸ at Jaccard similarity J of their 5-grams: .99 at .9, .77 at .8, .38 at .7, .03 at .5.

using System.Buffers;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Signatures of texts for finding near duplicates.</summary>
public static class MinHash
{
    /// <summary>Minima of a signature.</summary>
    public const int Minima = 64;

    /// <summary>Bands of a signature.</summary>
    public const int Bands = 8;

    /// <summary>Letters of a shingle.</summary>
    public const int Shingle = 5;

    /// <summary>Texts with fewer letters have too few shingles to be compared: they are near duplicates of nothing.</summary>
    public const int LeastLetters = 32;

    private const ulong Base = 0x9E3779B97F4A7C15, BasePower = unchecked(Base * Base * Base * Base * Base);

    /// <summary>The band hashes of a text.</summary>
    /// <returns>[8], or null for a text below <see cref="LeastLetters"/>.</returns>
    public static ulong[]? BandsOf(string text)
    {
        Span<ulong> minima = stackalloc ulong[Minima];
        if (!TryMinima(text, minima))
        {
            return null;
        }
        var bands = new ulong[Bands];
        for (int band = 0; band < Bands; band++)
        {
            ulong hash = (ulong)band + 1;
            foreach (ulong minimum in minima.Slice(band * (Minima / Bands), Minima / Bands))
            {
                hash = Mix((hash * Base) ^ minimum);
            }
            bands[band] = hash;
        }
        return bands;
    }

    /// <summary>Estimated Jaccard similarity of the 5-grams of two texts: the share of equal minima; 0 when one is too short.</summary>
    public static double Similarity(string a, string b)
    {
        Span<ulong> first = stackalloc ulong[Minima], second = stackalloc ulong[Minima];
        if (!TryMinima(a, first) || !TryMinima(b, second))
        {
            return 0;
        }
        int equal = 0;
        for (int i = 0; i < Minima; i++)
        {
            equal += first[i] == second[i] ? 1 : 0;
        }
        return (double)equal / Minima;
    }

    private static bool TryMinima(string text, Span<ulong> minima)
    {
        char[] rented = ArrayPool<char>.Shared.Rent(text.Length);
        try
        {
            ReadOnlySpan<char> letters = rented.AsSpan(0, PlainLetters.Of(text, rented));
            if (letters.Length < LeastLetters)
            {
                return false;
            }
            minima.Fill(ulong.MaxValue);
            ulong rolling = 0;
            for (int i = 0; i < letters.Length; i++)
            {
                rolling = unchecked((rolling * Base) + letters[i] + 1);
                if (i >= Shingle)
                {
                    rolling = unchecked(rolling - (BasePower * ((ulong)letters[i - Shingle] + 1)));
                }
                if (i >= Shingle - 1)
                {
                    ulong hash = Mix(rolling);
                    ref ulong minimum = ref minima[(int)(hash >> 58)];
                    minimum = Math.Min(minimum, hash);
                }
            }
            Densify(minima);
            return true;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    private static void Densify(Span<ulong> minima)
    {
        Span<bool> filled = stackalloc bool[Minima];
        for (int i = 0; i < Minima; i++)
        {
            filled[i] = minima[i] != ulong.MaxValue;
        }
        for (int i = 0; i < Minima; i++)
        {
            for (ulong attempt = 1; minima[i] == ulong.MaxValue; attempt++)
            {
                int from = (int)(Mix(((ulong)i << 32) + attempt) >> 58);
                minima[i] = filled[from] ? minima[from] : minima[i];
            }
        }
    }

    // SplitMix64's finaliser.
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

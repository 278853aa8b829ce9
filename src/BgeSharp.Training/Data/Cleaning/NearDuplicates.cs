// Streaming near-duplicate detection: locality-sensitive hashing of MinHash bands (Indyk and Motwani 1998). The first of several alike texts is kept.
// Only bands are kept, never texts or signatures, so a match is not verified: how often texts of a given likeness match is in MinHash.cs.
// Memory: 8 bands of about 3.6 bytes, 29 bytes a text at ten million.

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Texts seen so far, by their bands.</summary>
public sealed class NearDuplicates
{
    private readonly PackedHashSet[] _bands = [.. Enumerable.Range(0, MinHash.Bands).Select(_ => new PackedHashSet(44))];

    /// <summary>Bytes of the tables.</summary>
    public long Bytes => _bands.Sum(b => b.Bytes);

    /// <summary>Adds a text unless one like it is there.</summary>
    /// <param name="bands">From <see cref="MinHash.BandsOf"/>; null (a short text) is always new.</param>
    /// <returns>False when a text before shares a band; the tables are then unchanged in the other bands as well.</returns>
    public bool Add(ulong[]? bands)
    {
        if (bands is null)
        {
            return true;
        }
        for (int i = 0; i < bands.Length; i++)
        {
            if (_bands[i].Contains(bands[i]))
            {
                return false;
            }
        }
        for (int i = 0; i < bands.Length; i++)
        {
            _bands[i].Add(bands[i]);
        }
        return true;
    }
}

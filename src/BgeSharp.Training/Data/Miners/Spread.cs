// A bounded number of things, evenly spaced, so that the end of a long document is learned too.

namespace BgeSharp.Training.Data.Miners;

/// <summary>Evenly spaced choice.</summary>
internal static class Spread
{
    /// <summary>At most <paramref name="most"/> of the items, in order.</summary>
    public static IEnumerable<T> Over<T>(IReadOnlyList<T> items, int most)
    {
        int count = Math.Min(most, items.Count);
        for (int i = 0; i < count; i++)
        {
            yield return items[(int)((long)i * items.Count / count)];
        }
    }
}

// How many pairs of each source a set has: p ∝ n^α (α 1 keeps the sources' own sizes, 0 makes them equal; GTE, Li et al. 2023, uses 0.5), a cap a source, a total.
// Which pairs: those with the smallest keys, a hash of the pair, so that the choice depends on the seed and the pair alone.

namespace BgeSharp.Training.Data.Splits;

/// <summary>Shares of sources.</summary>
/// <param name="Alpha">α, 0 to 1.</param>
/// <param name="Total">Most pairs in all; 0 for as many as the shares allow without repeating a pair.</param>
/// <param name="Cap">Most pairs of one source; 0 for no cap.</param>
public sealed record SourceMix(double Alpha = 1, long Total = 0, long Cap = 0)
{
    /// <summary>Pairs to take of each source.</summary>
    /// <param name="counts">Pairs each source has.</param>
    public long[] Shares(IReadOnlyList<long> counts)
    {
        long[] most = [.. counts.Select(c => Cap > 0 ? Math.Min(c, Cap) : c)];
        double[] weights = [.. counts.Select(c => c == 0 ? 0 : Math.Pow(c, Alpha))];
        long total = Total > 0 ? Math.Min(Total, most.Sum()) : most.Sum();
        if (Total <= 0 && Alpha < 1 && weights.Sum() > 0)
        {
            // As many as the source that runs out first allows: every source then has exactly its share.
            double scale = most.Select((m, i) => weights[i] > 0 ? m / weights[i] : double.MaxValue).Min();
            return [.. weights.Select((w, i) => Math.Min(most[i], (long)Math.Round(w * scale)))];
        }
        // What a source cannot give the others give, again by weight.
        var shares = new long[most.Length];
        var open = new HashSet<int>(Enumerable.Range(0, most.Length).Where(i => most[i] > 0));
        long left = total;
        while (left > 0 && open.Count > 0)
        {
            double sum = open.Sum(i => weights[i]);
            int[] full = [.. open.Where(i => left * weights[i] / sum >= most[i])];
            if (full.Length == 0)
            {
                foreach (int i in open)
                {
                    shares[i] = (long)(left * weights[i] / sum);
                }
                long rest = left - open.Sum(i => shares[i]);
                foreach (int i in open.Order().Take((int)Math.Min(rest, open.Count)))
                {
                    shares[i]++;
                }
                break;
            }
            foreach (int i in full)
            {
                shares[i] = most[i];
                left -= most[i];
                open.Remove(i);
            }
        }
        return shares;
    }

    /// <summary>The largest key to take so that <paramref name="take"/> are taken; keys are in any order afterwards.</summary>
    public static ulong Threshold(ulong[] keys, long take)
    {
        if (take >= keys.Length)
        {
            return ulong.MaxValue;
        }
        Array.Sort(keys);
        return take == 0 ? 0 : keys[take - 1];
    }
}

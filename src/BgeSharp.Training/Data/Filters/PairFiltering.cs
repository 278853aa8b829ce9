// Filters one after another over a stream of pairs: a pair meets the next filter only when it passed the one before. Holds one batch.

using BgeSharp.Training.Data.Mining;

namespace BgeSharp.Training.Data.Filters;

/// <summary>Applies filters and counts what they drop.</summary>
public static class PairFiltering
{
    private const int BatchPairs = 2048;

    /// <summary>The pairs that pass, in order.</summary>
    /// <param name="pairs">Read once.</param>
    /// <param name="filters">In order.</param>
    /// <param name="counts">Drops by filter, with examples, and the kept pairs by source.</param>
    public static IEnumerable<TrainingExample> Apply(IEnumerable<TrainingExample> pairs, IReadOnlyList<IPairFilter> filters, PairStatistics counts)
    {
        foreach (TrainingExample[] batch in pairs.Chunk(BatchPairs))
        {
            List<TrainingExample> left = [.. batch];
            foreach (IPairFilter filter in filters.Where(_ => left.Count > 0))
            {
                bool[] keep = filter.Keep(left);
                foreach (TrainingExample dropped in left.Where((_, i) => !keep[i]))
                {
                    string passage = dropped.Positives[0];
                    counts.Drop(filter.Name, "pairs", $"{dropped.Query} → {passage[..Math.Min(80, passage.Length)]}");
                }
                left = [.. left.Where((_, i) => keep[i])];
            }
            foreach (TrainingExample pair in left)
            {
                counts.Keep(pair);
                yield return pair;
            }
        }
    }
}

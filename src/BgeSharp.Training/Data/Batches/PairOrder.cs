// The order of contrastive batches: each batch from one source, because texts of one source are harder negatives for each other than texts of another,
// and sources of different kinds would teach the model to tell sources apart.                    BGE-M3's same-dataset batches; pipeline of C-Pack
// Sources may have n^α instead of n batches (GTE 2023: α = 0.5), and batches may be cut by a token budget within a bucket of like lengths. Where a stage mixes its sources all the same, they are one source here.

namespace BgeSharp.Training.Data.Batches;

/// <summary>Endless batches of examples, a function of the seed.</summary>
/// <param name="seed">Seed of the order.</param>
/// <param name="sources">Source number of each example.</param>
/// <param name="size">Examples in a batch, at most.</param>
public sealed class PairOrder(long seed, int[] sources, int size)
{
    private static readonly int[] BucketEdges = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    /// <summary>Source s has a share of n_s^α of the batches of a pass; 1 shows every example once.</summary>
    public double Mixing { get; init; } = 1;

    /// <summary>Tokens of each example with its whole group; null or 0 for <see cref="Budget"/> makes no buckets.</summary>
    public int[]? Tokens { get; init; }

    /// <summary>Most tokens of a batch, counted at its bucket's upper edge, two examples at least; 0 for no limit.</summary>
    public int Budget { get; init; }

    /// <summary>Batches of one pass.</summary>
    public int BatchesPerEpoch() => Epoch(0).Count;

    /// <summary>All batches from number <paramref name="start"/> on, without end.</summary>
    public IEnumerable<int[]> From(long start)
    {
        long number = 0;
        for (int epoch = 0; ; epoch++)
        {
            foreach (int[] batch in Epoch(epoch))
            {
                if (number++ >= start)
                {
                    yield return batch;
                }
            }
        }
    }

    private List<int[]> Epoch(int epoch)
    {
        var random = new SeededRandom(HashCodes.Of(seed, epoch, 2));
        var batches = new List<int[]>();
        List<IGrouping<int, int>> groups = [.. Enumerable.Range(0, sources.Length).GroupBy(i => sources[i]).OrderBy(g => g.Key)];
        double scale = Mixing == 1 ? 0 : sources.Length / groups.Sum(g => Math.Pow(g.Count(), Mixing));
        foreach (IGrouping<int, int> source in groups)
        {
            int wanted = Mixing == 1 ? source.Count() : Math.Max(1, (int)Math.Round(scale * Math.Pow(source.Count(), Mixing)));
            foreach ((int edge, List<int> rows) in Buckets(Draw([.. source], wanted, ref random)))
            {
                // Two at least: a lone pair has nothing to be told from.
                Cut([.. rows], edge > 0 ? Math.Clamp(Budget / edge, Math.Min(2, size), size) : size, batches);
            }
        }
        random.Shuffle<int[]>(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(batches));
        return batches;
    }

    // Examples of like lengths, by the upper edge of their tokens; all in one, with the edge 0, without a budget. One alone in its bucket goes to the next longer
    // ones, or takes one of the next shorter to itself.
    private List<(int Edge, List<int> Rows)> Buckets(int[] drawn)
    {
        var buckets = new List<(int Edge, List<int> Rows)>();
        foreach (IGrouping<int, int> bucket in drawn.GroupBy(BucketOf).OrderBy(b => b.Key))
        {
            List<int> rows = [.. bucket];
            if (buckets.Count > 0 && buckets[^1].Rows.Count == 1)
            {
                rows.InsertRange(0, buckets[^1].Rows);
                buckets.RemoveAt(buckets.Count - 1);
            }
            buckets.Add((bucket.Key, rows));
        }
        if (size > 1 && buckets.Count > 1 && buckets[^1].Rows.Count == 1)
        {
            buckets[^1].Rows.Add(buckets[^2].Rows[0]);
        }
        return buckets;
    }

    // As many examples as wanted, shuffled: a part of a large source, a small one more than once.
    private static int[] Draw(int[] rows, int wanted, ref SeededRandom random)
    {
        var drawn = new List<int>(wanted);
        while (drawn.Count < wanted)
        {
            random.Shuffle<int>(rows);
            drawn.AddRange(rows[..Math.Min(rows.Length, wanted - drawn.Count)]);
        }
        return [.. drawn];
    }

    private int BucketOf(int example)
    {
        if (Budget == 0 || Tokens is null)
        {
            return 0;
        }
        int edge = Array.Find(BucketEdges, e => Tokens[example] <= e);
        return edge > 0 ? edge : Tokens[example];
    }

    // What is left of a source after whole batches is filled up from the start of that source's order (other pairs than in the batch itself),
    // so that every batch has its full number of negatives and every example is seen in every pass.
    private static void Cut(int[] rows, int size, List<int[]> batches)
    {
        for (int start = 0; start < rows.Length; start += size)
        {
            int end = Math.Min(start + size, rows.Length);
            int missing = Math.Min(size - (end - start), start);
            batches.Add([.. rows[start..end], .. rows[..missing]]);
        }
    }
}

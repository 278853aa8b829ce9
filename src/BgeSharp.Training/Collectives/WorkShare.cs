// Who does what. A share is a function of the work and the numbers of ranks alone, so every rank knows everybody's.

namespace BgeSharp.Training.Collectives;

/// <summary>Divides work over ranks.</summary>
public static class WorkShare
{
    /// <summary>The rank of each piece: largest first, each to the rank that has the least so far.</summary>
    /// <param name="costs">Cost of each piece.</param>
    /// <param name="ranks">Number of ranks.</param>
    public static int[] Balanced(IReadOnlyList<long> costs, int ranks)
    {
        var owners = new int[costs.Count];
        if (ranks == 1)
        {
            return owners;
        }
        var least = new PriorityQueue<int, (long Load, int Rank)>(Enumerable.Range(0, ranks).Select(r => (r, (0L, r))));
        var load = new long[ranks];
        foreach (int piece in Enumerable.Range(0, costs.Count).OrderByDescending(i => costs[i]).ThenBy(i => i))
        {
            int rank = least.Dequeue();
            owners[piece] = rank;
            load[rank] += costs[piece];
            least.Enqueue(rank, (load[rank], rank));
        }
        return owners;
    }

    /// <summary>The range of this rank when items are dealt out in ranges of nearly one length; the first ranks have the longer ones.</summary>
    /// <param name="count">Items.</param>
    /// <param name="group">The ranks.</param>
    public static (int Start, int Count) RangeOf(this IProcessGroup group, int count) => Range(count, group.Size, group.Rank);

    /// <summary>One of several ranges of nearly one length; the first ones are the longer ones.</summary>
    /// <param name="count">Items.</param>
    /// <param name="ranges">Number of ranges.</param>
    /// <param name="index">Of the range, from 0.</param>
    public static (int Start, int Count) Range(int count, int ranges, int index)
    {
        int each = count / ranges, more = count % ranges;
        return ((index * each) + Math.Min(index, more), each + (index < more ? 1 : 0));
    }

    /// <summary>Parts of a batch for negatives by token: never more than leave two queries to each, for one alone would have no negatives.</summary>
    /// <param name="wanted">What the recipe says.</param>
    /// <param name="queries">Of the batch.</param>
    public static int Parts(int wanted, int queries) => Math.Max(1, Math.Min(wanted, queries / 2));

    /// <summary>Pieces that a micro-batch is cut into.</summary>
    /// <param name="wanted">What the recipe says; 0 for as many as keep every rank busy.</param>
    /// <param name="batches">Micro-batches that go over the ranks together.</param>
    /// <param name="ranks">Number of ranks.</param>
    public static int Pieces(int wanted, int batches, int ranks)
    {
        if (wanted > 0)
        {
            return wanted;
        }
        int common = ranks;
        for (int other = batches; other != 0;)
        {
            (common, other) = (other, common % other);
        }
        return ranks / common;
    }
}

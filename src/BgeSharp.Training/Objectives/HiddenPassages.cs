// Passages that must not count against a query: answers that stand elsewhere in the batch. Few of the Q · Q·G places, so they are kept one by one and made into a table block by block.

namespace BgeSharp.Training.Objectives;

/// <summary>The hidden places of a batch.</summary>
/// <param name="places">row · columns + column of each, ascending.</param>
/// <param name="columns">Q·G.</param>
public sealed class HiddenPassages(long[] places, int columns)
{
    /// <summary>Those of some queries.</summary>
    /// <param name="start">First query.</param>
    /// <param name="count">Queries.</param>
    /// <param name="device">Where the table is wanted.</param>
    /// <exception cref="BadInput">The block is too large for one table.</exception>
    /// <returns>[count, Q·G], true where a passage must not count; null when none of them has any.</returns>
    public Tensor? Rows(int start, int count, Device device)
    {
        ReadOnlySpan<long> own = Of(start, count);
        if (own.IsEmpty)
        {
            return null;
        }
        bool[] marks = Table(count, columns);
        foreach (long place in own)
        {
            marks[place - ((long)start * columns)] = true;
        }
        return tensor(marks).view(count, columns).to(device);
    }

    /// <summary>Queries that belong together: one's positive answers the other as well.</summary>
    /// <param name="start">First query.</param>
    /// <param name="count">Queries.</param>
    /// <param name="group">G.</param>
    /// <param name="device">Where the table is wanted.</param>
    /// <returns>[count, Q]; the query itself is not marked.</returns>
    public Tensor Together(int start, int count, int group, Device device)
    {
        int queries = columns / group;
        bool[] marks = Table(count, queries);
        foreach (long place in places)
        {
            (int row, int column) = ((int)(place / columns), (int)(place % columns));
            if (column % group == 0)
            {
                Mark(row, column / group);
                Mark(column / group, row);
            }
        }
        return tensor(marks).view(count, queries).to(device);

        void Mark(int one, int other)
        {
            if (one >= start && one < start + count)
            {
                marks[((one - start) * queries) + other] = true;
            }
        }
    }

    private static bool[] Table(int rows, int across) => (long)rows * across <= Array.MaxLength ? new bool[(long)rows * across]
        : throw new BadInput($"a block of {rows} queries and {across} passages with answers to other queries among them needs more than 2^31 marks; make scoreBlock smaller.");

    private ReadOnlySpan<long> Of(int start, int count)
    {
        int first = From((long)start * columns);
        return places.AsSpan(first, From((long)(start + count) * columns) - first);
    }

    private int From(long place) => Array.BinarySearch(places, place) is var found && found < 0 ? ~found : found;
}

// Where a stage stands in its endless order of batches. Batches are made ahead on another thread; each depends on its number alone, so any position can be gone to.

namespace BgeSharp.Training.Data.Batches;

/// <summary>The batches of a stage from a position on.</summary>
/// <param name="order">Rows of all batches from a number on, without end.</param>
/// <param name="draw">Makes the batch of some rows; the second number is the batch's.</param>
/// <param name="perStep">Batches that a step takes.</param>
/// <param name="position">Steps whose batches are passed over at the beginning.</param>
public sealed class BatchCursor<TBatch>(Func<long, IEnumerable<int[]>> order, Func<int[], long, TBatch> draw, int perStep, long position) : IDisposable
{
    private IEnumerator<(int[] Rows, TBatch Batch, int RowsOfStep)>? _batches;
    private long _next = position * perStep;

    /// <summary>The next batch, and how many rows all batches of its step have: what a mean over the step divides by.</summary>
    public (int[] Rows, TBatch Batch, int RowsOfStep) Next()
    {
        _batches ??= From(_next);
        _batches.MoveNext();
        _next++;
        return _batches.Current;
    }

    /// <summary>Passes over the batches of so many steps, from the first on.</summary>
    public void GoTo(long position)
    {
        Forget();
        _next = position * perStep;
    }

    /// <summary>Makes batches that are ready but not taken anew: what they are made of has changed.</summary>
    public void Forget()
    {
        _batches?.Dispose();
        _batches = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Forget();

    private IEnumerator<(int[] Rows, TBatch Batch, int RowsOfStep)> From(long first)
        => Prefetch.Ahead(order(first).Chunk(perStep).SelectMany((step, s) => OfStep(step, first + ((long)s * perStep)))).GetEnumerator();

    private IEnumerable<(int[] Rows, TBatch Batch, int RowsOfStep)> OfStep(int[][] step, long first)
    {
        int count = step.Sum(rows => rows.Length);
        return step.Select((rows, i) => (rows, draw(rows, first + i), count));
    }
}

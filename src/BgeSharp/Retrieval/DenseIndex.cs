// Exact inner-product search over row-major vectors: every query meets every row, nothing approximate, no build time.
// Cost is rows × dimension × queries; rows are taken in blocks that stay in cache while a tile of queries passes over them.
// A score is accumulated in one fixed order, so it does not depend on tiles, threads or the other queries.

using System.Runtime.Intrinsics;

namespace BgeSharp.Retrieval;

/// <summary>Exact search by inner product (cosine for unit vectors).</summary>
public sealed class DenseIndex
{
    // Rows of one block: half a MiB of vectors, about an L2 cache.
    private const int BlockBytes = 1 << 19;
    private const int QueriesPerTask = 48;
    private readonly ReadOnlyMemory<float>[] _segments;
    private readonly long[] _starts; // first row of each segment, then N

    /// <param name="vectors">[N, D] row-major; kept, not copied. One array holds up to 2^31 − 57 numbers: two million rows of 1,024.</param>
    /// <param name="dimension">D, at least 1.</param>
    public DenseIndex(float[] vectors, int dimension) : this((ReadOnlyMemory<float>[])[vectors], dimension) { }

    private DenseIndex(ReadOnlyMemory<float>[] segments, int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dimension, 1);
        if (segments.FirstOrDefault(s => s.Length % dimension != 0) is { Length: > 0 } odd)
        {
            throw new ArgumentException($"{odd.Length} numbers are no whole number of rows of {dimension}", nameof(segments));
        }
        (_segments, Dimension) = (segments, dimension);
        _starts = new long[segments.Length + 1];
        for (int i = 0; i < segments.Length; i++)
        {
            _starts[i + 1] = _starts[i] + (segments[i].Length / dimension);
        }
        if (_starts[^1] > int.MaxValue)
        {
            throw new ArgumentException($"{_starts[^1]} rows; an index holds {int.MaxValue}", nameof(segments));
        }
    }

    /// <summary>An index over several stretches of rows.</summary>
    /// <param name="segments">Each [n, D] row-major, rows numbered through all of them; kept, not copied. They may be mapped files: then the corpus may exceed memory.</param>
    /// <param name="dimension">D, at least 1.</param>
    public static DenseIndex OfSegments(IEnumerable<ReadOnlyMemory<float>> segments, int dimension) => new([.. segments], dimension);

    /// <summary>D.</summary>
    public int Dimension { get; }

    /// <summary>N.</summary>
    public int Count => (int)_starts[^1];

    /// <summary>[D], the vector of a row.</summary>
    public ReadOnlySpan<float> this[int row]
    {
        get
        {
            int segment = SegmentOf(row);
            return _segments[segment].Span.Slice((int)(row - _starts[segment]) * Dimension, Dimension);
        }
    }

    /// <summary>The k best rows of one query: score descending, equal scores by row ascending.</summary>
    /// <param name="query">[D].</param>
    /// <param name="k">At most this many.</param>
    /// <param name="threads">0 for all processors.</param>
    public SearchHit[] Search(float[] query, int k, int threads = 0) => SearchAll(query, k, threads)[0];

    /// <summary>The k best rows of each query.</summary>
    /// <param name="queries">[Q, D] row-major.</param>
    /// <param name="k">At most this many a query.</param>
    /// <param name="threads">0 for all processors; the result is the same for any number.</param>
    /// <param name="groups">Group of each row: of a group its best row alone is found, and k counts groups. Null: every row stands for itself.</param>
    public SearchHit[][] SearchAll(float[] queries, int k, int threads = 0, int[]? groups = null)
    {
        if (queries.Length % Dimension != 0)
        {
            throw new ArgumentException($"queries hold {queries.Length} numbers, no whole number of rows of {Dimension}", nameof(queries));
        }
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        ArgumentOutOfRangeException.ThrowIfNotEqual(groups?.Length ?? Count, Count, nameof(groups));
        threads = threads > 0 ? threads : Environment.ProcessorCount;
        int queryCount = queries.Length / Dimension;
        int queryChunks = (queryCount + QueriesPerTask - 1) / QueriesPerTask;
        // Few queries: split the rows too, so that one query still uses all processors.
        int rowRanges = queryChunks >= threads ? 1 : Math.Clamp(Count / 4096, 1, threads);
        var best = new TopK[rowRanges, queryCount];
        Parallel.For(0, queryChunks * rowRanges, new ParallelOptions { MaxDegreeOfParallelism = threads }, task =>
        {
            int range = task % rowRanges;
            int firstQuery = task / rowRanges * QueriesPerTask;
            int lastQuery = Math.Min(firstQuery + QueriesPerTask, queryCount);
            for (int q = firstQuery; q < lastQuery; q++)
            {
                best[range, q] = new TopK(k, groups);
            }
            SearchRange(queries, firstQuery, lastQuery, (int)((long)Count * range / rowRanges), (int)((long)Count * (range + 1) / rowRanges), best, range);
            for (int q = firstQuery; q < lastQuery; q++)
            {
                best[range, q].Trim();
            }
        });
        var result = new SearchHit[queryCount][];
        for (int q = 0; q < queryCount; q++)
        {
            for (int range = 1; range < rowRanges; range++)
            {
                best[0, q].Merge(best[range, q]);
            }
            result[q] = best[0, q].ToArray();
        }
        return result;
    }

    private int SegmentOf(int row)
    {
        int found = Array.BinarySearch(_starts, row);
        // Segments without rows share their start with the next one: the last of them has the row.
        while (found >= 0 && found < _segments.Length - 1 && _starts[found + 1] == row)
        {
            found++;
        }
        return found >= 0 ? found : ~found - 1;
    }

    private unsafe void SearchRange(float[] queries, int firstQuery, int lastQuery, int firstRow, int lastRow, TopK[,] best, int range)
    {
        // Where there are wide tiles, as many queries as fill them are put side by side once for all rows.
        int wide = InnerProducts.HasWide ? (lastQuery - firstQuery) / InnerProducts.WideQueries * InnerProducts.WideQueries : 0;
        float[] packed = new float[wide * Dimension];
        int blockRows = Math.Max(InnerProducts.Rows, BlockBytes / (sizeof(float) * Dimension) / InnerProducts.Rows * InnerProducts.Rows);
        fixed (float* questions = queries, sideBySide = packed)
        {
            for (int q = 0; q < wide; q += InnerProducts.WideQueries)
            {
                InnerProducts.Pack(questions + ((long)(firstQuery + q) * Dimension), Dimension, sideBySide + ((long)q * Dimension));
            }
            for (int segment = 0; segment < _segments.Length; segment++)
            {
                int from = (int)Math.Max(firstRow, _starts[segment]), to = (int)Math.Min(lastRow, _starts[segment + 1]);
                using System.Buffers.MemoryHandle pin = _segments[segment].Pin();
                for (int block = from; block < to; block += Math.Min(blockRows, to - block))
                {
                    float* vectors = (float*)pin.Pointer + ((block - _starts[segment]) * Dimension);
                    int rows = Math.Min(blockRows, to - block);
                    SearchWide(vectors, block, rows, sideBySide, questions, firstQuery, firstQuery + wide, best, range);
                    SearchBlock(vectors, block, rows, questions, firstQuery + wide, lastQuery, best, range);
                }
            }
        }
    }

    private unsafe void SearchWide(float* vectors, int firstRow, int rowCount, float* packed, float* questions, int firstQuery, int lastQuery, TopK[,] best, int range)
    {
        const int Rows = InnerProducts.Rows, Queries = InnerProducts.WideQueries;
        float* scores = stackalloc float[Rows * Queries];
        for (int q = firstQuery; q < lastQuery; q += Queries, packed += (long)Queries * Dimension)
        {
            for (int row = 0; row < rowCount; row += Rows)
            {
                int rows = Math.Min(Rows, rowCount - row);
                InnerProducts.WideTile(vectors + ((long)row * Dimension), rows, packed, questions + ((long)q * Dimension), Dimension, scores);
                Offer(scores, firstRow + row, rows, q, Queries, best, range);
            }
        }
    }

    private unsafe void SearchBlock(float* vectors, int firstRow, int rowCount, float* questions, int firstQuery, int lastQuery, TopK[,] best, int range)
    {
        const int Rows = InnerProducts.Rows, Queries = InnerProducts.Queries;
        float* scores = stackalloc float[Rows * Queries];
        for (int q = firstQuery; q < lastQuery; q += Queries)
        {
            int columns = Math.Min(Queries, lastQuery - q);
            for (int row = 0; row < rowCount; row += Rows)
            {
                int rows = Math.Min(Rows, rowCount - row);
                InnerProducts.Tile(vectors + ((long)row * Dimension), rows, questions + ((long)q * Dimension), columns, Dimension, scores);
                Offer(scores, firstRow + row, rows, q, columns, best, range);
            }
        }
    }

    // A tile's scores, query-major.
    private static unsafe void Offer(float* scores, int row, int rows, int query, int queries, TopK[,] best, int range)
    {
        for (int c = 0; c < queries; c++, scores += InnerProducts.Rows)
        {
            TopK kept = best[range, query + c];
            Vector128<float> floor = Vector128.Create(kept.Floor);
            // Nearly always all below: most tiles cost one comparison a query. NaN passes: TopK knows what to do with it.
            if (Vector128.LessThanAll(Vector128.Load(scores), floor))
            {
                continue;
            }
            for (int r = 0; r < rows; r++)
            {
                if (!(scores[r] < floor[0]))
                {
                    kept.Offer(row + r, scores[r]);
                }
            }
        }
    }
}

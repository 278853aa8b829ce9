// Exact search of many queries in passages that come block by block: memory is the queries, their best candidates and one block, however many passages.
// A matrix product finds what may be good enough, a second look in float32 decides. With bfloat16 products the first look is wrong by less than
// Slack for vectors of unit length (two roundings of the inputs and one of the result, 2⁻⁸ each at most), so nothing is lost: the result is that of float32.

using System.Runtime.Intrinsics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Data.Negatives;

/// <summary>The k best passages of each query.</summary>
public sealed class BlockSearch
{
    private const int QueryTile = 256, RowTile = 4096;
    private const float Slack = 0.0118f;
    private readonly float[] _queries;
    private readonly int _dimension, _count, _k;
    private readonly ScalarType _products;
    private readonly float[][] _scores;
    private readonly int[][] _rows;
    private readonly int[] _used;
    private readonly float[] _threshold;

    /// <param name="queries">[Q, D], unit length.</param>
    /// <param name="dimension">D.</param>
    /// <param name="k">At most so many a query.</param>
    /// <param name="products">Type of the first look: float32, or bfloat16 where that is fast.</param>
    public BlockSearch(float[] queries, int dimension, int k, ScalarType products)
    {
        (_queries, _dimension, _k, _products) = (queries, dimension, k, products);
        _count = queries.Length / dimension;
        // Room for twice k: when it is full, the better half stays.
        _scores = [.. Enumerable.Range(0, _count).Select(_ => new float[2 * k])];
        _rows = [.. Enumerable.Range(0, _count).Select(_ => new int[2 * k])];
        _used = new int[_count];
        _threshold = new float[_count];
        Array.Fill(_threshold, float.NegativeInfinity);
    }

    /// <summary>Searches a block.</summary>
    /// <param name="vectors">[rows, D], unit length; read, not kept.</param>
    /// <param name="rows">How many.</param>
    /// <param name="first">Number of the block's first row.</param>
    public void Add(float[] vectors, int rows, int first)
    {
        using var noGrad = no_grad();
        using var outer = NewDisposeScope();
        Tensor asked = tensor(_queries).view(_count, _dimension).to_type(_products);
        float slack = _products == ScalarType.Float32 ? 1e-5f : Slack;
        for (int row = 0; row < rows; row += RowTile)
        {
            using var scope = NewDisposeScope();
            int height = Math.Min(RowTile, rows - row);
            Tensor block = tensor(vectors.AsMemory(row * _dimension, height * _dimension).ToArray()).view(height, _dimension).to_type(_products).t();
            for (int query = 0; query < _count; query += QueryTile)
            {
                using var inner = NewDisposeScope();
                int width = Math.Min(QueryTile, _count - query);
                Tensor scores = asked.narrow(0, query, width).matmul(block).to_type(ScalarType.Float32);           // [w, h]
                Sift(scores, query, width, height, slack, vectors, row, first);
            }
        }
    }

    /// <summary>The best rows of each query: score descending, equal scores by row ascending.</summary>
    public Candidate[][] Best()
    {
        var best = new Candidate[_count][];
        Parallel.For(0, _count, q => best[q] = [.. Enumerable.Range(0, _used[q]).Select(i => new Candidate(_rows[q][i], _scores[q][i]))
            .OrderByDescending(c => c.Score).ThenBy(c => c.Row).Take(_k)]);
        return best;
    }

    private unsafe void Sift(Tensor scores, int query, int width, int height, float slack, float[] vectors, int row, int first)
    {
        nint address = (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(scores.bytes));
        Parallel.For(0, width, q =>
        {
            var line = new ReadOnlySpan<float>((float*)address + ((long)q * height), height);
            int number = query + q;
            int i = 0;
            for (; i <= height - Vector256<float>.Count; i += Vector256<float>.Count)
            {
                if (Vector256.GreaterThanAny(Vector256.Create(line[i..]), Vector256.Create(_threshold[number] - slack)))
                {
                    for (int j = i; j < i + Vector256<float>.Count; j++)
                    {
                        Offer(number, line[j], slack, vectors, row + j, first);
                    }
                }
            }
            for (; i < height; i++)
            {
                Offer(number, line[i], slack, vectors, row + i, first);
            }
        });
        GC.KeepAlive(scores);
    }

    private void Offer(int query, float cheap, float slack, float[] vectors, int row, int first)
    {
        if (!(cheap > _threshold[query] - slack))
        {
            return;
        }
        float exact = TensorPrimitives.Dot(_queries.AsSpan(query * _dimension, _dimension), vectors.AsSpan(row * _dimension, _dimension));
        if (!(exact > _threshold[query]))
        {
            return;
        }
        int used = _used[query]++;
        _scores[query][used] = exact;
        _rows[query][used] = first + row;
        if (_used[query] == 2 * _k)
        {
            // Falling by score; equal scores by row, because the sort is told to keep neither order.
            (int Row, float Score)[] all = [.. _rows[query].Zip(_scores[query])];
            Array.Sort(all, (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Row.CompareTo(b.Row));
            for (int i = 0; i < _k; i++)
            {
                (_rows[query][i], _scores[query][i]) = all[i];
            }
            _used[query] = _k;
            _threshold[query] = all[_k - 1].Score;
        }
    }
}

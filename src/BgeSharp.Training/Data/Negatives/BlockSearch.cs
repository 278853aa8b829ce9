// Exact search of many queries in passages that come block by block: memory is the queries, their best candidates and one block, however many passages.
// A matrix product finds what may be good enough, a second look in float32 decides. With bfloat16 products the first look is wrong by less than
// Slack for vectors of unit length (two roundings of the inputs and one of the result, 2⁻⁸ each at most), so nothing is lost: the result is that of float32.

using System.Runtime.Intrinsics;
using BgeSharp.Retrieval;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Data.Negatives;

/// <summary>The k best passages of each query.</summary>
public sealed class BlockSearch
{
    private const int QueryTile = 256, RowTile = 4096;
    private const float Slack = 0.0118f;
    private readonly float[] _queries;
    private readonly int _dimension, _count;
    private readonly ScalarType _products;
    private readonly TopK[] _best;

    /// <param name="queries">[Q, D], unit length.</param>
    /// <param name="dimension">D.</param>
    /// <param name="k">At most so many a query.</param>
    /// <param name="products">Type of the first look: float32, or bfloat16 where that is fast.</param>
    public BlockSearch(float[] queries, int dimension, int k, ScalarType products)
    {
        (_queries, _dimension, _products) = (queries, dimension, products);
        _count = queries.Length / dimension;
        _best = [.. Enumerable.Range(0, _count).Select(_ => new TopK(k))];
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
        Parallel.For(0, _count, q => best[q] = [.. _best[q].ToArray().Select(hit => new Candidate(hit.Row, hit.Score))]);
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
                if (Vector256.GreaterThanAny(Vector256.Create(line[i..]), Vector256.Create(_best[number].Floor - slack)))
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
        if (!(cheap > _best[query].Floor - slack))
        {
            return;
        }
        float exact = TensorPrimitives.Dot(_queries.AsSpan(query * _dimension, _dimension), vectors.AsSpan(row * _dimension, _dimension));
        _best[query].Offer(first + row, exact);
    }
}

// Exact search of many queries in passages that come block by block: memory is the queries, their best candidates and one block, however many passages.
// A matrix product finds what may be good enough, a second look in float32 decides. The first look is wrong by less than a bound that is known, so nothing is
// lost and the result is that of float32:
//   bfloat16   0.0118 for vectors of unit length (two roundings of the inputs and one of the result, 2⁻⁸ each at most)
//   bytes      |q·p − q̂·p̂| ≤ ‖q − q̂‖·‖p‖ + ‖q̂‖·‖p − p̂‖, of the errors that the vectors' rounding to 255 steps really made
// Each thread multiplies and sifts for queries of its own: what libtorch's threads make together is sifted by one, or by others that wait for their spinning.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using BgeSharp.Retrieval;
using BgeSharp.Training.Native;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Search;

/// <summary>The k best passages of each query.</summary>
public sealed class BlockSearch
{
    // The rows of a tile stay in a core's cache (512 KB of vectors of 256 numbers) while a chunk of queries goes by, and scores until they are sifted.
    private const int RowTile = 512, QueryTile = 256, QueryChunk = 16 * QueryTile;
    private const float BrainSlack = 0.0118f, FloatSlack = 1e-5f;
    private readonly float[] _queries;
    private readonly int _dimension, _count;
    private readonly ScalarType _products;
    private readonly TopK[] _best;
    private readonly ByteRows? _bytes;

    /// <param name="queries">[Q, D], unit length.</param>
    /// <param name="dimension">D.</param>
    /// <param name="k">At most so many a query.</param>
    /// <param name="products">Type of the first look: float32, bfloat16 where that is fast, or Int8 where <see cref="ByteProducts.AreFast"/>.</param>
    public BlockSearch(float[] queries, int dimension, int k, ScalarType products)
    {
        (_queries, _dimension, _products) = (queries, dimension, products);
        _count = queries.Length / dimension;
        _best = [.. Enumerable.Range(0, _count).Select(_ => new TopK(k))];
        _bytes = products == ScalarType.Int8 ? new ByteRows(queries, 0, _count, dimension) : null;
    }

    /// <summary>The fastest type of a first look here; which one changes no result.</summary>
    /// <param name="products">Type that matrix products of models are in.</param>
    public static ScalarType FirstLook(ScalarType products) => ByteProducts.AreFast ? ScalarType.Int8 : products;

    /// <summary>Searches a block.</summary>
    /// <param name="vectors">[rows, D], unit length; read, not kept.</param>
    /// <param name="rows">How many.</param>
    /// <param name="first">Number of the block's first row.</param>
    /// <param name="progress">Called with the number of queries that have met the block so far, by one thread at a time; what it throws ends the search, and there is no result then.</param>
    public void Add(float[] vectors, int rows, int first, Action<int>? progress = null)
    {
        if (rows == 0 || _count == 0)
        {
            return;
        }
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        ByteRows? bytes = _bytes is null ? null : new ByteRows(vectors, 0, rows, _dimension);
        Tensor asked = _bytes is null ? tensor(_queries).view(_count, _dimension).to_type(_products) : tensor(_bytes.Values).view(_count, _dimension);
        Tensor offered = bytes is null ? tensor(vectors.AsMemory(0, rows * _dimension).ToArray()).view(rows, _dimension).to_type(_products) : tensor(bytes.Values).view(rows, _dimension);
        var block = new Block(vectors, first, rows, bytes?.Scales ?? [.. Enumerable.Repeat(1f, rows)], bytes, offered);
        int chunk = Math.Clamp(_count / (4 * get_num_threads()) / QueryTile * QueryTile, QueryTile, QueryChunk), next = -chunk, done = 0;
        Lock gate = new();
        LibTorch.OnThreads(() =>
        {
            using var alsoHere = no_grad();
            for (int query = Interlocked.Add(ref next, chunk); query < _count; query = Interlocked.Add(ref next, chunk))
            {
                int end = Math.Min(query + chunk, _count);
                Search(block, asked, query, end);
                Tell(end - query);
            }
        });

        void Tell(int queries)
        {
            if (progress is null)
            {
                return;
            }
            lock (gate)
            {
                try
                {
                    progress(done += queries);
                }
                catch
                {
                    Volatile.Write(ref next, _count);       // the other threads take no more
                    throw;
                }
            }
        }
    }

    private void Search(Block block, Tensor asked, int from, int to)
    {
        for (int row = 0; row < block.Count; row += RowTile)
        {
            using var scope = NewDisposeScope();
            Tensor turned = block.Rows.narrow(0, row, Math.Min(RowTile, block.Count - row)).t();
            for (int query = from; query < to; query += QueryTile)
            {
                using var inner = NewDisposeScope();
                Tensor part = asked.narrow(0, query, Math.Min(QueryTile, to - query));
                if (block.Bytes is null)
                {
                    Sift<float>(part.matmul(turned).to_type(ScalarType.Float32), query, block, row);           // [q, r]
                }
                else
                {
                    Sift<int>(ByteProducts.Of(part, turned), query, block, row);
                }
            }
        }
    }

    /// <summary>The best rows of each query: score descending, equal scores by row ascending.</summary>
    public SearchHit[][] Best()
    {
        var best = new SearchHit[_count][];
        Parallel.For(0, _count, q => best[q] = _best[q].ToArray());
        return best;
    }

    // Looks again at what the first look takes for better than the worst that is kept.
    private void Sift<T>(Tensor products, int query, Block block, int row)
        where T : unmanaged
    {
        (int width, int height) = ((int)products.shape[0], (int)products.shape[1]);
        ReadOnlySpan<T> scores = MemoryMarshal.Cast<byte, T>(products.bytes);
        for (int q = 0; q < width; q++)
        {
            Line(scores.Slice(q * height, height), query + q, block, row);
        }
        GC.KeepAlive(products);
    }

    // A score is a product times the scales of its row and of its query.
    private void Line<T>(ReadOnlySpan<T> products, int query, Block block, int row)
        where T : unmanaged
    {
        TopK best = _best[query];
        float scale = _bytes is null ? 1 : _bytes.Scales[query];
        float slack = block.Bytes is null ? (_products == ScalarType.Float32 ? FloatSlack : BrainSlack) : _bytes!.ErrorWith(query, block.Bytes) + FloatSlack;
        float least = (best.Floor - slack) / scale;
        int lanes = Vector256<float>.Count, j = 0;
        ref T values = ref MemoryMarshal.GetReference(products);
        ref float scales = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(block.Scales), row);
        for (; j <= products.Length - lanes; j += lanes)
        {
            Vector256<float> cheap = typeof(T) == typeof(int)
                ? Vector256.ConvertToSingle(Vector256.LoadUnsafe(ref Unsafe.As<T, int>(ref values), (nuint)j))
                : Vector256.LoadUnsafe(ref Unsafe.As<T, float>(ref values), (nuint)j);
            uint better = Vector256.GreaterThan(cheap * Vector256.LoadUnsafe(ref scales, (nuint)j), Vector256.Create(least)).ExtractMostSignificantBits();
            if (better != 0)
            {
                for (; better != 0; better &= better - 1)
                {
                    Offer(best, query, block, row + j + BitOperations.TrailingZeroCount(better));
                }
                least = (best.Floor - slack) / scale;
            }
        }
        for (; j < products.Length; j++)
        {
            float cheap = typeof(T) == typeof(int) ? Unsafe.As<T, int>(ref Unsafe.Add(ref values, j)) : Unsafe.As<T, float>(ref Unsafe.Add(ref values, j));
            if (cheap * Unsafe.Add(ref scales, j) > least)
            {
                Offer(best, query, block, row + j);
                least = (best.Floor - slack) / scale;
            }
        }
    }

    private void Offer(TopK best, int query, Block block, int row)
        => best.Offer(block.First + row, TensorPrimitives.Dot(_queries.AsSpan(query * _dimension, _dimension), block.Vectors.AsSpan(row * _dimension, _dimension)));

    // Rows of a block: vectors, number of the first, how many, what a number of the first look is worth, their bytes when it is of bytes, and what is multiplied.
    private sealed record Block(float[] Vectors, int First, int Count, float[] Scales, ByteRows? Bytes, Tensor Rows);
}

using BgeSharp.Retrieval;
using BgeSharp.Training.Native;
using BgeSharp.Training.Search;
using CsCheck;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Search;

public sealed class BlockSearchTests
{
    private const int Size = 16;

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.BFloat16), InlineData(ScalarType.Int8)]
    public void Blocks_find_what_a_plain_loop_finds(ScalarType firstLook)
    {
        Assert.SkipWhen(firstLook == ScalarType.Int8 && !ByteProducts.AreFast, "products of bytes need a processor with VNNI");
        float[] queries = Unit(17, 1), passages = Unit(9000, 2);
        var search = new BlockSearch(queries, Size, 20, firstLook);
        for (int start = 0; start < 9000; start += 5000)
        {
            int rows = Math.Min(5000, 9000 - start);
            search.Add(passages[(start * Size)..((start + rows) * Size)], rows, start);
        }
        SearchHit[][] best = search.Best();
        for (int q = 0; q < 17; q++)
        {
            int[] expected = [.. Enumerable.Range(0, 9000).OrderByDescending(p => Dot(queries, q, passages, p)).ThenBy(p => p).Take(20)];
            Assert.Equal(expected, best[q].Select(c => c.Row));
        }
    }

    [Theory, InlineData(ScalarType.BFloat16), InlineData(ScalarType.Int8)]
    public void The_first_look_changes_no_result(ScalarType firstLook)
    {
        Assert.SkipWhen(firstLook == ScalarType.Int8 && !ByteProducts.AreFast, "products of bytes need a processor with VNNI");
        const int size = 37, asked = 300, rows = 1300;
        float[] queries = Unit(asked, 3, size), passages = Unit(rows, 4, size);
        queries.AsSpan(7 * size, size).Clear();
        queries[8 * size] = float.NaN;
        passages[9 * size] = float.NaN;
        passages.AsSpan(20 * size, size).CopyTo(passages.AsSpan(900 * size));           // equal rows in two blocks
        foreach (int k in new[] { 5, 2000 })
        {
            (int, float)[][] Search(ScalarType type)
            {
                var search = new BlockSearch(queries, size, k, type);
                search.Add(passages, 0, 0);
                search.Add(passages, 513, 0);                                           // of a longer array
                search.Add(passages[(513 * size)..], rows - 513, 513);
                return [.. search.Best().Select(best => best.Select(c => (c.Row, (float)c.Score)).ToArray())];
            }
            Assert.Equal(Search(ScalarType.Float32), Search(firstLook));
        }
    }

    [Fact]
    public void Nothing_to_search_finds_nothing()
    {
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Int8 }.Where(t => t != ScalarType.Int8 || ByteProducts.AreFast))
        {
            var none = new BlockSearch([], Size, 5, type);
            none.Add(Unit(3, 1), 3, 0);
            Assert.Empty(none.Best());
            Assert.Empty(Assert.Single(new BlockSearch(Unit(1, 1), Size, 5, type).Best()));
        }
    }

    [Fact]
    public void A_search_tells_of_its_queries_and_ends_where_that_is_asked_for()
    {
        float[] queries = Unit(5000, 1), passages = Unit(700, 2);
        var told = new List<int>();
        new BlockSearch(queries, Size, 5, ScalarType.Float32).Add(passages, 700, 0, told.Add);
        Assert.True(told.Count > 1);
        Assert.Equal(5000, told[^1]);
        Assert.Equal(told.Order(), told);
        told.Clear();
        Assert.Throws<OperationCanceledException>(() => new BlockSearch(queries, Size, 5, ScalarType.Float32).Add(passages, 700, 0, done =>
        {
            told.Add(done);
            throw new OperationCanceledException();
        }));
        Assert.InRange(told.Count, 1, get_num_threads());       // each thread ends what it is at
    }

    [Fact]
    public void The_bound_on_products_of_bytes_holds_for_any_vectors()
        => Gen.Float[-1, 1].Array[Size * 6].Select(Gen.Int[0, 3], Gen.Float[0, 50]).Sample((numbers, spike, height) =>
        {
            numbers[spike] *= height;                       // one large number leaves few steps to the others
            var left = new ByteRows(numbers, 0, 3, Size);
            var right = new ByteRows(numbers, 3, 3, Size);
            for (int l = 0; l < 3; l++)
            {
                for (int r = 0; r < 3; r++)
                {
                    double exact = 0, rounded = 0;
                    for (int i = 0; i < Size; i++)
                    {
                        exact += (double)numbers[(l * Size) + i] * numbers[((3 + r) * Size) + i];
                        rounded += left.Values[(l * Size) + i] * right.Values[(r * Size) + i];
                    }
                    Assert.InRange(Math.Abs((rounded * left.Scales[l] * right.Scales[r]) - exact), 0, left.ErrorWith(l, right) * (1 + 1e-5) + 1e-6);
                }
            }
        });

    [Fact]
    public void What_is_no_number_hides_nothing_else()
    {
        float[] queries = Unit(3, 1), passages = Unit(300, 2);
        passages[5 * Size] = float.NaN;
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Int8 }.Where(t => t != ScalarType.Int8 || ByteProducts.AreFast))
        {
            var search = new BlockSearch(queries, Size, 20, type);
            search.Add(passages, 300, 0);
            Assert.Equal([.. Enumerable.Range(0, 300).Where(p => p != 5).OrderByDescending(p => Dot(queries, 0, passages, p)).Take(20)], search.Best()[0].Select(c => c.Row));
        }
    }

    private static float[] Unit(int rows, ulong seed, int size = Size)
    {
        var random = new SeededRandom(seed);
        var all = new float[rows * size];
        for (int r = 0; r < rows; r++)
        {
            double sum = 0;
            for (int i = 0; i < size; i++)
            {
                all[(r * size) + i] = (float)(random.NextDouble() - 0.5);
                sum += all[(r * size) + i] * (double)all[(r * size) + i];
            }
            for (int i = 0; i < size; i++)
            {
                all[(r * size) + i] /= (float)Math.Sqrt(sum);
            }
        }
        return all;
    }

    private static float Dot(float[] a, int i, float[] b, int j) => System.Numerics.Tensors.TensorPrimitives.Dot(a.AsSpan(i * Size, Size), b.AsSpan(j * Size, Size));
}

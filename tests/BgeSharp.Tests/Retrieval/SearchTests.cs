using BgeSharp.Retrieval;
using CsCheck;

namespace BgeSharp.Tests.Retrieval;

public class SearchTests
{
    private static readonly float[] s_odd = [0f, -0f, float.Epsilon, -float.Epsilon, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue];

    [Fact]
    public void Top_k_equals_sorting_with_ties_by_row() =>
        Gen.Select(Gen.OneOf(Gen.Int[-3, 3].Select(i => i / 2f), Gen.Float[-1, 1], Gen.Int[0, 6].Select(i => s_odd[i])).Array[0, 400],
            Gen.Int[0, 90], Gen.Int[0, 400], Gen.Int[0, 400]).Sample((scores, k, split, trim) =>
        {
            TopK first = new(k), second = new(k);
            int offered = 0;
            foreach (int i in Enumerable.Range(0, scores.Length).OrderBy(i => (i * 7919) % 401))        // not in the order of the rows
            {
                TopK one = i < split ? first : second;
                one.Offer(i, scores[i]);
                if (offered++ == trim)
                {
                    one.Trim();
                }
            }
            second.Merge(first);
            SearchHit[] expected = [.. scores.Select((s, i) => new SearchHit(i, s)).OrderByDescending(h => h.Score).ThenBy(h => h.Row).Take(k)];
            Assert.Equal(expected, second.ToArray());
            Assert.Equal(expected, second.ToArray());
            Assert.True(k == 0 ? float.IsPositiveInfinity(second.Floor) : second.Floor == (expected.Length == k ? expected[^1].Score : float.NegativeInfinity));
        });

    [Fact]
    public void NaN_scores_come_last()
    {
        var best = new TopK(2);
        best.Offer(0, float.NaN);
        best.Offer(1, -1);
        best.Offer(2, -2);
        Assert.Equal([1, 2], best.ToArray().Select(h => h.Row));
    }

    [Fact]
    public void Dense_search_finds_what_brute_force_finds() =>
        Gen.Select(Gen.Int[1, 37], Gen.Int[0, 60], Gen.Int[0, 40], Gen.Int[1, 10], Gen.Int).Sample((dimension, rows, queries, k, seed) =>
        {
            var random = new Random(seed);
            // Small integers: sums are exact in any order and ties are many.
            float[] vectors = [.. Enumerable.Range(0, rows * dimension).Select(_ => (float)random.Next(-2, 3))];
            float[] questions = [.. Enumerable.Range(0, queries * dimension).Select(_ => (float)random.Next(-2, 3))];
            SearchHit[][] found = new DenseIndex(vectors, dimension).SearchAll(questions, k);
            Assert.Equal(queries, found.Length);
            for (int q = 0; q < queries; q++)
            {
                SearchHit[] expected = [.. Enumerable.Range(0, rows)
                    .Select(r => new SearchHit(r, Enumerable.Range(0, dimension).Sum(i => vectors[(r * dimension) + i] * questions[(q * dimension) + i])))
                    .OrderByDescending(h => h.Score).ThenBy(h => h.Row).Take(k)];
                Assert.Equal(expected, found[q]);
            }
        }, iter: 200);

    [Fact]
    public void Dense_search_does_not_depend_on_threads_or_on_the_other_queries()
    {
        const int Dimension = 70, Rows = 20_000, Queries = 55;
        var random = new Random(3);
        float[] vectors = [.. Enumerable.Range(0, Rows * Dimension).Select(_ => random.NextSingle() - 0.5f)];
        float[] questions = [.. Enumerable.Range(0, Queries * Dimension).Select(_ => random.NextSingle() - 0.5f)];
        var index = new DenseIndex(vectors, Dimension);
        SearchHit[][] one = index.SearchAll(questions, 20, threads: 1);
        SearchHit[][] four = index.SearchAll(questions, 20, threads: 4);
        for (int q = 0; q < Queries; q++)
        {
            Assert.Equal(one[q], four[q]);
        }
        Assert.Equal(one[41], index.Search(questions[(41 * Dimension)..(42 * Dimension)], 20, threads: 3));
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new DenseIndex(new float[5], 2));
        Assert.Throws<ArgumentException>(() => new DenseIndex(new float[4], 2).Search(new float[3], 1));
        Assert.Empty(new DenseIndex([], 2).Search([1, 2], 5));
    }

    [Fact]
    public void Inverted_search_equals_the_sparse_inner_product() =>
        Gen.Select(Gen.Select(Gen.Int[0, 15], Gen.Int[1, 4]).Array[0, 6].Array[0, 20], Gen.Select(Gen.Int[0, 18], Gen.Int[1, 3]).Array[0, 5], Gen.Int[1, 8])
            .Sample((rows, query, k) =>
            {
                WeightedTerm[][] vectors = [.. rows.Select(r => r.DistinctBy(t => t.Item1).Select(t => new WeightedTerm(t.Item1, t.Item2)).ToArray())];
                var builder = new InvertedIndex.Builder();
                foreach (WeightedTerm[] v in vectors)
                {
                    builder.Add(v);
                }
                WeightedTerm[] question = [.. query.Select(t => new WeightedTerm(t.Item1, t.Item2))];
                SearchHit[] expected = [.. vectors
                    .Select((v, i) => new SearchHit(i, question.Sum(t => t.Weight * v.Where(x => x.Term == t.Term).Sum(x => x.Weight))))
                    .Where(h => h.Score > 0).OrderByDescending(h => h.Score).ThenBy(h => h.Row).Take(k)];
                InvertedIndex index = builder.Build();
                Assert.Equal(expected, index.Search(question, k));
                Assert.Equal(expected, index.SearchAll([question, question], k)[1]);
            });

    [Theory, InlineData(1), InlineData(8), InlineData(29), InlineData(64)]
    public unsafe void Wide_tiles_give_the_narrow_tiles_numbers_bit_for_bit(int dimension)
    {
        Assert.SkipUnless(InnerProducts.HasWide, "this processor has no AVX-512");
        var random = new Random(dimension);
        float[] rows = Numbers(4), queries = Numbers(InnerProducts.WideQueries), packed = new float[InnerProducts.WideQueries * dimension];
        float[] Numbers(int count) => [.. Enumerable.Range(0, count * dimension).Select(_ => (float)((2 * random.NextDouble()) - 1))];
        fixed (float* r = rows, q = queries, p = packed)
        {
            InnerProducts.Pack(q, dimension, p);
            float* wide = stackalloc float[InnerProducts.Rows * InnerProducts.WideQueries], narrow = stackalloc float[InnerProducts.Rows * InnerProducts.Queries];
            for (int count = 1; count <= 4; count++)
            {
                InnerProducts.WideTile(r, count, p, q, dimension, wide);
                for (int first = 0; first < InnerProducts.WideQueries; first += InnerProducts.Queries)
                {
                    InnerProducts.Tile(r, count, q + (first * dimension), InnerProducts.Queries, dimension, narrow);
                    Assert.Equal(new Span<float>(narrow, 12).ToArray(), new Span<float>(wide + (first * InnerProducts.Rows), 12).ToArray());
                }
            }
        }
    }
}

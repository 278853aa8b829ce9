using BgeSharp.Retrieval;
using CsCheck;

namespace BgeSharp.Tests.Retrieval;

public class GroupedSearchTests
{
    // What grouping promises: the best row of each group, as if all rows had been ranked first.
    private static SearchHit[] Best(IEnumerable<SearchHit> hits, int[] groups, int k) =>
        [.. hits.OrderByDescending(h => h.Score).ThenBy(h => h.Row).DistinctBy(h => groups[h.Row]).Take(k)];

    // Documents of one to five pieces, the one in the middle of many.
    private static int[] Groups(int rows, int largest, Random random)
    {
        var groups = new List<int>();
        for (int group = 0; groups.Count < rows; group++)
        {
            bool large = largest > 0 && groups.Count >= rows / 3;
            groups.AddRange(Enumerable.Repeat(group, Math.Min(rows - groups.Count, large ? largest : 1 + random.Next(5))));
            largest = large ? 0 : largest;
        }
        return [.. groups];
    }

    [Fact]
    public void Top_k_of_groups_equals_sorting_all_rows_in_any_order_and_number_of_parts() =>
        Gen.Select(Gen.Select(Gen.Int[0, 5], Gen.Int[0, 6]).Array[0, 60], Gen.Int[0, 9], Gen.Int[0, 60], Gen.Int).Sample((rows, k, split, seed) =>
        {
            int[] groups = [.. rows.Select(r => r.Item2)], order = [.. Enumerable.Range(0, rows.Length)];
            new Random(seed).Shuffle(order);
            TopK first = new(k, groups), second = new(k, groups);
            for (int i = 0; i < order.Length; i++)
            {
                (i < split ? first : second).Offer(order[i], rows[order[i]].Item1);
            }
            second.Merge(first);
            Assert.Equal(Best(rows.Select((r, i) => new SearchHit(i, r.Item1)), groups, k), second.ToArray());
        });

    [Fact]
    public void A_group_of_each_row_changes_nothing()
    {
        var random = new Random(8);
        float[] vectors = [.. Enumerable.Range(0, 500 * 3).Select(_ => (float)random.Next(-2, 3))];
        float[] queries = [.. Enumerable.Range(0, 4 * 3).Select(_ => (float)random.Next(-2, 3))];
        var index = new DenseIndex(vectors, 3);
        Assert.Equal(index.SearchAll(queries, 9), index.SearchAll(queries, 9, groups: [.. Enumerable.Range(0, 500)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.SearchAll(queries, 9, groups: [0, 1]));
    }

    [Fact]
    public void Dense_search_finds_the_best_row_of_each_group_on_any_number_of_threads()
    {
        const int Dimension = 3, Rows = 9000, Queries = 5, Best10 = 10;
        var random = new Random(4);
        float[] vectors = [.. Enumerable.Range(0, Rows * Dimension).Select(_ => (float)random.Next(-9, 10))];
        float[] queries = [.. Enumerable.Range(0, Queries * Dimension).Select(_ => (float)random.Next(-9, 10))];
        int[] groups = Groups(Rows, 4000, random);
        // For the first query all rows of the large group are better than any other: a search by rows would need its size in depth to see another group.
        for (int row = 0; row < Rows; row++)
        {
            if (groups[row] == groups[(Rows / 3) + 10])
            {
                for (int i = 0; i < Dimension; i++)
                {
                    vectors[(row * Dimension) + i] = 10 * queries[i];
                }
            }
        }
        var index = new DenseIndex(vectors, Dimension);
        SearchHit[][] all = index.SearchAll(queries, Rows);
        foreach (int threads in new[] { 1, 3 })
        {
            SearchHit[][] found = index.SearchAll(queries, Best10, threads, groups);
            for (int q = 0; q < Queries; q++)
            {
                Assert.Equal(Best(all[q], groups, Best10), found[q]);
                Assert.Equal(Best10, found[q].Length);
            }
        }
    }

    [Fact]
    public void Inverted_search_finds_the_best_row_of_each_group_and_scores_rows_as_it_finds_them() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[0, 40], Gen.Int[1, 300], Gen.Int[1, 8], Gen.Int).Sample((rows, largest, vocabulary, k, seed) =>
        {
            var random = new Random(seed);
            string Text(int length) => string.Join(' ', Enumerable.Range(0, random.Next(length)).Select(_ => random.Next(vocabulary)));
            int[] groups = Groups(rows, largest, random);
            Bm25Index index = Bm25Index.Build(Enumerable.Range(0, rows).Select(_ => Text(12)));
            string[] queries = [Text(5), Text(30), ""];
            SearchHit[][] all = index.SearchAll(queries, rows), found = index.SearchAll(queries, k, groups: groups);
            for (int q = 0; q < queries.Length; q++)
            {
                Assert.Equal(Best(all[q], groups, k), found[q]);
                var scores = all[q].ToDictionary(h => h.Row, h => h.Score);
                int[] asked = [.. Enumerable.Range(0, rows).Reverse()];
                Assert.Equal(asked.Select(r => scores.GetValueOrDefault(r)), index.Scores(queries[q], asked));
            }
        }, iter: 200);
}

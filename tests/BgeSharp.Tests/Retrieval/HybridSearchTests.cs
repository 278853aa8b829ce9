using BgeSharp.Retrieval;

namespace BgeSharp.Tests.Retrieval;

public class HybridSearchTests
{
    // By words "b" ranks rows 1, 2; by vector [1, 0] ranks 0, 2, 1.
    private static readonly HybridSearch Search = new(new DenseIndex([1, 0, 0, 1, 0.5f, 0.5f], 2), Bm25Index.Build(["a", "b b", "b c"]));

    [Fact]
    public void Hybrid_adds_the_reciprocal_ranks_of_both_searches()
    {
        SearchHit[] hits = Search.Search("b", [1, 0], SearchMode.Hybrid, 10);
        // Row 1: ranks 1 and 3; row 2: ranks 2 and 2; row 0: rank 1 in one list.
        Assert.Equal([1, 2, 0], hits.Select(h => h.Row));
        Assert.Equal([(1f / 61) + (1f / 63), 2f / 62, 1f / 61], hits.Select(h => h.Score), (a, b) => Math.Abs(a - b) < 1e-7f);
        Assert.Equal([1], Search.Search("b", [1, 0], SearchMode.Hybrid, 1).Select(h => h.Row));
    }

    [Fact]
    public void Dense_and_bm25_are_the_searches_they_name()
    {
        Assert.Equal([0, 2, 1], Search.Search("b", [1, 0], SearchMode.Dense, 10).Select(h => h.Row));
        Assert.Equal([1, 2], Search.Search("b", null, SearchMode.Bm25, 10).Select(h => h.Row));
        Assert.Throws<ArgumentNullException>(() => Search.Search("b", null, SearchMode.Hybrid, 10));
    }

    [Fact]
    public void An_instruction_stands_before_the_texts_for_their_vectors_and_not_among_their_words()
    {
        string[] texts = ["ab", "cd"];
        var encoder = new BgeSharp.Embeddings.TextEncoder(new Evaluation.LetterEncoder(), new Evaluation.LetterTokenizer());
        HybridSearch plain = HybridSearch.Build(texts, encoder, encoder.EncodeDense(["a"]).Length, 32), with = HybridSearch.Build(texts, encoder, encoder.EncodeDense(["a"]).Length, 32, instruction: "xyz ");
        Assert.Empty(with.Search("xyz", null, SearchMode.Bm25, 5));
        float[] query = encoder.EncodeDense(["xyz ab"]);
        Assert.NotEqual(plain.Search("", query, SearchMode.Dense, 1)[0].Score, with.Search("", query, SearchMode.Dense, 1)[0].Score);
        Assert.Equal(0, with.Search("", query, SearchMode.Dense, 1)[0].Row);
    }

    [Fact]
    public void Vectors_and_texts_that_differ_in_number_do_not_belong_together() =>
        Assert.Throws<ArgumentException>(() => new HybridSearch(new DenseIndex([1, 0], 2), Bm25Index.Build(["a", "b"])));
}

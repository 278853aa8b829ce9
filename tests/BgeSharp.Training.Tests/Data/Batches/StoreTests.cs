using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class StoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Ids_come_back_as_they_went_in_and_the_file_goes_with_the_store()
    {
        int[][] texts = [[1, 2, 3], [], [int.MaxValue, -1], [7]];
        string path = Path.Combine(_folder.Path, "sub", "ids");
        using (TokenStore store = TokenStore.Create(path, texts))
        {
            Assert.Equal(4, store.Count);
            Assert.Equal(6, store.TokenCount);
            Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(texts[i], store[i].ToArray()));
        }
        Assert.False(File.Exists(path));
        using TokenStore empty = TokenStore.Create(path, []);
        Assert.Equal(0, empty.Count);
    }

    [Fact]
    public void Each_distinct_passage_is_stored_once_and_examples_point_at_it()
    {
        using PairStore store = Store(
            new("a", ["xx", "yy"], ["zz"]) { Source = "one" },
            new("b", ["yy"], ["xx", "zz"]) { Source = "two", Prompt = "pp " },
            new("c", ["ww"], []) { Source = "one" });
        Assert.Equal(4, store.Passages.Count);
        Assert.Equal([0, 1], store.Rows[0].Positives);
        Assert.Equal([2], store.Rows[0].Negatives);
        Assert.Equal([1], store.Rows[1].Positives);
        Assert.Equal([0, 2], store.Rows[1].Negatives);
        Assert.Equal([3], store.Rows[2].Positives);
        Assert.Equal([0, 1, 0], store.Rows.Select(r => r.Source));
        Assert.Equal(_tokenizer.EncodeWithSpecial("yy"), store.Passages[1].ToArray());
        Assert.Equal(_tokenizer.EncodeWithSpecial("q a"), store.Queries[0].ToArray());
        Assert.Equal(_tokenizer.EncodeWithSpecial("pp b"), store.Queries[1].ToArray());
    }

    [Fact]
    public void Copies_of_a_positive_elsewhere_in_the_batch_are_hidden_and_nothing_else()
    {
        // The first two queries share a positive; the third asks what the first asks; the fourth has the first's positive as its negative.
        using PairStore store = Store(
            new("a", ["xx"], ["n"]), new("b", ["xx"], ["m"]), new("a", ["yy"], ["k"]), new("d", ["ww"], ["xx"]));
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, [0, 1, 2, 3], 2, 1, 0);
        Assert.Equal(_tokenizer.EncodeWithSpecial("ww"), batch.Passages[6].ToArray());
        Assert.Equal(_tokenizer.EncodeWithSpecial("xx"), batch.Passages[7].ToArray());
        (int, int)[] hidden = [.. Enumerable.Range(0, 32).Where(i => batch.Hidden![i]).Select(i => (i / 8, i % 8))];
        Assert.Equal([(0, 2), (0, 4), (0, 7), (1, 0), (1, 7), (2, 0), (2, 2), (2, 7)], hidden);
    }

    [Fact]
    public void Missing_negatives_are_lent_by_other_queries_and_hidden_from_their_owner()
    {
        using PairStore store = Store(new("a", ["xx"], []), new("b", ["yy"], []));
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, [0, 1], 2, 1, 0);
        Assert.Equal(4, batch.Passages.Count);
        Assert.Equal(_tokenizer.EncodeWithSpecial("yy"), batch.Passages[1].ToArray());
        Assert.Equal([false, false, false, true, false, true, false, false], batch.Hidden!);
    }

    [Fact]
    public void Positives_of_an_equal_query_elsewhere_are_answers_and_no_negatives()
    {
        using PairStore store = Store(new("a", ["xx"], ["yy", "zz"]) { NegativeScores = [1, 2] }, new("a", ["yy"], []), new("b", ["zz"], ["xx"]));
        Assert.Equal([0, 1], store.AnswersOf(0).Order());
        Assert.Equal(store.AnswersOf(0), store.AnswersOf(1));
        Assert.Equal([2], store.AnswersOf(2));
        Assert.Equal([2], store.Rows[0].Negatives);
        Assert.Equal([2f], store.Rows[0].NegativeScores!);
        Assert.Equal([0], store.Rows[2].Negatives);
        Assert.Equal(1, store.Faults.NegativesThatArePositives);
        // Columns xx, zz | yy, zz (lent) | zz, xx: the other's answer is hidden from both.
        Assert.Equal([false, false, true, false, false, true, true, false, false, false, false, true, false, true, false, true, false, false], ContrastiveBatch.Draw(store, [0, 1, 2], 2, 1, 0).Hidden!);
    }

    [Fact]
    public void A_query_is_never_lent_its_own_answer()
    {
        TrainingExample[] examples = [new("a", ["xx"], []), new("b", ["yy"], []), new("c", ["zz"], []), new("a", ["ww"], [])];
        using PairStore store = Store(examples);
        foreach (int[] batch in (int[][])[[0], [0, 3], [0, 1], [0, 1, 2, 3], [3, 0, 1]])
        {
            for (int round = 0; round < 20; round++)
            {
                ContrastiveBatch drawn = ContrastiveBatch.Draw(store, batch, 8, 1, round);
                for (int i = 0; i < batch.Length; i++)
                {
                    string[] answers = examples[batch[i]].Query == "a" ? ["xx", "ww"] : [examples[batch[i]].Positives[0]];
                    Assert.All(Enumerable.Range(1, 7), g => Assert.DoesNotContain(drawn.Passages[(i * 8) + g].ToArray(), answers.Select(a => _tokenizer.EncodeWithSpecial(a))));
                }
            }
        }
    }

    [Fact]
    public void Passages_that_differ_only_behind_what_is_read_are_one()
    {
        string start = string.Join(' ', Enumerable.Repeat("xx", 16));
        using PairStore store = Store(new("a", [start + " yy"], []), new("b", [start + " zz"], []));
        Assert.Equal(1, store.Passages.Count);
        Assert.Equal([0], store.Rows[1].Positives);
    }

    [Fact]
    public void Without_copies_nothing_is_hidden()
    {
        using PairStore store = Store(new("a", ["xx"], []), new("b", ["yy"], []));
        Assert.Null(ContrastiveBatch.Draw(store, [1, 0], 1, 1, 0).Hidden);
    }

    private PairStore Store(params TrainingExample[] examples) => PairStore.Create(_folder.Path, examples, _tokenizer, 16, 16, "q ", negatives: true);
}

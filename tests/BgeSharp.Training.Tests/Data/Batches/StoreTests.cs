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
        (int, int)[] hidden = [.. batch.Hidden!.Select(i => ((int)i / 8, (int)i % 8))];
        Assert.Equal([(0, 2), (0, 4), (0, 7), (1, 0), (1, 7), (2, 0), (2, 2), (2, 7)], hidden);
    }

    [Fact]
    public void Missing_negatives_are_lent_by_other_queries_and_hidden_from_their_owner()
    {
        using PairStore store = Store(new("a", ["xx"], []), new("b", ["yy"], []));
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, [0, 1], 2, 1, 0);
        Assert.Equal(4, batch.Passages.Count);
        Assert.Equal(_tokenizer.EncodeWithSpecial("yy"), batch.Passages[1].ToArray());
        Assert.Equal([3L, 5], batch.Hidden!);
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
        Assert.Equal([2L, 5, 6, 11, 13, 15], ContrastiveBatch.Draw(store, [0, 1, 2], 2, 1, 0).Hidden!);
    }

    [Fact]
    public void Texts_of_one_id_are_versions_of_one_passage_within_a_file()
    {
        using PairStore store = Store(
            new("a", ["xx"], ["yy", "zz"]) { PositiveIds = ["1"], NegativeIds = ["1", "2"], Source = "one" },
            new("b", ["zz"], ["xx"]) { PositiveIds = ["2"], NegativeIds = ["1"], Source = "one" },
            new("c", ["ww"], ["yy"]) { PositiveIds = ["3"], NegativeIds = ["4"], Source = "one" },
            new("d", ["vv"], ["ww"]) { PositiveIds = ["1"], NegativeIds = ["9"], Source = "two" },
            new("e", ["yy"], []) { Source = "one" });
        string[] Texts(IEnumerable<int> rows) => [.. rows.Select(r => _tokenizer.Decode(store.Passages[r].ToArray())).Order()];
        Assert.Equal(["xx", "yy"], Texts(store.AnswersOf(0)));
        Assert.Equal(["zz"], Texts(store.Rows[0].Negatives));           // yy is another text of its answer
        Assert.Equal(["zz"], Texts(store.AnswersOf(1)));
        Assert.Equal(["ww"], Texts(store.AnswersOf(2)));
        Assert.Equal(["vv"], Texts(store.AnswersOf(3)));                // "1" of another file is another passage
        Assert.Equal(["xx", "yy"], Texts(store.AnswersOf(4)));          // the text has the id, wherever the line leaves it out
        Assert.Equal(1, store.Faults.NegativesThatArePositives);
        // Columns xx | zz | yy: a and e hide each other's.
        Assert.Equal([2L, 6], ContrastiveBatch.Draw(store, [0, 1, 4], 1, 1, 0).Hidden!);
    }

    [Fact]
    public void One_text_under_two_instructions_is_one_passage()
    {
        using PairStore store = Store(new("a", ["xx"], ["yy"]) { PassagePrompt = "p " }, new("b", ["xx"], []), new("c", ["xx"], ["xx"]) { PassagePrompt = "o " }, new("d", ["yy"], []));
        Assert.Equal(3, store.AnswersOf(0).Length);
        Assert.Equal(store.AnswersOf(0).Order(), store.AnswersOf(1).Order());
        Assert.Equal(store.AnswersOf(0).Order(), store.AnswersOf(2).Order());
        Assert.Equal(2, store.AnswersOf(3).Length);
        Assert.Equal([1L, 2, 3, 5, 6, 7], ContrastiveBatch.Draw(store, [0, 1, 2], 1, 1, 0).Hidden!);
    }

    [Fact]
    public void Negatives_in_a_teacher_s_order_and_unknown_ones_are_marked()
    {
        TrainingExample[] examples = [.. Enumerable.Range(0, 6).Select(i => new TrainingExample(TinyModel.Text(2, i), [TinyModel.Text(3, i + 10)], [.. Enumerable.Range(0, i == 5 ? 0 : 4).Select(n => TinyModel.Text(4, i + (10 * n) + 30))])
        {
            PositiveScores = [9],
            NegativeScores = [.. new[] { 1.0, 4, -2, 3 }.Take(i == 5 ? 0 : 4)],
        })];
        using PairStore store = Store(examples);
        for (int round = 0; round < 10; round++)
        {
            ContrastiveBatch sorted = ContrastiveBatch.Draw(store, [0, 1, 2, 5], new GroupDraw(4, WithTeacher: true, SortByTeacher: true) { MarksUnknown = true }, 1, round);
            for (int i = 0; i < 3; i++)
            {
                float[] scores = sorted.Teacher![(i * 4)..((i * 4) + 4)];
                Assert.Equal(9, scores[0]);
                Assert.Equal(scores[1..].OrderDescending(), scores[1..]);
                for (int g = 1; g < 4; g++)
                {
                    int at = examples[i].NegativeScores!.ToList().IndexOf(scores[g]);
                    Assert.Equal(_tokenizer.EncodeWithSpecial(examples[i].Negatives[at], 16), sorted.Passages[(i * 4) + g].ToArray());
                }
            }
            Assert.True(sorted.Teacher![13..16].All(float.IsNaN));
        }
        // Without the order some draw is out of it; without marks unknown passages are far below.
        Assert.Contains(Enumerable.Range(0, 10), round => ContrastiveBatch.Draw(store, [0], new GroupDraw(4, WithTeacher: true), 1, round).Teacher![1..] is var s && !s.SequenceEqual(s.OrderDescending()));
        Assert.Equal(9 - 60, ContrastiveBatch.Draw(store, [5, 0], new GroupDraw(2, WithTeacher: true) { TeacherTemperature = 2 }, 1, 0).Teacher![1]);
    }

    [Fact]
    public void Passages_may_have_an_instruction_of_their_own()
    {
        using PairStore store = Store(new("a", ["xx"], []) { PassagePrompt = "p " }, new("b", ["xx"], []), new("c", ["xx"], []) { PassagePrompt = "p ", Prompt = "s ", Type = "symmetric_sts" });
        Assert.Equal(["p xx", "xx", "s xx"], store.Rows.Select(r => _tokenizer.Decode(store.Passages[r.Positives[0]].ToArray())));
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

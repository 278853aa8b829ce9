// Sentence pairs stand in files in both orders: a query's own text is then a passage of the batch, and the nearest of all.

using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class OwnTextTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("", ""), InlineData("q ", ""), InlineData("q ", "p ")]
    public void The_own_text_of_a_query_is_no_negative_of_it(string instruction, string passageInstruction)
    {
        using PairStore store = PairStore.Create(_folder.Path, [new("a", ["b"], ["a", "k"]), new("b", ["a"], []), new("c", ["d"], ["m"])], _tokenizer, 16, 16, instruction, negatives: true, passageInstruction);
        // Rows: b, a, k, d, m.
        Assert.Equal([2], store.Rows[0].Negatives);
        Assert.Equal([0, 1], store.AnswersOf(0).Order());
        Assert.Equal([0, 1], store.AnswersOf(1).Order());
        Assert.Equal([3], store.AnswersOf(2));
        Assert.Equal(1, store.Faults.NegativesThatArePositives);
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, [0, 1, 2], 1, 1, 0);
        Assert.Equal([1, 3], batch.Hidden!);       // of query a the column of passage a, of query b that of b; the third sees both
    }

    [Fact]
    public void A_text_is_its_own_however_its_spaces_stand()
    {
        using PairStore store = PairStore.Create(_folder.Path, [new("a  b", ["c"], ["a b", "k"]), new("d", ["a b "], [])], _tokenizer, 16, 12, "q ", negatives: true, "");
        Assert.Equal([0, 1], store.AnswersOf(0).Order());
        Assert.Equal(1, store.OwnTextOf(0));
        Assert.Equal([2], store.Rows[0].Negatives);
    }
}

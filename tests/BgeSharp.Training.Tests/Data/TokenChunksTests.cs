using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Data;

public sealed class TokenChunksTests
{
    private static readonly WordPieceTokenizer Tokenizer = TinyModel.Tokenizer();

    [Theory, InlineData(16), InlineData(40), InlineData(100)]
    public void A_long_text_becomes_texts_of_nearly_the_length_and_no_token_is_lost(int maxLength)
    {
        string text = string.Join(' ', Enumerable.Range(0, 60).Select(i => TinyModel.Text(3 + (i % 9), i) + "!"));
        int[][] chunks = [.. TokenChunks.Of([Page(text)], Tokenizer, maxLength)];
        Assert.All(chunks, ids => Assert.InRange(ids.Length, 3, maxLength));
        Assert.Equal(Tokenizer.Encode(text), chunks.SelectMany(ids => ids[1..^1]));
        // Where sentences end decides: about half full at least, on average.
        Assert.True(chunks.Average(ids => ids.Length) > 0.5 * maxLength, string.Join(' ', chunks.Select(ids => ids.Length)));
        Assert.True(maxLength < 40 || chunks.Count(ids => ids[^2] == Tokenizer.Encode("!")[0]) > 0.7 * chunks.Length);
    }

    [Theory, InlineData(16), InlineData(40)]
    public void Full_texts_are_cut_after_so_many_tokens_within_one_document(int maxLength)
    {
        string[] texts = [.. Enumerable.Range(0, 5).Select(i => string.Join(' ', Enumerable.Range(0, 20).Select(j => TinyModel.Text(3 + (j % 9), i + j) + "!")))];
        int[][] chunks = [.. TokenChunks.Full(texts.Select(Page), Tokenizer, maxLength)];
        int[][] whole = [.. texts.Select(Tokenizer.Encode)];
        Assert.Equal(whole.SelectMany(ids => ids), chunks.SelectMany(ids => ids[1..^1]));
        Assert.All(chunks, ids => Assert.True(ids[0] == Tokenizer.Special.Cls && ids[^1] == Tokenizer.Special.Sep));
        Assert.Equal(whole.SelectMany(ids => Enumerable.Range(0, (ids.Length + maxLength - 3) / (maxLength - 2)).Select(i => Math.Min(maxLength, ids.Length - (i * (maxLength - 2)) + 2))), chunks.Select(c => c.Length));
    }

    [Fact]
    public void Documents_never_run_into_one_another_and_short_ones_stay_texts_of_their_own()
        => Assert.Equal([Tokenizer.EncodeWithSpecial("ab"), Tokenizer.EncodeWithSpecial("c")], TokenChunks.Of([Page("ab"), Page("c")], Tokenizer, 64));

    [Fact]
    public void Short_texts_share_a_batch_and_no_linear_layer_sees_padding()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        int[][] texts = [.. Enumerable.Range(0, 300).Select(i => Tokenizer.EncodeWithSpecial(TinyModel.Text(1 + (i * 7 % 23), i), 64))];
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), texts);
        var order = new TokenBudgetOrder(1, [.. texts.Select(t => t.Length)], 256);
        using Weights weights = TinyModel.Encoder(Compute.Float32);
        var encoder = new Encoder(weights, "", TinyModel.Config);
        int[][] batches = [.. order.From(0).Take(order.BatchesPerEpoch())];
        Assert.True(batches.Average(b => b.Length) > 4);
        foreach (int[] rows in batches.Take(12))
        {
            var packed = new PackedText(TokenBatch.Of([.. rows.Select(r => texts[r])]), TinyModel.Config, CPU);
            var seen = new List<long>();
            encoder.Forward(packed, training: false, eachLayer: x => seen.Add(x.shape[0]));
            Assert.All(seen, count => Assert.Equal(rows.Sum(r => texts[r].Length), count));
        }
        // What attention alone pads: texts of like length stand together.
        double cells = batches.Sum(b => (double)b.Length * b.Max(r => texts[r].Length));
        Assert.InRange(1 - (texts.Sum(t => t.Length) / cells), 0, 0.15);
    }

    private static Document Page(string text) => new(text.Length.ToString(System.Globalization.CultureInfo.InvariantCulture), "en", "", [new Section(0, "", text)], "g");
}

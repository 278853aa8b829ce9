// "bge masks" and "bge lr": what they write, and what they refuse.

using System.Globalization;
using System.Text.RegularExpressions;
using BgeSharp.Cli.Terminals;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Cli.Tests;

public sealed partial class PretrainingCommandTests : IDisposable
{
    private const string Characters = "数据库的事务要么全部完成";

    private readonly string folder = Directory.CreateTempSubdirectory("bge-pretraining").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_picture_has_a_square_for_each_token_of_the_encoder_and_each_cell_of_the_decoder()
    {
        string picture = Path.Combine(folder, "masks.svg");
        var (code, output, error) = await Bge("masks", "数据库的事务要么全部完成", "--tokenizer", Vocabulary(), "--out", picture, "--words", Write("words.txt", "数据库\t-3\n事务\t-3\n"));
        Assert.Equal((0, ""), (code, error));
        const int n = 12 + 2;      // [CLS], 12 characters, [SEP]
        Assert.Contains($"of {n} tokens", output, StringComparison.Ordinal);
        Assert.Equal(n + (n * n), Square().Count(await File.ReadAllTextAsync(picture, TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task A_batch_is_drawn_and_measured_as_a_stage_draws_it()
    {
        string[] texts = [.. Enumerable.Range(0, 5).Select(i => Characters[i..] + Characters[..i])];
        var (code, output, error) = await Bge("masks", "--input", Documents(texts), "--tokenizer", Vocabulary(), "--out", Picture, "--texts", "9", "--seed", "3");
        Assert.Equal((0, ""), (code, error));

        const int n = 12 + 2, words = 12;
        ITokenizer tokenizer = TokenizerFile.Load(Vocabulary());
        using TokenStore store = TokenStore.Create(Path.Combine(folder, "ids"), texts.Select(t => tokenizer.EncodeWithSpecial(t)));
        int[] rows = new TokenBudgetOrder(3, [n, n, n, n, n], 4096).From(0).First();
        RetroMaeBatch batch = RetroMaeBatch.Draw(store, rows, new RetroMaeMasks(tokenizer, 0.3, 0.5), 3, 0);
        bool[] hidden = batch.Hidden!();

        // Text by text as in the batch: what is behind [MASK], and what a decoder row sees beside h.
        string svg = await File.ReadAllTextAsync(Picture, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 5).Select(t => (Masks(t), Cells(t).Count(c => c.Row != c.Column && !c.Hidden))), svg.Split("<g ")[1..].Select(drawn => (Squares(drawn, "mask"), Squares(drawn, "seen"))));
        Assert.Equal(5 * (n + (n * n)), Square().Count(svg));

        double masked = Enumerable.Range(0, 5).Sum(t => Masks(t)) / (double)batch.Encoder.Rows.Length;
        double gone = Enumerable.Range(0, 5).SelectMany(Cells).Count(c => c.Row is > 0 and < n - 1 && c.Column < n - 1 && c.Row != c.Column && c.Hidden) / (5.0 * words * (words - 1));
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"5 texts, {5 * n} tokens, 0.0% padding; encoder: {batch.Encoder.Rows.Length} of {5 * words} tokens to name ({batch.Encoder.Rows.Length / (5.0 * words):0.0%}): {masked:0.0%} [MASK], "), output, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"; decoder: {gone:0.0%} hidden from a row in the mean ("), output, StringComparison.Ordinal);
        Assert.Contains("written: 5 of 5 texts", output, StringComparison.Ordinal);

        int Masks(int text) => batch.Encoder.Texts[text].ToArray().Count(id => id == tokenizer.Special.Mask);

        IEnumerable<(int Row, int Column, bool Hidden)> Cells(int text)
            => Enumerable.Range(0, n).SelectMany(row => Enumerable.Range(1, n - 1).Select(column => (row, column, hidden[(((text * n) + row) * n) + column])));
    }

    [Fact]
    public async Task A_picture_says_which_texts_it_cuts_and_what_is_measured_counts_them_whole()
    {
        string documents = Documents(string.Concat(Enumerable.Repeat(Characters, 3)), Characters);
        var (code, output, error) = await Bge("masks", "--input", documents, "--tokenizer", Vocabulary(), "--out", Picture);
        Assert.Equal((0, ""), (code, error));
        string svg = await File.ReadAllTextAsync(Picture, TestContext.Current.CancellationToken);
        Assert.Equal(32 + (32 * 32) + 14 + (14 * 14), Square().Count(svg));
        Assert.Contains(": 38 tokens, cut after 32 in the picture</text>", svg, StringComparison.Ordinal);
        Assert.Contains(": 14 tokens</text>", svg, StringComparison.Ordinal);
        Assert.StartsWith("2 texts, 52 tokens, 31.6% padding; encoder: ", output, StringComparison.Ordinal);       // 24 of 2 · 38 cells
        Assert.Contains(" of 48 tokens to name ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name a TEXT, or documents with --input")]
    [InlineData("name a TEXT, or documents with --input", "数据库", "--input", "none.jsonl")]
    [InlineData("--texts is about the documents of --input", "数据库", "--texts", "2")]
    [InlineData("--texts 0: a number from 1", "--input", "none.jsonl", "--texts", "0")]
    [InlineData("--max-length 9: a number from 16", "--input", "none.jsonl", "--max-length", "9")]
    [InlineData("none.jsonl: no such file", "--input", "none.jsonl")]
    public async Task Batches_that_cannot_be_drawn_are_refused(string sentence, params string[] args)
    {
        var (code, output, error) = await Bge(["masks", "--tokenizer", Vocabulary(), "--out", Picture, .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(sentence, error, StringComparison.Ordinal);
        Assert.False(File.Exists(Picture));
    }

    [Fact]
    public async Task Documents_of_a_few_tokens_make_no_batch()
    {
        var (code, _, error) = await Bge("masks", "--input", Documents("数据库"), "--tokenizer", Vocabulary(), "--out", Picture);
        Assert.Equal(2, code);
        Assert.Contains("has no text of 8 tokens or more", error, StringComparison.Ordinal);
    }

    [Theory, InlineData("0"), InlineData("1.5")]
    public async Task A_share_out_of_range_is_refused(string share)
    {
        string picture = Path.Combine(folder, "masks.svg");
        var (code, _, error) = await Bge("masks", "数据库", "--tokenizer", Vocabulary(), "--out", picture, "--decoder-mask", share);
        Assert.Equal(2, code);
        Assert.StartsWith("--decoder-mask", error, StringComparison.Ordinal);
        Assert.False(File.Exists(picture));
    }

    [Theory]
    [InlineData("--stage nosuch: ", "--stage", "nosuch")]
    [InlineData("--from 1 --to 0.1", "--from", "1", "--to", "0.1")]
    [InlineData("--model nosuch: ", "--model", "nosuch")]
    public async Task Learning_rates_that_cannot_be_tried_are_refused(string sentence, params string[] args)
    {
        var (code, output, error) = await Bge(["lr", ProjectFiles.Find(Path.Combine("recipes", "smoke.json")), .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private static int Squares(string svg, string kind) => Regex.Matches(svg, $"class=\"{kind}\" d=\"([^\"]*)\"").Sum(path => Square().Count(path.Groups[1].Value));

    private string Picture => Path.Combine(folder, "masks.svg");

    private string Documents(params string[] texts) => Write("d.jsonl", string.Concat(texts.Select((t, i) => $"{{\"id\":\"{i}\",\"text\":\"{t}\"}}\n")));

    private string Vocabulary() => Write("vocab.txt", string.Join('\n', new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" }.Concat(Characters.Distinct().Select(c => c.ToString()))) + "\n");

    private string Write(string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [GeneratedRegex("h14v14h-14z")]
    private static partial Regex Square();
}

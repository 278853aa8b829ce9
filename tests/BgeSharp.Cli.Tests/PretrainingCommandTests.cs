// "bge masks" and "bge lr": what they write, and what they refuse.

using System.Text.RegularExpressions;
using BgeSharp.Cli.Terminals;

namespace BgeSharp.Cli.Tests;

public sealed partial class PretrainingCommandTests : IDisposable
{
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

    private string Vocabulary() => Write("vocab.txt", string.Join('\n', new[] { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" }.Concat("数据库的事务要么全部完成".Distinct().Select(c => c.ToString()))) + "\n");

    private string Write(string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    [GeneratedRegex("h14v14h-14z")]
    private static partial Regex Square();
}

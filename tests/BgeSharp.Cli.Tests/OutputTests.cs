// Where results are to go is looked at before anything is read or computed: a name that cannot be written to is one sentence and code 2.

using BgeSharp.Cli.Terminals;

namespace BgeSharp.Cli.Tests;

public sealed class OutputTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-output").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    // Nothing else that these commands name is there: the sentence is about the place because the place comes first.
    [Theory]
    [InlineData("tokenize", "--tokenizer", "none", "--input", "none", "--out")]
    [InlineData("score", "--model", "none", "--pairs", "none", "--out")]
    [InlineData("embed", "--model", "none", "--input", "none", "--out")]
    [InlineData("eval", "--run", "none", "--qrels", "none", "--out")]
    [InlineData("eval", "--model", "none", "--data", "none", "--out")]
    [InlineData("compare", "none", "none", "--out")]
    [InlineData("mine", "pairs", "--input", "none", "--out")]
    [InlineData("mine", "pairs", "--input", "none", "--out", "x.jsonl", "--held-out-file")]
    [InlineData("mine", "filter", "--input", "none", "--min-score", "1", "--out")]
    [InlineData("mine", "negatives", "--input", "none", "--out")]
    [InlineData("lr", "none", "--chart")]
    [InlineData("masks", "text", "--tokenizer", "none", "--out")]
    [InlineData("advise", "--input", "none", "--out")]
    public async Task A_folder_where_a_file_is_to_be_written_is_refused_before_anything_is_read(params string[] args)
    {
        string taken = Directory.CreateDirectory(In("taken.jsonl")).FullName;
        var (code, output, error) = await Bge([.. args, taken]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"{taken}: is a folder, and a file is to be written;", error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(Directory.GetFileSystemEntries(taken));
    }

    [Theory]
    [InlineData("eval", "--model", "none", "--data", "none", "--report")]
    [InlineData("eval", "--model", "none", "--data", "none", "--save-runs")]
    [InlineData("eval", "--model", "none", "--data", "none", "--index")]
    [InlineData("search", "q", "--model", "none", "--corpus", "none", "--index")]
    [InlineData("tokenizer", "train", "--input", "none", "--out")]
    [InlineData("mine", "negatives", "--input", "none", "--model", "none", "--out", "x.jsonl", "--cache")]
    public async Task A_file_where_a_folder_is_to_be_is_refused_before_anything_is_read(params string[] args)
    {
        File.WriteAllText(In("taken"), "old");
        foreach (string place in (string[])[In("taken"), In("taken/deeper")])
        {
            var (code, output, error) = await Bge([.. args, place]);
            Assert.Equal((2, ""), (code, output));
            Assert.StartsWith($"{In("taken")}: is a file where a folder is needed", error, StringComparison.Ordinal);
            Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        Assert.Equal("old", File.ReadAllText(In("taken")));
    }
}

// The mining commands: pairs with their card, from a recipe or from options; filters; samples.

using System.Text.Json;
using BgeSharp.Cli.Terminals;

namespace BgeSharp.Cli.Tests;

public sealed class MineTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-mine").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string Given(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private string Documents() => Given("d.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i =>
        $"{{\"id\":\"{i}\",\"lang\":\"zh\",\"title\":\"怎样选择第{i}号许可证<b>\",\"text\":\"第{i}号许可证决定别人可以怎样使用你的代码，选择之前先想清楚你愿意让别人做{new string((char)(0x4E00 + (i * 31)), 12)}什么。\"}}\n")));

    [Fact]
    public async Task Pairs_have_a_card_that_counts_what_is_in_the_file_and_encodes_every_text()
    {
        string recipe = Given("r.json", $$"""{ "name": "licences", "sources": [ { "name": "d", "path": {{JsonSerializer.Serialize(Documents())}}, "miners": [ "title-body" ] } ] }""");

        var (code, output, error) = await Bge("mine", "pairs", "--recipe", recipe, "--set", "heldOut=0.3", "--set", "cleaning.nearDuplicates=false", "--out", In("pairs.jsonl.gz"));

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("pairs.heldout.jsonl.gz", output, StringComparison.Ordinal);
        using var card = JsonDocument.Parse(File.ReadAllBytes(In("pairs.card.json")));
        JsonElement root = card.RootElement;
        long pairs = root.GetProperty("pairs").GetInt64(), heldOut = root.GetProperty("held_out_pairs").GetInt64();
        Assert.Equal((40, 40), (pairs + heldOut, root.GetProperty("documents").GetInt64()));
        Assert.InRange(heldOut, 4, 22);
        Assert.Equal(pairs, root.GetProperty("pairs_by_miner_and_language").GetProperty("title-body").GetProperty("zh").GetInt64());
        Assert.Equal(pairs, root.GetProperty("passage_lengths").GetProperty("title-body").EnumerateArray().Sum(b => b.GetInt64()));
        string page = File.ReadAllText(In("pairs.card.html"));
        Assert.Contains("号许可证&lt;b&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("号许可证<b>", page, StringComparison.Ordinal);
        Assert.Contains("<svg class=\"chart hist", page, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("pairs.jsonl.gz.work")));
    }

    [Fact]
    public async Task Wrong_lines_stop_the_run_or_are_named_and_counted()
    {
        File.AppendAllText(Documents(), "{broken\n");

        var refused = await Bge("mine", "pairs", "--input", In("d.jsonl"), "--out", In("a.jsonl"));
        var passed = await Bge("mine", "pairs", "--input", In("d.jsonl"), "--out", In("b.jsonl"), "--skip-bad");

        Assert.Equal(2, refused.Code);
        Assert.Contains("d.jsonl:41: not JSON", refused.Error, StringComparison.Ordinal);
        Assert.Equal(["d.jsonl"], Directory.GetFileSystemEntries(folder).Select(f => Path.GetFileName(f)!).Where(f => f[0] is 'a' or 'd'));
        Assert.Equal(0, passed.Code);
        Assert.Contains("d.jsonl:41: not JSON", passed.Error, StringComparison.Ordinal);
        Assert.Contains("1 lines or files were passed over.", passed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("neither documents nor recipe", "mine", "pairs", "--out", "x.jsonl")]
    [InlineData("a step that is not known", "mine", "pairs", "--input", "x", "--out", "x.jsonl", "--without", "soap")]
    [InlineData("no filter", "mine", "filter", "--input", "x.jsonl", "--out", "y.jsonl")]
    [InlineData("no time", "advise", "--input", "x", "--hours", "0")]
    [InlineData("no documents", "advise", "--input", "there-is-none")]
    public async Task Wrong_usage_ends_with_2_and_a_sentence(string what, params string[] args)
    {
        var (code, _, error) = await Bge(args);
        Assert.True(code == 2 && error.Length > 10, what);
    }

    [Fact]
    public async Task Advice_counts_wrong_lines_and_does_not_replace_a_recipe_that_is_there()
    {
        File.AppendAllText(Documents(), "{broken\n");
        string recipe = Given("mine.json", "edited");

        var refused = await Bge("advise", "--input", In("d.jsonl"), "--out", recipe);
        var (code, output, error) = await Bge("advise", "--input", In("d.jsonl"), "--out", In("new.json"), "--precision", "float32");

        Assert.Equal((2, ""), (refused.Code, refused.Output));
        Assert.StartsWith($"{recipe}: is there already", refused.Error, StringComparison.Ordinal);
        Assert.Equal("edited", File.ReadAllText(recipe));
        Assert.True(code == 0, error);
        Assert.Contains("1 lines or files are wrong, for example: " + In("d.jsonl") + ":41: not JSON", output, StringComparison.Ordinal);
        Assert.Contains("contrastive  no", output, StringComparison.Ordinal);       // forty documents are too few
    }

    [Fact]
    public async Task A_filter_says_what_it_dropped_and_shows_examples()
    {
        string pairs = Given("p.jsonl", "{\"query\":\"选择许可证\",\"pos\":[\"先想清楚。\"],\"neg\":[],\"pos_scores\":[0.9]}\n{\"query\":\"天气\",\"pos\":[\"毫不相干的一段。\"],\"neg\":[],\"pos_scores\":[0.1]}\n");

        var (code, output, error) = await Bge("mine", "filter", "--input", pairs, "--min-score", "0.43", "--out", In("k.jsonl"));

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("1 of 2 pairs", output, StringComparison.Ordinal);
        Assert.Contains("low score: 1 dropped", output, StringComparison.Ordinal);
        Assert.Contains("天气 → 毫不相干的一段。", output, StringComparison.Ordinal);
        Assert.Contains("选择许可证", Assert.Single(File.ReadAllLines(In("k.jsonl"))), StringComparison.Ordinal);
        Assert.True(File.Exists(In("k.card.json")));
    }

    [Fact]
    public async Task A_sample_is_the_same_every_time()
    {
        await Bge("mine", "pairs", "--input", Documents(), "--out", In("p.jsonl"), "--without", "near-duplicates");
        var (code, first, _) = await Bge("mine", "sample", "--input", In("p.jsonl"), "--per-miner", "5", "--seed", "3");
        var again = await Bge("mine", "sample", "--input", In("p.jsonl"), "--per-miner", "5", "--seed", "3");
        Assert.Equal((0, first), (code, again.Output));
        Assert.Contains("5. ", first, StringComparison.Ordinal);
    }
}

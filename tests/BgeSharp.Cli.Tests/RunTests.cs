// Whole runs through the command line on the smoke recipe: what they leave behind, what they refuse, and that stopping changes nothing.

using System.Text.Json;
using BgeSharp.Cli.Terminals;

namespace BgeSharp.Cli.Tests;

public sealed class RunTests : IDisposable
{
    private static readonly string[] Threads = ["--threads", "1", "--precision", "float32"];
    private readonly string folder = Directory.CreateTempSubdirectory("bge-run").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private static string Smoke => ProjectFiles.Find(Path.Combine("recipes", "smoke.json"));

    private static async Task<(int Code, string Output, string Error)> Bge(CancellationToken stop, params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), stop);
        return (code, output.ToString(), error.ToString());
    }

    // Stops as soon as a line of the output begins with a text.
    private static async Task<(int Code, string Output, string Error)> Bge(string at, CancellationTokenSource stop, params string[] args)
    {
        (StringWriter output, StringWriter error) = (new StoppingWriter(at, stop), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), stop.Token);
        return (code, output.ToString(), error.ToString());
    }

    private sealed class StoppingWriter(string at, CancellationTokenSource stop) : StringWriter(System.Globalization.CultureInfo.InvariantCulture)
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.StartsWith(at, StringComparison.Ordinal) == true)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public async Task A_run_leaves_model_reports_and_losses_and_one_that_was_stopped_ends_with_the_same_bytes()
    {
        var (code, output, error) = await Bge(TestContext.Current.CancellationToken, ["run", Smoke, "--out", In("whole"), .. Threads]);
        Assert.True(code == 0, error);
        Assert.Contains("model", output, StringComparison.Ordinal);
        foreach (string file in new[] { "report.html", "report.json", "metrics.jsonl", "corpus.jsonl", "model/model.safetensors", "model/tokenizer.json", "model/config.json", "model/bge.json" })
        {
            Assert.True(File.Exists(Path.Combine(In("whole"), file)), file);
        }
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(Path.Combine(In("whole"), "report.json")));
        string[] stages = [.. report.RootElement.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("stage").GetString()!).Distinct()];
        Assert.Equal(["bm25", "untrained", "retromae", "contrastive", "finetune"], stages.Order(Comparer<string>.Create((a, b) => Array.IndexOf(Order, a) - Array.IndexOf(Order, b))));
        Assert.True(report.RootElement.GetProperty("peak_memory_bytes").GetInt64() > 0);

        // Stopped in the middle of two stages, each time told how to go on, then run to the end.
        foreach (string line in new[] { "retromae 3/8", "contrastive 7/20" })
        {
            using var stop = new CancellationTokenSource();
            var stopped = await Bge(line, stop, ["run", Smoke, "--out", In("parts"), "--set", "exampleQueries=[\"什么是栈\"]", .. Threads]);
            Assert.True(stopped.Code == 0, stopped.Error);
            Assert.Contains($"go on with: bge run {Smoke} --out {In("parts")} --set 'exampleQueries=[\"什么是栈\"]' --precision float32 --threads 1 --resume", stopped.Output, StringComparison.Ordinal);
        }
        Assert.Equal(0, (await Bge(TestContext.Current.CancellationToken, ["run", Smoke, "--out", In("parts"), "--resume", .. Threads])).Code);

        Assert.Equal(File.ReadAllBytes(Path.Combine(In("whole"), "model/model.safetensors")), File.ReadAllBytes(Path.Combine(In("parts"), "model/model.safetensors")));
        Assert.Equal(Losses("whole"), Losses("parts"));
    }

    [Theory]
    [InlineData("{\"recipe\":\"x\",\"seconds\":0,\"peakMemoryBytes\":0,\"results\":[{\"stage\":\"bm25\",\"dataset\":\"d\",\"mode\":\"bm25\",\"metrics\":{}}]}", "another recipe")]
    [InlineData("{\"recipe\":\"x\",", "not a valid progress file")]
    public async Task A_folder_with_something_else_is_not_overwritten(string progress, string said)
    {
        Directory.CreateDirectory(In("old"));
        File.WriteAllText(Path.Combine(In("old"), "progress.json"), progress);
        var (code, _, error) = await Bge(TestContext.Current.CancellationToken, ["run", Smoke, "--out", In("old"), .. Threads]);
        Assert.Equal(2, code);
        Assert.Contains(said, error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(In("old")));
    }

    [Fact]
    public async Task A_run_that_another_process_works_on_is_refused()
    {
        Directory.CreateDirectory(In("held"));
        using var held = new FileStream(Path.Combine(In("held"), ".lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        var (code, _, error) = await Bge(TestContext.Current.CancellationToken, ["run", Smoke, "--out", In("held"), .. Threads]);
        Assert.Equal(2, code);
        Assert.Equal($"{In("held")}: another bge is working on this run; wait until it ends, or choose another --out.", error.Trim());
    }

    [Fact]
    public async Task Training_that_diverges_is_one_sentence_and_code_1()
    {
        var (code, _, error) = await Bge(TestContext.Current.CancellationToken,
            ["run", Smoke, "--out", In("wild"), "--set", "stages[0].guard={\"action\": \"raise\", \"spikeFactor\": 1.00001}", "--set", "stages[0].steps=200", "--set", "stages[0].learningRate=1", .. Threads]);
        Assert.Equal(1, code);
        Assert.Contains("the loss is a spike", error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("stages[0].lerningRate=1", "learningRate")]
    [InlineData("stages[0].maxLength=100000", "maxLength")]
    [InlineData("data.documents[0].path=no-such-file.jsonl", "no-such-file.jsonl")]
    public async Task A_recipe_that_cannot_work_is_refused_before_anything_is_written(string set, string named)
    {
        var (code, _, error) = await Bge(TestContext.Current.CancellationToken, ["run", Smoke, "--out", In("never"), "--set", set, .. Threads]);
        Assert.Equal(2, code);
        Assert.Contains(named, error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("never")));
    }

    private static readonly string[] Order = ["bm25", "untrained", "retromae", "contrastive", "finetune"];

    private string[] Losses(string run) => [.. File.ReadLines(Path.Combine(In(run), "metrics.jsonl")).Select(l =>
    {
        using JsonDocument line = JsonDocument.Parse(l);
        return $"{line.RootElement.GetProperty("stage")} {line.RootElement.GetProperty("step")} {line.RootElement.GetProperty("loss")}";
    })];
}

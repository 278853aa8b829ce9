// Whole runs on mixed sources with positives in another order: stopped or over ranks they see the same batches, and what cannot be mixed is said before anything is made.

using System.Text.Json;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class MixedSourceRunTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Given(string name, int first, string more = "")
    {
        string path = _run.In(name);
        File.WriteAllLines(path, Enumerable.Range(first, 8).Select(i => $$"""{"query":"{{TinyModel.Text(3, i)}}","pos":["{{TinyModel.Text(60, i)}}"],"neg":["{{TinyModel.Text(9, i + 50)}}"]{{more}}}"""));
        return path;
    }

    private string[] Set(string options, params string[] paths) =>
    [
        $"tokenizer={{\"from\": {JsonSerializer.Serialize(_run.In("letters"))}}}",
        "stages=[{\"type\": \"finetune\", \"steps\": 6, \"batchPairs\": 4, \"queryMaxLength\": 16, \"passageMaxLength\": 24, \"learningRate\": 1e-2, \"logEvery\": 1, \"pieces\": 2" + options + ", \"pairs\": ["
            + string.Join(", ", paths.Select(path => $"{{\"path\": {JsonSerializer.Serialize(path)}}}")) + "]}]",
    ];

    private string[] Batches(string run) => [.. MetricsLog.Read(Path.Combine(_run.In(run), "metrics.jsonl")).Where(l => l.Batches.Length > 0).Select(l => $"{l.Step} {l.Batches}")];

    [Fact]
    public void A_run_that_was_stopped_and_one_over_ranks_see_the_batches_of_one_that_was_not()
    {
        string a = Given("a.jsonl", 0), b = Given("b.jsonl", 200);
        const string Mixed = ", \"groupSize\": 2, \"mixSources\": true", Shuffled = ", \"groupSize\": 2, \"shuffleRatio\": 0.5";
        string[] set = Set(Mixed + ", \"shuffleRatio\": 0.5", a, b);
        Assert.NotNull(_run.Run("whole", set: set).State);
        Assert.NotEmpty(Batches("whole"));
        Assert.Null(_run.Run("cut", "finetune 3", set: set).State);
        Assert.NotNull(_run.Run("cut", set: set).State);
        Assert.Equal(Batches("whole"), Batches("cut"));
        Assert.Equal(_run.Result("whole")["model/model.safetensors"], _run.Result("cut")["model/model.safetensors"]);
        Assert.All(_run.RunOver(2, "ranks", set: set), state => Assert.True(state!.Finished));
        Assert.Equal(Batches("whole"), Batches("ranks"));
        // Each option by itself makes other batches.
        _run.Run("mixed", set: Set(Mixed, a, b));
        _run.Run("shuffled", set: Set(Shuffled, a, b));
        Assert.Equal(3, new[] { "whole", "mixed", "shuffled" }.Select(run => string.Join(' ', Batches(run))).Distinct().Count());
    }

    [Theory]
    [InlineData("b.jsonl", ",\"type\":\"only_1neg\"", "\"groupSize\": 3", "a.jsonl asks for groups of 3 and ", "b.jsonl for groups of 2; leave mixSources out")]
    [InlineData("b_no_in_batch_neg.jsonl", "", "\"groupSize\": 2", "a.jsonl asks for groups of 2 and ", "for groups of 2 compared by themselves (no_in_batch_neg); leave mixSources out")]
    [InlineData("b.jsonl", ",\"pos_scores\":[2],\"neg_scores\":[1]", "\"groupSize\": 2, \"distillation\": {}", "a.jsonl asks for groups of 2 without a teacher's scores and ", "b.jsonl for groups of 2 with a teacher's scores; leave mixSources out")]
    public void Files_that_cannot_be_mixed_are_named_before_anything_is_made(string name, string more, string options, string first, string second)
    {
        string[] set = Set($", {options}, \"mixSources\": true", Given("a.jsonl", 0), Given(name, 200, more));
        string message = Assert.Throws<BadInput>(() => _run.Run("run", set: set)).Message;
        Assert.StartsWith("stage \"finetune\": mixSources puts pairs of all sources into one batch, but ", message, StringComparison.Ordinal);
        Assert.Contains(first, message, StringComparison.Ordinal);
        Assert.Contains(second, message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_run.In("run"), "stages")));
    }

    [Fact]
    public void The_documents_own_pairs_are_a_source_among_them()
    {
        const string Mixed = ", \"groupSize\": 2, \"mixSources\": true";
        string[] set = Set(Mixed, Given("a_no_in_batch_neg.jsonl", 0), "mined");
        Assert.Contains("and mined for groups of 2; leave mixSources out", Assert.Throws<BadInput>(() => _run.Run("run", set: set)).Message, StringComparison.Ordinal);
        Assert.NotNull(_run.Run("both", set: Set(Mixed, Given("a.jsonl", 0), "mined")).State);
    }
}

// Whole recipes over ranks: one folder, written by rank 0, with the batches of a run of one process and its losses; a checkpoint goes on at another number of ranks.

using System.Text.Json.Nodes;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class SharedRunTests : IDisposable
{
    private static readonly string[] Set = ["stages[0].logEvery=1", "stages[1].logEvery=1", "stages[2].logEvery=1", "stages[0].pieces=3", "stages[1].pieces=3", "stages[2].pieces=3",
        "stages[0].evaluateEvery=2", "stages[2].hardNegatives.refreshSteps=2"];

    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Any_number_of_ranks_sees_the_batches_and_has_the_losses_of_one()
    {
        _run.Run("alone", set: Set);
        foreach (int ranks in new[] { 2, 3 })
        {
            string name = $"over{ranks}";
            RunState?[] states = _run.RunOver(ranks, name, set: Set);
            Assert.All(states, s => Assert.True(s!.Finished));
            Compare("alone", name, 1e-4);
            // The same files, nothing of the other ranks left among them.
            Assert.Equal(_run.Result("alone").Keys.Order(), _run.Result(name).Keys.Order());
        }
    }

    [Fact]
    public void Sharded_moments_step_as_whole_ones_do()
    {
        _run.RunOver(3, "whole", set: Set);
        _run.RunOver(3, "sharded", options => options with { ShardOptimizer = true }, set: Set);
        Dictionary<string, string> whole = _run.Result("whole"), sharded = _run.Result("sharded");
        // Manifests and the pointer hash state.json, which has the state of libtorch's generator: threads of one process share that.
        Assert.All(whole.Where(f => !f.Key.EndsWith("manifest.json", StringComparison.Ordinal) && !f.Key.EndsWith("LATEST", StringComparison.Ordinal)),
            file => Assert.True(WithoutGenerator(file.Key, file.Value) == WithoutGenerator(file.Key, sharded[file.Key]), $"{file.Key} differs"));
        Assert.Contains(whole.Keys, k => k.EndsWith("optimizer.safetensors", StringComparison.Ordinal));
    }

    [Fact]
    public void Gradients_sent_as_bfloat16_train_too()
    {
        _run.RunOver(2, "half", options => options with { Exchange = ScalarType.BFloat16 }, set: Set);
        _run.RunOver(2, "full", set: Set);
        Compare("full", "half", 0.05);
        Assert.NotEqual(_run.Result("full")["model/model.safetensors"], _run.Result("half")["model/model.safetensors"]);
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_at_the_same_and_at_another_number_of_ranks()
    {
        _run.RunOver(2, "whole", set: Set);
        Dictionary<string, string> whole = _run.Result("whole");
        foreach (string stop in new[] { "retromae 2", "contrastive 1", "mining hard negatives", "finetune 2", "mining hard negatives anew at step 2" })
        {
            string same = "same " + stop;
            Assert.All(_run.RunOver(2, same, stop: stop, set: Set), Assert.Null);
            Assert.All(_run.RunOver(2, same, set: Set), s => Assert.True(s!.Finished));
            Assert.All(_run.Result(same), file => Assert.True(file.Key.StartsWith("checkpoints/", StringComparison.Ordinal) || file.Value == whole[file.Key], $"{same}: {file.Key} differs"));
            string other = "other " + stop;
            _run.RunOver(2, other, stop: stop, set: Set);
            _run.RunOver(3, other, set: Set);
            Compare("whole", other, 1e-4);
        }
    }

    [Fact]
    public void A_fault_of_rank_0_ends_the_others()
    {
        File.AppendAllText(_run.Documents, "{\"title\":3}\n");
        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(() => _run.RunOver(2, "bad", set: Set));
        Assert.Contains("docs.jsonl:25", fault.Message, StringComparison.Ordinal);
    }

    private static string WithoutGenerator(string name, string content)
    {
        if (!name.EndsWith("state.json", StringComparison.Ordinal))
        {
            return content;
        }
        JsonNode state = JsonNode.Parse(Convert.FromHexString(content))!;
        Assert.True(state["random"]!.AsObject().Remove("torch"));
        return state.ToJsonString();
    }

    private void Compare(string expected, string actual, double tolerance)
    {
        MetricsLine[] one = Lines(expected), other = Lines(actual);
        Assert.Equal(one.Select(l => (l.Stage, l.Step, l.Batches)), other.Select(l => (l.Stage, l.Step, l.Batches)));
        Assert.All(one.Zip(other), pair => Assert.All(pair.First.Figures.Where(f => f.Key.EndsWith("loss", StringComparison.Ordinal)),
            f => Assert.True(Math.Abs(f.Value - pair.Second.Figures[f.Key]) <= tolerance, $"{pair.First.Stage} {pair.First.Step}: {f.Key} {f.Value} and {pair.Second.Figures[f.Key]}")));
    }

    private MetricsLine[] Lines(string run) => [.. MetricsLog.Read(Path.Combine(_run.In(run), "metrics.jsonl"))];
}

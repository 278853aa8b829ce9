// Whole recipes: stopped at any of three points of each stage, and started again, they leave the same files as one that was never stopped.

using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class RunResumeTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string, string[]> Recipes => new()
    {
        { "all stages, best checkpoint, hard negatives", [] },
        { "RetroMAE by held-out loss, early stop, dropout", ["stages[0].evaluateEvery=1", "stages[0].earlyStop=1", "stages[0].keepBest=true", "stages[0].steps=5", "model.dropout=0.2"] },
        { "rollbacks", ["stages[1].guard={\"action\": \"rollback\", \"spikeFactor\": 1.0001, \"rollBack\": 1, \"limit\": 1000}", "stages[1].steps=14", "stages[1].learningRate=1e-5", "stages[1].accumulate=1", "stages[1].evaluateEvery=0", "stages[1].keepBest=false"] },
        { "rollbacks further than a checkpoint", ["stages[1].guard={\"action\": \"rollback\", \"spikeFactor\": 1.0001, \"rollBack\": 5, \"limit\": 1000}", "stages[1].steps=14", "stages[1].learningRate=1e-5", "stages[1].accumulate=1", "stages[1].evaluateEvery=0", "stages[1].keepBest=false"] },
        { "gradient cache, dropout, DupMAE", ["stages[0].objective=dupmae", "stages[1].memory=cached", "stages[1].subBatchTokens=64", "stages[2].memory=cached", "model.dropout=0.2"] },
        { "three outputs, self-distillation from step 1 on", ["stages[2].outputs=[\"dense\", \"sparse\", \"multi\"]", "stages[2].selfDistillation=true", "stages[2].selfDistillationStart=1", "stages[2].memory=cached", "stages[2].steps=4", "model.dropout=0.2"] },
        { "recomputed layers, words hidden whole, dropout", ["stages[0].recompute=true", "stages[0].wordSegmentation=words", "model.dropout=0.2"] },
        { "adapters, negatives mined anew", ["stages[2].lora={\"rank\": 2}", "stages[2].hardNegatives.refreshSteps=2", "stages[2].steps=5"] },
        { "a cross-encoder by its own dev figure", ["stages[2]={\"type\": \"reranker\", \"name\": \"finetune\", \"steps\": 4, \"batchPairs\": 4, \"groupSize\": 2, \"queryMaxLength\": 12, \"maxLength\": 32, \"learningRate\": 1e-2, \"evaluateEvery\": 2, \"keepBest\": true, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 5, \"perQuery\": 2}}"] },
        { "checkpoints on the training thread", ["checkpoints.background=false", "checkpoints.keep=3"] },
    };

    [Theory, MemberData(nameof(Recipes))]
    public void A_run_that_was_stopped_at_three_points_of_each_stage_ends_with_the_same_files(string what, string[] set)
    {
        // Every step is logged, so that the observer can stop there.
        string[] all = [.. set, "stages[0].logEvery=1", "stages[1].logEvery=1", "stages[2].logEvery=1"];
        List<string> messages = _run.Run("whole", set: all).Messages;
        Dictionary<string, string> whole = _run.Result("whole");
        bool rolls = what.StartsWith("rollbacks", StringComparison.Ordinal);
        Assert.Equal(rolls, messages.Exists(m => m.Contains("back to step", StringComparison.Ordinal)));
        foreach (string stage in rolls ? new[] { "contrastive" } : ["retromae", "contrastive", "finetune"])
        {
            MetricsLine[] lines = [.. MetricsLog.Read(Path.Combine(_run.In("whole"), "metrics.jsonl")).Where(l => l.Stage == stage && l.Batches.Length > 0)];
            Assert.All(lines, line => Assert.Equal(16, line.Batches.Length));
            foreach (int cut in new[] { lines[0].Step, lines[lines.Length / 2].Step, lines[^1].Step }.Distinct())
            {
                string name = $"{stage}{cut}";
                bool last = stage == "finetune" && cut == lines[^1].Step;
                Assert.True(_run.Run(name, $"{stage} {cut}", set: all).State is null || last, name);
                Assert.NotNull(_run.Run(name, resume: last, set: all).State);
                Dictionary<string, string> result = _run.Result(name);
                Assert.Empty(whole.Keys.Where(file => !file.StartsWith("checkpoints/", StringComparison.Ordinal)).Except(result.Keys));
                foreach ((string file, string content) in result)
                {
                    // A stop adds a checkpoint of its own, so which are left differs; their contents do not.
                    Assert.True(file == "events.jsonl" || file.StartsWith("checkpoints/", StringComparison.Ordinal) && !whole.ContainsKey(file) || file.EndsWith("LATEST", StringComparison.Ordinal) || content == whole[file], $"{what}: {name}: {file} differs");
                }
            }
        }
    }

    [Fact]
    public void Negatives_that_were_mined_anew_are_read_back_by_a_resumed_stage_and_go_when_it_is_done()
    {
        string[] set = ["stages[2].hardNegatives={\"fromRank\": 0, \"toRank\": 8, \"perQuery\": 3, \"relativeMargin\": 0, \"duplicateCosine\": 1, \"refreshSteps\": 2}", "stages[2].steps=5", "stages[2].logEvery=1", "stages[2].learningRate=0.1"];
        _run.Run("whole", set: set);
        _run.Run("cut", "finetune 3", set: set);
        string[] kept = [.. Directory.GetFiles(Path.Combine(_run.In("cut"), "negatives")).Order(StringComparer.Ordinal)];
        Assert.Equal(["finetune.step-0", "finetune.step-2"], kept.Select(f => Path.GetFileName(f).Split('-')[0] + "-" + Path.GetFileName(f).Split('-')[1]));
        Assert.NotEqual(File.ReadAllBytes(kept[0]), File.ReadAllBytes(kept[1]));        // the weights have moved so far that mining again would show
        List<string> messages = _run.Run("cut", set: set).Messages;
        Assert.DoesNotContain(messages, m => m.Contains("mining hard negatives", StringComparison.Ordinal) && !m.Contains("at step 4", StringComparison.Ordinal));
        Assert.Equal(_run.Result("whole")["model/model.safetensors"], _run.Result("cut")["model/model.safetensors"]);
        Assert.False(Directory.Exists(Path.Combine(_run.In("cut"), "negatives")));
    }

    [Fact]
    public void The_order_of_batches_does_not_depend_on_threads()
    {
        _run.Run("one");
        TorchSharp.torch.set_num_threads(2);
        _run.Run("two");
        string[] Batches(string run) => [.. MetricsLog.Read(Path.Combine(_run.In(run), "metrics.jsonl")).Select(l => $"{l.Stage} {l.Step} {l.Batches}")];
        Assert.Equal(Batches("one"), Batches("two"));
        _run.Run("other", set: "seed=4");
        Assert.NotEqual(Batches("one"), Batches("other"));
    }

    [Fact]
    public void A_damaged_checkpoint_is_said_and_the_one_before_it_leads_to_the_same_end()
    {
        string[] set = ["checkpoints.everySteps=1", "checkpoints.keep=3", "stages[1].logEvery=1", "stages[1].keepBest=false"];
        _run.Run("whole", set: set);
        _run.Run("damaged", "contrastive 3", set: set);
        string file = Path.Combine(_run.In("damaged"), "checkpoints/02-contrastive-000003/weights.safetensors");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^5] ^= 4;
        File.WriteAllBytes(file, bytes);
        (RunState? state, List<string> messages) = _run.Run("damaged", set: set);
        Assert.NotNull(state);
        Assert.Contains(messages, m => m.Contains("damaged", StringComparison.Ordinal) && m.Contains("02-contrastive-000003", StringComparison.Ordinal));
        Assert.Contains("going on from step 2 of contrastive", messages);
        Assert.Equal(_run.Result("whole"), _run.Result("damaged"));
    }

    [Fact]
    public void Changed_data_is_refused_unless_allowed()
    {
        _run.Run("run", "contrastive 3");
        byte[] before = File.ReadAllBytes(_run.Documents);
        File.WriteAllBytes(_run.Documents, [.. before[..^3], (byte)'?', .. before[^2..]]);
        string message = Assert.Throws<BadInput>(() => _run.Run("run")).Message;
        Assert.Contains("docs.jsonl", message, StringComparison.Ordinal);
        Assert.Contains("--allow-changed-data", message, StringComparison.Ordinal);
        // The same bytes with another time are the same data.
        File.WriteAllBytes(_run.Documents, before);
        File.SetLastWriteTimeUtc(_run.Documents, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        _run.Run("run", "finetune 2");
        File.AppendAllText(_run.Documents, """{"id":"more","title":"a","text":"b c d"}""" + "\n");
        (RunState? state, List<string> messages) = _run.Run("run", changed: true);
        Assert.NotNull(state);
        Assert.Contains(messages, m => m.Contains("goes on with it", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_runs_on_one_folder_are_refused_and_a_dead_ones_lock_is_not()
    {
        _run.Run("run", "retromae 2");
        using (new FileStream(Path.Combine(_run.In("run"), ".lock"), FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.Contains("another bge is working on this run", Assert.Throws<BadInput>(() => _run.Run("run")).Message, StringComparison.Ordinal);
        }
        Assert.True(File.Exists(Path.Combine(_run.In("run"), ".lock")));
        Assert.NotNull(_run.Run("run").State);
    }

    [Fact]
    public void The_same_command_goes_on_with_an_unfinished_run_but_touches_neither_a_finished_one_nor_anothers()
    {
        _run.Run("run", "contrastive 3");
        Assert.Matches(@"another recipe \(seed is \d+ there and 9 here\)", Assert.Throws<BadInput>(() => _run.Run("run", set: "seed=9")).Message);
        (RunState? state, List<string> messages) = _run.Run("run");
        Assert.True(state!.Finished);
        Assert.DoesNotContain("tokenising text", messages);             // RetroMAE is not repeated
        Assert.Contains("--resume", Assert.Throws<BadInput>(() => _run.Run("run")).Message, StringComparison.Ordinal);
        Dictionary<string, string> before = _run.Result("run");
        Assert.NotNull(_run.Run("run", resume: true).State);
        Assert.Equal(before, _run.Result("run"));
    }

    [Fact]
    public void A_run_that_a_version_with_fewer_options_began_goes_on()
    {
        _run.Run("whole");
        _run.Run("run", "contrastive 3");
        // As a version without "pieces" would have left it.
        string recipe = Path.Combine(_run.In("run"), "recipe.json"), progress = Path.Combine(_run.In("run"), "progress.json"), now = File.ReadAllText(recipe);
        string then = string.Join('\n', now.Split('\n').Where(l => !l.Contains("\"pieces\": 0", StringComparison.Ordinal)));
        Assert.NotEqual(now, then);
        File.WriteAllText(recipe, then);
        File.WriteAllText(progress, File.ReadAllText(progress).Replace(HashOf(now), HashOf(then), StringComparison.Ordinal));
        (RunState? state, List<string> messages) = _run.Run("run");
        Assert.True(state!.Finished);
        Assert.DoesNotContain("tokenising text", messages);             // RetroMAE is not repeated
        Assert.Equal(then, File.ReadAllText(recipe));
        Assert.Equal(_run.Result("whole")["model/model.safetensors"], _run.Result("run")["model/model.safetensors"]);

        // An option that says something else is another recipe still, and so is a file that was changed.
        Assert.Contains("another recipe (stages[1].pieces is 0 there and 2 here)", Assert.Throws<BadInput>(() => _run.Run("run", resume: true, set: "stages[1].pieces=2")).Message, StringComparison.Ordinal);
        File.WriteAllText(recipe, now);
        Assert.Contains("another recipe", Assert.Throws<BadInput>(() => _run.Run("run", resume: true)).Message, StringComparison.Ordinal);

        static string HashOf(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void Bad_steps_stand_in_the_events_with_their_rows()
    {
        string[] set = ["stages[1].guard={\"spikeFactor\": 1.0001, \"limit\": 1000}", "stages[1].steps=20", "stages[1].learningRate=1e-5", "stages[1].accumulate=1"];
        _run.Run("run", set: set);
        string line = File.ReadLines(Path.Combine(_run.In("run"), "events.jsonl")).First();
        Assert.Matches("^\\{\"stage\":\"contrastive\",\"step\":[0-9]+,\"fault\":\"the loss is a spike\",\"action\":\"skip\",\"loss\":[0-9.]+,\"gradientNorm\":[0-9.]+,\"rows\":\\[([0-9]+,){3}[0-9]+\\],\"time\":\"", line);
    }
}

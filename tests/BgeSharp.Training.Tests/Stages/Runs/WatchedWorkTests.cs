// What a stage does between steps can be stopped, on all ranks alike, leaves nothing half made, and says how far it is.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Collectives;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class WatchedWorkTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("tokenising text", "")]
    [InlineData("mining hard negatives", "")]
    [InlineData("mining hard negatives anew at step 2", "03-finetune-000002")]
    public void A_stop_between_steps_keeps_those_before_it_and_nothing_of_what_was_being_made(string message, string checkpoint)
    {
        string[] set = ["stages[2].hardNegatives={\"fromRank\": 0, \"toRank\": 8, \"perQuery\": 3, \"relativeMargin\": 0, \"duplicateCosine\": 1, \"refreshSteps\": 2}", "stages[2].steps=5", "stages[2].logEvery=1", "checkpoints.everySteps=100"];
        _run.Run("whole", set: set);
        (RunState? state, List<string> messages) = _run.Run("cut", message, set: set);
        Assert.Null(state);
        Assert.Equal(message, messages[^1]);        // nothing was begun after it
        Assert.Equal(checkpoint.Length > 0, Directory.Exists(Path.Combine(_run.In("cut"), "checkpoints", checkpoint.Length > 0 ? checkpoint : "03-finetune-000001")));
        string negatives = Path.Combine(_run.In("cut"), "negatives");
        string[] mined = Directory.Exists(negatives) ? Directory.GetFiles(negatives) : [];
        Assert.DoesNotContain(mined, file => file.Contains(checkpoint.Length > 0 ? "step-2" : "step-0", StringComparison.Ordinal));

        Assert.NotNull(_run.Run("cut", set: set).State);
        Dictionary<string, string> whole = _run.Result("whole"), cut = _run.Result("cut");
        Assert.Equal(whole["model/model.safetensors"], cut["model/model.safetensors"]);
        Assert.Equal(whole["metrics.jsonl"], cut["metrics.jsonl"]);
    }

    [Fact]
    public void A_stop_while_a_teacher_scores_ends_before_the_first_step_and_the_run_goes_on_to_the_same_weights()
    {
        const string Judge = "{\"type\": \"reranker\", \"name\": \"judge\", \"steps\": 3, \"batchPairs\": 6, \"groupSize\": 3, \"queryMaxLength\": 12, \"maxLength\": 32, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4}}";
        const string Pupil = "{\"type\": \"finetune\", \"steps\": 3, \"batchPairs\": 4, \"groupSize\": 3, \"queryMaxLength\": 16, \"passageMaxLength\": 24, \"learningRate\": 1e-2, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4, \"relativeMargin\": 0}, \"distillation\": {\"loss\": \"kl_div\", \"teacherStage\": \"judge\"}}";
        string[] set = [$"stages=[{Judge}, {Pupil}]"];
        string scoring = _run.Run("whole", set: set).Messages.Single(m => m.StartsWith("scoring pairs with ", StringComparison.Ordinal)).Replace(_run.In("whole"), _run.In("cut"), StringComparison.Ordinal);
        (RunState? state, List<string> messages) = _run.Run("cut", scoring, set: set);
        Assert.Null(state);
        Assert.Equal(scoring, messages[^1]);
        Assert.NotNull(_run.Run("cut", set: set).State);
        Assert.Equal(_run.Result("whole")["model/model.safetensors"], _run.Result("cut")["model/model.safetensors"]);
    }

    [Fact]
    public void One_rank_that_is_asked_to_stop_ends_all_where_they_meet()
    {
        int[] read = ThreadGroup.Run(3, group =>
        {
            using var stop = new CancellationTokenSource();
            var work = new WatchedWork(group, SilentObserver.Instance, TimeProvider.System, stop.Token);
            int count = 0;
            foreach (int _ in work.Read(Enumerable.Range(0, 9), "items"))
            {
                if (++count == 4 && group.Rank == 1)
                {
                    stop.Cancel();
                }
            }
            Assert.Throws<StopRequested>(work.Meet);
            return count;
        });
        Assert.Equal([9, 4, 9], read);
    }

    [Fact]
    public void How_far_the_work_is_is_said_twice_a_minute()
    {
        var clock = new Clock();
        var observer = new Listener();
        var work = new WatchedWork(LocalProcessGroup.Instance, observer, clock, CancellationToken.None);
        foreach (long second in new[] { 0, 29, 30, 31, 59, 61, 200 })
        {
            clock.Seconds = second;
            work.Tell($"{second} of 200 seconds");
        }
        work.Meet();
        Assert.Equal(["30 of 200 seconds", "61 of 200 seconds", "200 of 200 seconds"], observer.Said);
    }

    private sealed class Clock : TimeProvider
    {
        public long Seconds { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Seconds;
    }

    private sealed class Listener : IRunObserver
    {
        public List<string> Said { get; } = [];

        public void StageStarted(string stage, int totalSteps)
        {
        }

        public void Progress(StepReport report)
        {
        }

        public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
        {
        }

        public void Message(string sentence) => Said.Add(sentence);
    }
}

using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages;

public sealed class LearningRateSweepTests
{
    [Fact]
    public void The_steepest_fall_is_suggested_and_the_sweep_ends_when_the_loss_rises()
    {
        // A loss that falls fastest around 1e-3 and is thrown up above 1e-2.
        LearningRatePoint[] points = [.. Enumerable.Range(0, 100).Select(i => Math.Pow(10, -6 + (i / 20.0))).Select(rate => Point(rate))];
        var curve = new LearningRateCurve(points);
        Assert.InRange(curve.Suggested!.Value, 4e-4, 2e-3);
        Assert.InRange(curve.Lowest!.Value, 5e-3, 2e-2);
        Assert.Null(new LearningRateCurve([]).Suggested);
        Assert.Null(new LearningRateCurve([.. points.Select((p, i) => p with { Smooth = 1 + i })]).Suggested);

        static LearningRatePoint Point(double rate)
        {
            double loss = 5 - (2 / (1 + Math.Exp(-3 * (Math.Log10(rate) + 3)))) + (rate > 1e-2 ? 10 * (Math.Log10(rate) + 2) : 0);
            return new LearningRatePoint(rate, loss, loss);
        }
    }

    [Theory, InlineData(0), InlineData(1)]
    public void A_sweep_of_a_recipe_s_stage_sees_rising_rates_and_leaves_nothing_behind(int stage)
    {
        using var run = new TinyRun();
        string folder = run.In("sweep");
        LearningRateCurve curve = SweepRun.Run(run.Recipe(), stage, null, new LearningRateSweep(1e-6, 10, 12, 1), new RunOptions(folder, Compute.Float32, new Quiet(), TimeProvider.System, false), TestContext.Current.CancellationToken);
        Assert.InRange(curve.Points.Count, 8, 12);
        Assert.Equal(curve.Points.Select(p => p.Rate).Order(), curve.Points.Select(p => p.Rate));
        Assert.Equal(1e-6, curve.Points[0].Rate, 1e-12);
        Assert.All(curve.Points, p => Assert.True(double.IsFinite(p.Loss)));
        Assert.False(Directory.Exists(folder));
    }

    [Theory]
    [InlineData("stages[2].distillation={\"teacherStage\": \"judge\"}")]
    [InlineData("stages[2].hardNegatives.teacherStage=judge")]
    [InlineData("stages[2]={\"type\": \"reranker\", \"name\": \"pupil\", \"steps\": 2, \"batchPairs\": 4, \"groupSize\": 2, \"queryMaxLength\": 12, \"maxLength\": 32, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4, \"teacherStage\": \"judge\"}, \"distillation\": {\"teacherStage\": \"judge\"}}")]
    public void A_stage_that_learns_from_an_earlier_one_is_swept_with_the_teacher_of_the_run_it_starts_from(string pupil)
    {
        using var run = new TinyRun();
        string[] set = ["stages[1]={\"type\": \"reranker\", \"name\": \"judge\", \"steps\": 2, \"batchPairs\": 4, \"groupSize\": 2, \"queryMaxLength\": 12, \"maxLength\": 32, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4}}",
            pupil];
        run.Run("run", set: set);
        var options = new RunOptions(run.In("sweep"), Compute.Float32, new Quiet(), TimeProvider.System, false);
        LearningRateCurve Sweep(string? from) => SweepRun.Run(run.Recipe(set), 2, from, new LearningRateSweep(1e-6, 1, 8, 1), options, TestContext.Current.CancellationToken);
        Assert.NotEmpty(Sweep(Directory.GetDirectories(Path.Combine(run.In("run"), "stages"), "*retromae").Single()).Points);
        Assert.Contains("its teacher is the stage \"judge\", which a sweep does not train", Assert.Throws<BadInput>(() => Sweep(null)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.In("sweep")));
    }

    [Fact]
    public void A_rate_that_throws_the_loss_up_ends_the_sweep()
    {
        using var weights = new Weights([new WeightShape("w", [4], WeightStart.One)], Compute.Float32);
        weights.Initialize(1, 1);
        using var optimizer = new AdamW(weights, 0);
        LearningRateCurve curve = new LearningRateSweep(1e-3, 1e3, 60, 1e9).Run(new Bowl(weights), optimizer, _ => { }, TestContext.Current.CancellationToken);
        Assert.InRange(curve.Points.Count, 10, 59);
        Assert.True(curve.Points.Min(p => p.Loss) < 3.9);
    }

    [Fact]
    public void A_step_without_memory_ends_the_sweep_with_what_to_lower_and_any_other_fault_as_it_is()
    {
        (Exception Thrown, int Points) Sweep(BackendFault fault)
        {
            var stage = new FakeStage(100, _ => 1, _ => 1);
            using var optimizer = new AdamW(stage.Weights, 0);
            var seen = new List<LearningRatePoint>();
            Exception thrown = Assert.ThrowsAny<Exception>(() => new LearningRateSweep(1e-4, 1, 20, 1).Run(new FaultyBackend(4, fault).Around(stage), optimizer, seen.Add, TestContext.Current.CancellationToken));
            Assert.Equal(seen.Count, optimizer.Steps);
            return (thrown, seen.Count);
        }
        (Exception memory, int points) = Sweep(BackendFault.NoMemory);
        Assert.IsType<TrainingOutOfMemory>(memory);
        Assert.Contains("no memory is left for a step of the sweep; make the stage's batch or its lengths smaller", memory.Message, StringComparison.Ordinal);
        Assert.NotNull(memory.InnerException);
        Assert.Equal(3, points);
        Assert.IsType<BackendGone>(Sweep(BackendFault.Throws).Thrown);
    }

    // Loss ½|w|²: small rates bring it down, large ones throw it up.
    private sealed class Bowl(Weights weights) : ITrainableStage
    {
        public Weights Weights => weights;

        public int TotalSteps => 1000;

        public StepFigures ForwardBackward(int step)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            using var noGrad = TorchSharp.torch.no_grad();
            weights.Gradients.copy_(weights.Values * 2);
            return new StepFigures((weights.Values * weights.Values).sum().item<float>(), 1, new Dictionary<string, double>());
        }

        public void GoTo(long position)
        {
        }
    }

    private sealed class Quiet : IRunObserver
    {
        public void StageStarted(string stage, int totalSteps)
        {
        }

        public void Progress(StepReport report)
        {
        }

        public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
        {
        }

        public void Message(string sentence)
        {
        }
    }
}

using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Stages;

public sealed class TrainerTests
{
    private static readonly RetroMaeStageOptions Options = new() { LearningRate = 0.1, WarmupRatio = 0, WeightDecay = 0, LogEvery = 100 };

    [Fact]
    public void A_step_whose_loss_or_gradient_is_not_finite_changes_nothing()
    {
        var stage = new FakeStage(6, step => step is 1 or 2 ? double.NaN : 1, step => step == 4 ? float.PositiveInfinity : 1);
        using var optimizer = new AdamW(stage.Weights, 0);
        StepReport? report = null;
        Assert.NotNull(new Trainer(stage, optimizer, Options, Hooks(r => report = r)).Run(new TrainerState(), CancellationToken.None));
        Assert.Equal(3, optimizer.Steps);
        Assert.Equal(3, report!.Figures["skipped_steps"]);
        Assert.Equal(1, report.Loss);
        Assert.Equal(stage.Seen[1], stage.Seen[2]);
        Assert.Equal(stage.Seen[2], stage.Seen[3]);
        Assert.NotEqual(stage.Seen[3], stage.Seen[4]);
        Assert.Equal(stage.Seen[4], stage.Seen[5]);
        Assert.All(stage.Weights.Values.data<float>().ToArray(), w => Assert.True(float.IsFinite(w)));
    }

    [Fact]
    public void Too_many_such_steps_in_a_row_end_the_run()
    {
        var stage = new FakeStage(100, step => step < 9 || step > 9 ? double.NaN : 1, _ => 1);
        using var optimizer = new AdamW(stage.Weights, 0);
        Assert.Throws<TrainingDiverged>(() => new Trainer(stage, optimizer, Options, Hooks(_ => { })).Run(new TrainerState(), CancellationToken.None));
        Assert.Equal(10 + Options.Guard.Limit, stage.Seen.Count);     // nine bad, one good, ten bad
        Assert.Equal(1, optimizer.Steps);
    }

    [Fact]
    public void Checkpoints_are_asked_for_at_their_steps_and_not_after_the_last()
    {
        var stage = new FakeStage(9, _ => 1, _ => 1);
        using var optimizer = new AdamW(stage.Weights, 0);
        var steps = new List<int>();
        new Trainer(stage, optimizer, Options, new TrainerHooks(_ => { }, (state, why) => steps.Add(why == CheckpointReason.Regular ? state.Step : -1), 3, TimeProvider.System)).Run(new TrainerState { Step = 2 }, CancellationToken.None);
        Assert.Equal([3, 6], steps);
        Assert.Equal(7, stage.Seen.Count);
    }

    [Theory]
    [InlineData(4, 3, -4)]
    [InlineData(3, 3, -3)]
    [InlineData(0)]
    public void A_stop_while_a_stage_prepares_a_step_keeps_the_steps_before_it_for_certain(int at, params int[] kept)
    {
        var stage = new FakeStage(9, step => step == at ? throw new StopRequested() : 1, _ => 1);
        using var optimizer = new AdamW(stage.Weights, 0);
        var asked = new List<int>();
        var hooks = new TrainerHooks(_ => { }, (state, why) => asked.Add(why == CheckpointReason.Stopping ? -state.Step : state.Step), 3, TimeProvider.System);
        Assert.Null(new Trainer(stage, optimizer, Options, hooks).Run(new TrainerState(), CancellationToken.None));
        Assert.Equal(kept, asked);
        Assert.Equal(at, optimizer.Steps);
    }

    private static TrainerHooks Hooks(Action<StepReport> log) => new(log, (_, _) => { }, 1000, TimeProvider.System);
}

// Bad steps: found before the optimizer sees them, and what the recipe says is done about them.

using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Stages;

public sealed class GuardTests
{
    private readonly List<BadStep> _bad = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<int, (float[] Weights, TrainerState State)> _kept = [];

    [Fact]
    public void A_bad_step_names_its_fault_and_the_rows_of_its_batch()
    {
        Run(new FakeStage(6, at => at == 2 ? double.NaN : 1, at => at == 4 ? float.NegativeInfinity : 1), new GuardOptions());
        Assert.Equal(["the loss is not finite", "the gradients are not finite"], _bad.Select(b => b.Fault));
        Assert.Equal([[102], [104]], _bad.Select(b => b.Rows));
        Assert.Equal([2, 4], _bad.Select(b => b.Step));
        Assert.All(_bad, b => Assert.Equal("skip", b.Action));
    }

    [Fact]
    public void A_spike_is_a_loss_above_a_multiple_of_the_usual_one()
    {
        var stage = new FakeStage(40, at => at is 3 or 20 ? 4 : at == 30 ? 2.9 : 1, _ => 1);
        TrainerState end = Run(stage, new GuardOptions { SpikeFactor = 3 })!;
        Assert.Equal(20, Assert.Single(_bad).Step);         // position 3 comes before there is a usual loss, 2.9 is within it
        Assert.Equal(stage.Seen[20], stage.Seen[21]);       // the optimizer did not see it
        Assert.Equal(32, end.Losses.Count);
    }

    [Fact]
    public void Raise_ends_the_run_at_the_first_one()
    {
        var stage = new FakeStage(6, at => at == 2 ? double.PositiveInfinity : 1, _ => 1);
        string message = Assert.Throws<TrainingDiverged>(() => Run(stage, new GuardOptions { Action = "raise" })).Message;
        Assert.Contains("step 3", message, StringComparison.Ordinal);
        Assert.Equal(3, stage.Seen.Count);
    }

    [Fact]
    public void A_rollback_returns_to_the_checkpoint_that_is_old_enough_and_passes_over_the_bad_batch()
    {
        var stage = new FakeStage(12, at => at == 9 ? double.NaN : 1, _ => 1);
        TrainerState end = Run(stage, new GuardOptions { Action = "rollback", RollBack = 2, PassOver = 3 })!;
        // Step 9 is bad; the newest checkpoint (every 4) at step 7 or before is 4; it goes on with position 12 = 9 + 3.
        Assert.Equal([.. Enumerable.Range(0, 10), .. Enumerable.Range(12, 8)], stage.Positions);
        Assert.Equal(stage.Seen[4], stage.Seen[10]);
        Assert.Equal(12, end.Step);
        Assert.Equal((1, 8L), (end.RollBacks, end.PassedOver));
        Assert.Single(_bad);
    }

    [Fact]
    public void Rollbacks_have_a_limit()
    {
        var stage = new FakeStage(100, at => at >= 6 ? double.NaN : 1, _ => 1);
        Assert.Contains("3 rollbacks", Assert.Throws<TrainingDiverged>(() => Run(stage, new GuardOptions { Action = "rollback", RollBack = 1, Limit = 3 })).Message, StringComparison.Ordinal);
        Assert.Equal(3, _bad.Count);
    }

    [Fact]
    public void What_is_finite_and_yet_wrong_is_warned_about_once()
    {
        Run(new FakeStage(5, _ => 0, _ => 1), new GuardOptions());
        Assert.Contains("exactly 0", Assert.Single(_warnings), StringComparison.Ordinal);
        _warnings.Clear();
        Run(new FakeStage(5, _ => 1, _ => 0), new GuardOptions());
        Assert.Contains("gradients of step 1 are 0", Assert.Single(_warnings), StringComparison.Ordinal);
        _warnings.Clear();
        Run(new FakeStage(5, _ => 0, _ => 0, negatives: 0), new GuardOptions());
        Assert.Contains("no negative", Assert.Single(_warnings), StringComparison.Ordinal);
        _warnings.Clear();
        Run(new FakeStage(5, _ => 1, _ => 1, negatives: 3), new GuardOptions());
        Assert.Empty(_warnings);
    }

    [Fact]
    public void An_overflow_in_half_precision_says_so()
    {
        var stage = new FakeStage(3, _ => double.NaN, _ => 1, compute: Compute.BFloat16);
        Assert.Contains("--precision float32", Assert.Throws<TrainingDiverged>(() => Run(stage, new GuardOptions { Limit = 2 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_stage_ends_when_patience_does_and_the_best_evaluation_is_kept()
    {
        double[] scores = [0.1, 0.3, 0.3, 0.2, 0.9];
        var stage = new FakeStage(20, _ => 1, _ => 1);
        var best = new List<int>();
        using var optimizer = new AdamW(stage.Weights, 0);
        var options = new RetroMaeStageOptions { EvaluateEvery = 2, KeepBest = true, EarlyStop = 2, LogEvery = 100 };
        var reports = new List<StepReport>();
        var hooks = new TrainerHooks(reports.Add, (state, why) => best.Add(why == CheckpointReason.Best ? state.Step : -1), 1000, TimeProvider.System) { Evaluate = step => scores[(step / 2) - 1] };
        TrainerState end = new Trainer(stage, optimizer, options, hooks).Run(new TrainerState(), CancellationToken.None)!;
        Assert.Equal(8, end.Step);                          // 0.3 at 4, then two that are not better
        Assert.Equal([2, 4], best);
        Assert.Equal(4, end.Best!.Step);
        Assert.Equal(8, Assert.Single(reports).Step);       // the last step is logged
        // A run that is resumed there does not train on.
        Assert.Equal(8, new Trainer(stage, optimizer, options, hooks).Run(TrainerState.From(end.ToJson()), CancellationToken.None)!.Step);
        Assert.Equal(8, stage.Seen.Count);
    }

    private TrainerState? Run(FakeStage stage, GuardOptions guard)
    {
        using var optimizer = new AdamW(stage.Weights, 0);
        var options = new RetroMaeStageOptions { LearningRate = 0.1, WarmupRatio = 0, WeightDecay = 0, LogEvery = 100, Guard = guard };
        var hooks = new TrainerHooks(_ => { }, (state, _) => _kept[state.Step] = (stage.Weights.Values.data<float>().ToArray(), TrainerState.From(state.ToJson())), 4, TimeProvider.System)
        {
            Bad = _bad.Add,
            Warn = _warnings.Add,
            RollBack = latest =>
            {
                if (latest == 0)
                {
                    return new TrainerState();
                }
                stage.Weights.Values.copy_(TorchSharp.torch.tensor(_kept[latest].Weights));
                return TrainerState.From(_kept[latest].State.ToJson());
            },
        };
        return new Trainer(stage, optimizer, options, hooks).Run(new TrainerState(), CancellationToken.None);
    }
}

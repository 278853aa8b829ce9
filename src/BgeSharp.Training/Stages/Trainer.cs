// The loop: next batch → forward and backward → good? → clip → step → once in a while: evaluate, log, checkpoint.
// It knows no particular stage, no file and no clock of its own.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Why a checkpoint is asked for.</summary>
public enum CheckpointReason
{
    /// <summary>Its step has come.</summary>
    Regular,

    /// <summary>The last evaluation is the best so far.</summary>
    Best,

    /// <summary>Somebody asked.</summary>
    Asked,

    /// <summary>The run stops after it.</summary>
    Stopping,
}

/// <summary>What the loop calls once in a while.</summary>
/// <param name="Log">Called with averages since the last call.</param>
/// <param name="Checkpoint">Called with the state to keep.</param>
/// <param name="CheckpointEvery">Steps between checkpoints.</param>
/// <param name="Time">Clock for rates and estimates.</param>
public sealed record TrainerHooks(Action<StepReport> Log, Action<TrainerState, CheckpointReason> Checkpoint, int CheckpointEvery, TimeProvider Time)
{
    /// <summary>Measures the model after some steps; higher is better.</summary>
    public Func<int, double>? Evaluate { get; init; }

    /// <summary>Brings weights, moments and state back to a checkpoint at a multiple of <see cref="CheckpointEvery"/>, at this step or before it.</summary>
    public Func<int, TrainerState>? RollBack { get; init; }

    /// <summary>Told about steps that the optimizer was not shown.</summary>
    public Action<BadStep> Bad { get; init; } = _ => { };

    /// <summary>Told sentences worth knowing.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>True once after somebody asked for a checkpoint.</summary>
    public Func<bool> CheckpointAsked { get; init; } = () => false;

    /// <summary>The ranks that train together. All hooks are called on every rank.</summary>
    public IProcessGroup Group { get; init; } = LocalProcessGroup.Instance;

    /// <summary>What gradients are sent as between ranks: float32, or bfloat16.</summary>
    public ScalarType Exchange { get; init; } = ScalarType.Float32;
}

/// <summary>Trains one stage.</summary>
public sealed class Trainer(ITrainableStage stage, AdamW optimizer, StageOptions options, TrainerHooks hooks)
{
    private readonly Schedule _schedule = ScheduleOf(options, stage.TotalSteps);
    private readonly StepGuard _guard = new(options.Guard, hooks.Warn);

    /// <summary>Learning rates of a stage.</summary>
    public static Schedule ScheduleOf(StageOptions options, int totalSteps)
        => new(options.LearningRate, (int)Math.Round(totalSteps * options.WarmupRatio), totalSteps, options.Schedule == "cosine" ? Decay.Cosine : Decay.Linear);

    /// <summary>Runs from a state to the end.</summary>
    /// <param name="state">Where to begin; a new one for the whole stage.</param>
    /// <param name="stop">Asks for an orderly stop: the step is finished and a checkpoint published.</param>
    /// <returns>The last state when the stage is done, null when it was stopped.</returns>
    /// <exception cref="TrainingDiverged">A bad step, and the recipe raises; or more of them than its limit.</exception>
    /// <exception cref="TrainingOutOfMemory">A step did not fit into memory.</exception>
    public TrainerState? Run(TrainerState state, CancellationToken stop)
    {
        int total = stage.TotalSteps;
        int kept = state.Step;                                          // the newest step that is on disk for certain; the stage's start needs no checkpoint
        var window = new ReportWindow(options.Label, total, state.Step, hooks.Time);
        while (state.Step < total && !Patience(state))
        {
            double rate = _schedule.At(state.Step);
            stage.Weights.Zero();
            if (ForwardBackward(state.Step) is not { } own)              // gradients land in one flat buffer
            {
                if (state.Step != kept)
                {
                    hooks.Checkpoint(state, CheckpointReason.Stopping);
                }
                return null;
            }
            StepFigures figures = hooks.Group.Join(own);
            hooks.Group.SumGradients(stage.Weights, hooks.Exchange);    // from here on every rank has the same numbers and decides alike
            double norm = stage.Weights.Norm();
            state.Batches = figures.Batch?.Chain(state.Batches) ?? state.Batches;
            string? fault = _guard.Fault(figures, norm, state);
            if (fault is not null && OnBadStep(ref state, fault, figures, norm))
            {
                kept = state.Step;
                continue;                                               // rolled back: the state is an earlier one
            }
            if (fault is null)
            {
                _guard.Look(options.Label, figures, norm, state);
                stage.Weights.ClipTo(norm, options.MaxGradientNorm);
                optimizer.Step(rate);
                state.BadInARow = 0;
            }
            state.Step++;
            window.Add(state, figures, norm, fault is null);

            // once in a while
            bool best = Evaluates(state.Step) && Evaluate(state);
            bool last = state.Step == total || Patience(state);
            if (state.Step % options.LogEvery == 0 || last)
            {
                hooks.Log(window.Close(state, rate));
            }
            bool[] wishes = hooks.Group.Any(stop.IsCancellationRequested, hooks.CheckpointAsked());     // a signal may have reached one rank only
            bool stopping = wishes[0] && !last;
            CheckpointReason? reason = stopping ? CheckpointReason.Stopping
                : best && options.KeepBest ? CheckpointReason.Best
                : wishes[1] ? CheckpointReason.Asked
                : state.Step % hooks.CheckpointEvery == 0 && !last ? CheckpointReason.Regular
                : null;
            if (reason is { } why)
            {
                hooks.Checkpoint(state, why);
                kept = why is CheckpointReason.Regular or CheckpointReason.Asked ? kept : state.Step;       // these may fail, and training goes on
            }
            if (stopping)
            {
                return null;
            }
        }
        return state;
    }

    // Null when somebody asked for a stop while the stage prepared what the step trains on, such as negatives that are mined anew: all ranks end before the step.
    private StepFigures? ForwardBackward(int step)
    {
        try
        {
            return stage.ForwardBackward(step);
        }
        catch (StopRequested)
        {
            return null;
        }
        catch (Exception e) when (TrainingOutOfMemory.Is(e))
        {
            throw new TrainingOutOfMemory($"{options.Label}: no memory is left for step {step + 1}; {TrainingOutOfMemory.RemedyFor(options)}, or end other programs, and run again.", e);
        }
    }

    private bool Patience(TrainerState state) => options.EarlyStop > 0 && state.SinceBest >= options.EarlyStop;

    private bool Evaluates(int done) => hooks.Evaluate is not null && options.EvaluateEvery > 0 && (done % options.EvaluateEvery == 0 || done == stage.TotalSteps);

    // True when the score is the best so far.
    private bool Evaluate(TrainerState state)
    {
        var score = new Score(state.Step, hooks.Evaluate!(state.Step));
        state.Scores.Add(score);
        return state.Best == score;
    }

    // True after a rollback, false when the step counts as done and is skipped.
    private bool OnBadStep(ref TrainerState state, string fault, StepFigures figures, double norm)
    {
        GuardOptions guard = options.Guard;
        hooks.Bad(new BadStep(options.Label, state.Step, fault, guard.Action, figures.Loss, norm, figures.Batch?.Rows ?? []));
        bool rollBack = guard.Action == "rollback" && hooks.RollBack is not null;
        int tries = rollBack ? state.RollBacks + 1 : state.BadInARow + 1;
        if (guard.Action == "raise" || tries >= guard.Limit)
        {
            string often = guard.Action == "raise" ? "" : rollBack ? $" ({tries} rollbacks of this stage)" : $" ({tries} steps in a row)";
            string half = stage.Weights.Compute.Type == ScalarType.Float32 ? "" : ", or use --precision float32: the products are computed in " + stage.Weights.Compute.Type;
            throw new TrainingDiverged($"{options.Label}: {fault} at step {state.Step + 1}{often}; lower learningRate or look at the batch's rows in events.jsonl{half}.");
        }
        if (!rollBack)
        {
            state.BadInARow++;
            return false;
        }
        long bad = state.Step + state.PassedOver;                       // position of the bad batch in the order
        int rollBacks = state.RollBacks;
        state = hooks.RollBack!(Math.Max(state.RolledBackTo, Math.Max(0, state.Step - guard.RollBack) / hooks.CheckpointEvery * hooks.CheckpointEvery));
        (state.RollBacks, state.RolledBackTo) = (rollBacks + 1, state.Step);
        state.PassedOver = bad + guard.PassOver - state.Step;
        stage.GoTo(state.Step + state.PassedOver);
        return true;
    }
}

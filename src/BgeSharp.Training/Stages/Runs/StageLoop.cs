// The trainer's loop of one stage with everything around it that touches files: resume, checkpoints, rollback, logs, the best weights at the end.

using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>What an evaluation while training found.</summary>
/// <param name="Figures">By their names in the logs.</param>
/// <param name="Score">What best weights and early stopping go by; higher is better.</param>
internal sealed record DevelopmentFigures(IReadOnlyDictionary<string, double> Figures, double Score);

/// <summary>Trains a stage from its newest checkpoint, or from its start, to its end.</summary>
/// <param name="run">The run.</param>
/// <param name="index">Number of the stage, from 0.</param>
/// <param name="seed">Seed of the stage.</param>
/// <param name="weights">Hold their start values.</param>
/// <param name="start">Gives the weights their start values again.</param>
internal sealed class StageLoop(RunContext run, int index, long seed, Weights weights, Action start)
{
    private static readonly string Code = typeof(StageLoop).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
    private readonly StageOptions _options = run.Recipe.Stages[index];
    private readonly int _every = run.Recipe.Checkpoints.EverySteps;
    private readonly IProcessGroup _group = run.Options.Group;

    /// <summary>Runs the loop.</summary>
    /// <param name="create">Makes the stage at a position in its order of batches, in steps.</param>
    /// <param name="evaluate">Measures the weights as they are; null when the stage is not evaluated while training.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>Steps trained when the stage is done, null when it was stopped.</returns>
    public int? Run<TStage>(Func<long, TStage> create, Func<TStage, DevelopmentFigures>? evaluate, CancellationToken stop)
        where TStage : ITrainableStage, IDisposable
    {
        RunOptions options = run.Options;
        using var optimizer = new AdamW(weights, _options.WeightDecay, shards: options.ShardOptimizer ? _group : null);
        CheckpointFolder? folder = _group.Leads() ? new CheckpointFolder(run.Folder.Checkpoints, run.Recipe.Checkpoints.Keep, options.Observer.Message) : null;
        TrainerState state = new();
        JsonElement? own = null;
        if (Agreed(() => folder!.Latest(index, run.Hash)) is { } found)
        {
            Compare(found.State);
            CheckpointFolder.Restore(found, weights, optimizer);
            (state, own) = (TrainerState.From(found.State.Trainer), found.State.Own);
            options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"going on from step {state.Step} of {_options.Label}"));
        }
        run.Metrics?.TruncateAfter(_options.Label, state.Step > 0 ? state.Step : -1);
        _group.First(() => PairTraining.ForgetAfter(run.Folder, _options.Label, state.Step));
        using TStage stage = create(state.Step + state.PassedOver);
        if (options.Sweep is not null)
        {
            options.Sweep(stage, optimizer);
            return null;
        }
        JsonObject? fresh = stage.Save();
        Restore(stage, own);
        using BackgroundCheckpoints? checkpoints = folder is null ? null
            : new BackgroundCheckpoints(folder, weights, optimizer, RecipeFile.ToJson(run.Recipe), run.Recipe.Checkpoints.Background, options.Observer.Message, options.Time);
        using TensorBoardWriter? board = folder is null ? null : new TensorBoardWriter(Path.Combine(run.Folder.TensorBoard, _options.Label), options.Time, state.Step);
        var events = new EventLog(run.Folder.Events, options.Time);
        long began = options.Time.GetTimestamp();
        options.Observer.StageStarted(_options.Label, stage.TotalSteps);
        var hooks = new TrainerHooks(report => Log(report, board), (at, why) => Save(at, why), _every, options.Time)
        {
            Group = _group,
            Exchange = options.Exchange,
            Evaluate = evaluate is null ? null : step => _group.Agree(() => Evaluate(step)),
            RollBack = latest => RollBack(latest),
            Bad = bad =>
            {
                if (!_group.Leads())
                {
                    return;
                }
                events.Write(bad);
                options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"warning: {bad.Stage}: {bad.Fault} at step {bad.Step + 1} (loss {bad.Loss:G4}, gradient norm {bad.GradientNorm:G4}): {bad.Action}; events.jsonl has its rows."));
            },
            Warn = options.Observer.Message,
            CheckpointAsked = options.Checkpoint.Take,
        };
        try
        {
            TrainerState? end = new Trainer(options.Backend(stage), optimizer, _options, hooks).Run(state, stop);
            _group.First(() => checkpoints!.Wait());
            if (end is null)
            {
                return null;
            }
            run.Metrics?.Flush();       // the stage's folder says that it is done: its last lines must not be lost after that
            TakeBest(end, folder, optimizer);
            _group.First(() => folder!.Tidy());
            TimeSpan elapsed = options.Time.GetElapsedTime(began);
            options.Observer.StageEnded(_options.Label, end.Step, elapsed, new Dictionary<string, double>());
            if (checkpoints is { Count: > 0 })
            {
                options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"{checkpoints.Count} checkpoints held training up for {checkpoints.Stall.TotalSeconds:0.00} s, {checkpoints.Stall / elapsed:0.0%} of it; writing them took {checkpoints.Writing.TotalSeconds:0.00} s"));
            }
            return end.Step;
        }
        finally
        {
            run.Account(options.Time.GetElapsedTime(began), checkpoints);
        }

        void Save(TrainerState at, CheckpointReason why)
        {
            if (checkpoints is null)
            {
                if (optimizer.IsSharded)
                {
                    CheckpointSnapshot.Contribute(optimizer);
                }
                return;
            }
            run.Metrics!.Flush();
            checkpoints.Save(Describe(at, stage, optimizer), required: RollsBack || why is CheckpointReason.Best or CheckpointReason.Stopping);
            if (why == CheckpointReason.Asked)
            {
                options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"a checkpoint at step {at.Step} of {_options.Label}, as asked"));
            }
        }

        double Evaluate(int step)
        {
            (IReadOnlyDictionary<string, double> figures, double score) = evaluate(stage);
            run.Metrics!.Write(_options.Label, step, figures);
            board!.Write(step, figures);
            options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"{_options.Label} step {step}: {string.Join(", ", figures.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key} {f.Value:0.0000}")))}"));
            return score;
        }

        TrainerState RollBack(int latest)
        {
            FoundCheckpoint? target = Agreed(() => GoBack(latest));
            if (target is null)
            {
                start();
                _group.Broadcast(weights.Values);
                optimizer.Forget();
                if (fresh is not null)
                {
                    stage.Restore(fresh);
                }
                return new TrainerState();
            }
            CheckpointFolder.Restore(target, weights, optimizer);
            Restore(stage, target.State.Own);
            return TrainerState.From(target.State.Trainer);
        }

        // The files' part of a rollback.
        FoundCheckpoint? GoBack(int latest)
        {
            checkpoints!.Wait();
            FoundCheckpoint? target = null;
            for (; latest > 0 && (target = folder!.At(index, latest, run.Hash)) is null; latest -= _every)
            {
            }
            folder!.RemoveAfter(index, latest);
            PairTraining.ForgetAfter(run.Folder, _options.Label, Math.Max(0, latest));
            run.Metrics!.TruncateAfter(_options.Label, latest > 0 ? latest : -1);
            options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"{_options.Label}: back to step {latest}"));
            return target;
        }
    }

    // Then every checkpoint is one that a later step may need.
    private bool RollsBack => _options.Guard.Action == "rollback";

    // Rank 0 looks for a checkpoint; all ranks read the one it finds.
    private FoundCheckpoint? Agreed(Func<FoundCheckpoint?> find)
    {
        FoundCheckpoint? found = null;
        string? path = _group.Agree(() => (found = find())?.Folder);
        return found ?? (path is null ? null : CheckpointFolder.Open(path));
    }

    private static void Restore(ITrainableStage stage, JsonElement? own)
    {
        if (own is { ValueKind: JsonValueKind.Object } given)
        {
            stage.Restore(JsonObject.Create(given)!);
        }
    }

    private CheckpointState Describe(TrainerState state, ITrainableStage stage, AdamW optimizer)
    {
        Schedule schedule = Trainer.ScheduleOf(_options, stage.TotalSteps);
        long position = state.Step + state.PassedOver;
        using Tensor random = get_rng_state();
        int best = _options.KeepBest ? state.Best?.Step ?? -1 : -1;
        // Where rollbacks from the next steps on may go: from the furthest on, all that there are.
        int back = Math.Max(1, Math.Max(0, state.Step - _options.Guard.RollBack) / _every), targets = RollsBack ? (state.Step / _every) - back + 1 : 0;
        return new CheckpointState
        {
            Recipe = run.Hash,
            StageIndex = index,
            Stage = _options.Label,
            Step = state.Step,
            OptimizerSteps = optimizer.Steps,
            BestStep = best,
            Needs = [.. Enumerable.Range(back, Math.Max(0, targets)).Select(i => i * _every).Append(best).Where(step => step > 0 && step != state.Step).Distinct()],
            Data = run.Data,
            Code = Code,
            Machine = Machine(),
            Random = new RandomStates(seed, Convert.ToBase64String(random.bytes)),
            Schedule = JsonSerializer.SerializeToElement(new { schedule.Peak, schedule.WarmupSteps, schedule.TotalSteps, decay = schedule.Decay.ToString(), next = schedule.At(state.Step) }, JsonSerializerOptions.Web),
            Sampler = JsonSerializer.SerializeToElement(new { seed, microBatch = position * _options.Accumulate }, JsonSerializerOptions.Web),
            Trainer = state.ToJson(),
            Own = stage.Save() is { } own ? JsonSerializer.SerializeToElement(own) : null,
        };
    }

    private string Machine() => string.Create(CultureInfo.InvariantCulture, $"{run.Options.Compute.Device}, {run.Options.Compute.Type}, {get_num_threads()} threads{(_group.Size > 1 ? $" on each of {_group.Size} ranks" : "")}");

    // A checkpoint of other data is refused; another program or machine computes on, but not to the same bits.
    private void Compare(CheckpointState state)
    {
        if (state.Data != run.Data && !run.Options.AllowChangedData)
        {
            throw new BadInput($"{run.Folder.Checkpoints}: the newest checkpoint was trained on other data than the recipe's files hold now; restore them, add --allow-changed-data, or choose another --out.");
        }
        if (state.Code != Code)
        {
            run.Options.Observer.Message($"warning: the checkpoint was written by version {state.Code}, this is {Code}; the end may differ from that of an undisturbed run.");
        }
        if (state.Machine != Machine())
        {
            run.Options.Observer.Message($"warning: the run was begun with {state.Machine}, this is {Machine()}; the end will not be bit for bit that of an undisturbed run.");
        }
    }

    private void TakeBest(TrainerState end, CheckpointFolder? folder, AdamW optimizer)
    {
        if (!_options.KeepBest || end.Best is not { } best || best.Step == end.Step)
        {
            return;
        }
        FoundCheckpoint found = Agreed(() => folder!.At(index, best.Step, run.Hash))
            ?? throw new IOException($"{run.Folder.Checkpoints}: the best checkpoint, of step {best.Step}, is not there or damaged; start the same command again: the stage goes back to before it");
        CheckpointFolder.Restore(found, weights, optimizer);
        run.Options.Observer.Message(string.Create(CultureInfo.InvariantCulture, $"{_options.Label}: the weights of step {best.Step} are the best and become the model"));
    }

    private void Log(StepReport report, TensorBoardWriter? board)
    {
        if (board is null)
        {
            return;
        }
        var figures = new Dictionary<string, double> { ["loss"] = report.Loss, ["learning_rate"] = report.LearningRate };
        foreach ((string name, double value) in report.Figures)
        {
            figures[name] = value;
        }
        run.Metrics!.Write(report.Stage, report.Step, figures, report.Batches);
        board.Write(report.Step, figures);
        run.Options.Observer.Progress(report);
    }
}

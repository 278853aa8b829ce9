// One stage of a recipe: prepare its data, make or restore its weights, train, write its model folder.

using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Trains stage <paramref name="index"/> of a recipe.</summary>
internal sealed class StageRun(Recipe recipe, int index, string hash, RunFolder folder, RecipeDocuments documents, ITokenizer tokenizer, ModelConfig config,
    RunOptions run, MetricsLog metrics, Action saveState)
{
    private readonly StageOptions _options = recipe.Stages[index];
    private readonly long _seed = HashCodes.Of(recipe.Seed, "stage " + index.ToString(CultureInfo.InvariantCulture));

    /// <param name="previous">Model folder to start from; null starts from the seed.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>True when the stage is done.</returns>
    public bool Train(string? previous, CancellationToken stop)
    {
        bool pretraining = _options is RetroMaeStageOptions;
        string prefix = pretraining ? Encoder.PrefixOf(config) : "";
        using Weights weights = RunModel.Create(_options is RetroMaeStageOptions masked ? RetroMae.Shapes(config, masked.Design) : Encoder.Shapes("", config), prefix, config, run.Compute, recipe.Seed, previous);
        return _options switch
        {
            RetroMaeStageOptions retroMae => Pretrain(retroMae, weights, prefix, previous, stop),
            ContrastiveStageOptions contrastive => Contrast(contrastive, weights, previous, stop),
            _ => throw new InvalidOperationException($"no stage of type {_options.Type}"),
        };
    }

    private bool Pretrain(RetroMaeStageOptions options, Weights weights, string prefix, string? previous, CancellationToken stop)
    {
        run.Observer.Message("tokenising text");
        // About one token a character of Chinese; what is longer all the same is cut.
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Work, "text.ids"),
            TextChunks.Of(documents.Training(), options.MaxLength - 2).Select(t => tokenizer.EncodeWithSpecial(t, options.MaxLength)).Where(ids => ids.Length >= 8));
        if (store.Count == 0)
        {
            throw new BadInput($"stage \"{options.Label}\": the recipe's documents have no text to train on.");
        }
        run.Observer.Message($"{store.Count} texts, {store.TokenCount} tokens");
        return Loop(weights, prefix, previous, first => new RetroMaeStage(options, weights, config, PoolingExtensions.Parse(options.Sentence), tokenizer, store, _seed, first), stop);
    }

    private bool Contrast(ContrastiveStageOptions options, Weights weights, string? previous, CancellationToken stop)
    {
        run.Observer.Message("reading pairs");
        Pooling pooling = PoolingExtensions.Parse(recipe.Model.Pooling);
        using PairStore store = PairStore.Create(folder.Work, StagePairs.Read(options, documents, _seed), tokenizer,
            options.QueryMaxLength, options.PassageMaxLength, options.QueryInstruction, negatives: options.GroupSize > 1);
        if (store.Count < 2)
        {
            throw new BadInput($"stage \"{options.Label}\": {store.Count} pairs to train on; at least 2 are needed to have a negative.");
        }
        run.Observer.Message($"{store.Count} pairs, {store.Passages.Count} distinct passages");
        if (options.HardNegatives is HardNegativeOptions mining)
        {
            run.Observer.Message("mining hard negatives");
            // With the weights the stage starts from, so that a resumed stage mines the same.
            var encoder = new TorchEncoder(new Encoder(weights, "", config), pooling);
            store.SetNegatives(HardNegativeSearch.Find(store, encoder, mining, _seed));
        }
        return Loop(weights, "", previous, first => new ContrastiveStage(options, weights, config, pooling, store, _seed, first), stop);
    }

    private bool Loop<TStage>(Weights weights, string prefix, string? previous, Func<int, TStage> create, CancellationToken stop)
        where TStage : ITrainableStage, IDisposable
    {
        using var optimizer = new AdamW(weights, _options.WeightDecay);
        var checkpoints = new CheckpointFolder(folder.Checkpoints, recipe.Checkpoints.Keep);
        int first = 0;
        if (checkpoints.Latest(index, hash) is (string latest, CheckpointState state))
        {
            CheckpointFolder.Restore(latest, state, weights, optimizer);
            first = state.Step;
            run.Observer.Message($"going on from step {first} of {_options.Label}");
        }
        metrics.TruncateAfter(_options.Label, first > 0 ? first : -1);
        using TStage stage = create(first);
        using var board = new TensorBoardWriter(Path.Combine(folder.TensorBoard, _options.Label), run.Time, first);
        long began = run.Time.GetTimestamp();
        run.Observer.StageStarted(_options.Label, stage.TotalSteps);
        var hooks = new TrainerHooks(
            report => Log(report, board),
            step =>
            {
                checkpoints.Publish(new CheckpointState(hash, index, _options.Label, step, optimizer.Steps), weights, optimizer);
                saveState();
            },
            recipe.Checkpoints.EverySteps, run.Time);
        if (!new Trainer(stage, optimizer, _options, hooks).Run(first, stop))
        {
            return false;
        }
        ModelFolder.Save(folder.Stage(index, _options.Label), weights, prefix, config, tokenizer, Card(previous, stage.TotalSteps));
        run.Observer.StageEnded(_options.Label, stage.TotalSteps, run.Time.GetElapsedTime(began), new Dictionary<string, double>());
        return true;
    }

    private void Log(StepReport report, TensorBoardWriter board)
    {
        var figures = new Dictionary<string, double> { ["loss"] = report.Loss, ["learning_rate"] = report.LearningRate };
        foreach ((string name, double value) in report.Figures)
        {
            figures[name] = value;
        }
        metrics.Write(report.Stage, report.Step, figures);
        board.Write(report.Step, figures);
        run.Observer.Progress(report);
    }

    private ModelCard Card(string? previous, int steps)
    {
        ModelCard before = previous is null ? new ModelCard() : ModelCard.Load(previous);
        ModelCard card = before with { Pooling = recipe.Model.Pooling, History = [.. before.History, new TrainedStage(_options.Label, _options.Type, steps, hash)] };
        return _options is ContrastiveStageOptions contrastive
            ? card with { QueryInstruction = contrastive.QueryInstruction, QueryMaxLength = contrastive.QueryMaxLength, PassageMaxLength = contrastive.PassageMaxLength }
            : card;
    }
}

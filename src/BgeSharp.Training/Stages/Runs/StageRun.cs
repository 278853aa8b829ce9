// One stage of a recipe: prepare its data, make or restore its weights, train, write its model folder.

using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
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
        (Weights weights, string prefix) = RunModel.Create(_options, config, run.Compute, recipe.Seed, previous);
        using Weights owned = weights;
        return _options switch
        {
            RetroMaeStageOptions retroMae => Pretrain(retroMae, weights, prefix, previous, stop),
            ContrastiveStageOptions contrastive => Contrast(contrastive, weights, previous, stop),
            RerankerStageOptions reranker => Rerank(reranker, weights, previous, stop),
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
        var lengths = new PairLengths(options.QueryMaxLength, options.PassageMaxLength, options.QueryInstruction, options.PassageInstruction, options.GroupSize > 1);
        using PairTraining pairs = PairTraining.Read(options, options.Pairs, lengths, folder, documents, tokenizer, run.Observer, _seed);
        Pooling pooling = PoolingExtensions.Parse(recipe.Model.Pooling);
        var encoder = new M3Encoder(new Encoder(weights, "", config), pooling, new M3Heads(weights, M3Heads.Unweighted(tokenizer.Special)));
        void Prepare(int step)
        {
            if (options.HardNegatives is not null)
            {
                // At the start with the weights the stage starts from, so that a resumed stage mines the same.
                pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder.Encoder, pooling), step);
            }
            if (TeacherOf(options.Distillation) is string teacher)
            {
                pairs.ScoreWith(teacher, run.Compute, tokenizer);
            }
            if (options.Distillation is not null || options.Objective != "contrastive")
            {
                pairs.RequireScores(options.Distillation is null ? $"the objective \"{options.Objective}\"" : "distillation",
                    options.Distillation is not null, options.HardNegatives is null || options.Distillation?.Loss == "margin_mse");
            }
        }
        Prepare(0);
        return Loop(weights, "", previous, first =>
        {
            if (options.HardNegatives is { RefreshSteps: > 0 and int every } && first > every && first % every != 0)
            {
                Prepare(first / every * every);
            }
            return new ContrastiveStage(options, weights, encoder, pairs.Store, _seed, first, Prepare);
        }, stop);
    }

    private bool Rerank(RerankerStageOptions options, Weights weights, string? previous, CancellationToken stop)
    {
        var lengths = new PairLengths(options.QueryMaxLength, options.MaxLength, "", "", Negatives: true);
        using PairTraining pairs = PairTraining.Read(options, options.Pairs, lengths, folder, documents, tokenizer, run.Observer, _seed);
        var encoder = new Encoder(weights, "", config);
        if (options.HardNegatives is not null)
        {
            pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder, PoolingExtensions.Parse(recipe.Model.Pooling)), 0);
        }
        var model = new CrossEncoder(encoder, new RelevanceHead(weights), tokenizer.Special);
        return Loop(weights, "", previous, first => new RerankerStage(options, weights, model, pairs.Store, _seed, first), stop);
    }

    private string? TeacherOf(DistillationOptions? options)
        => options is null ? null
            : options.TeacherStage.Length > 0 ? folder.Stage(recipe.Stages.TakeWhile(s => s.Label != options.TeacherStage).Count(), options.TeacherStage)
            : options.Teacher.Length > 0 ? options.Teacher : null;

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
        return _options is RerankerStageOptions reranker ? card with { QueryMaxLength = reranker.QueryMaxLength, PassageMaxLength = reranker.MaxLength }
            : _options is ContrastiveStageOptions contrastive
            ? card with { QueryInstruction = contrastive.QueryInstruction, QueryMaxLength = contrastive.QueryMaxLength, PassageMaxLength = contrastive.PassageMaxLength }
            : card;
    }
}

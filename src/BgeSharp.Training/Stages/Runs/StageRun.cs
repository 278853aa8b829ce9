// One stage of a recipe: prepare its data, make or restore its weights, train, write its model folder.

using System.Globalization;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Trains stage <paramref name="index"/> of a recipe.</summary>
internal sealed class StageRun(RunContext run, int index)
{
    private readonly StageOptions _options = run.Recipe.Stages[index];
    private readonly long _seed = HashCodes.Of(run.Recipe.Seed, "stage " + index.ToString(CultureInfo.InvariantCulture));
    private readonly IRunObserver _observer = run.Options.Observer;
    private readonly IProcessGroup _group = run.Options.Group;

    /// <param name="previous">Model folder to start from; null starts from the seed.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>True when the stage is done.</returns>
    public bool Train(string? previous, CancellationToken stop)
    {
        (Weights weights, string prefix) = RunModel.Create(_options, run.Config, run.Options.Compute, run.Recipe.Seed, previous);
        using Weights owned = weights;
        _group.Broadcast(weights.Values);      // processors of different kinds may have drawn or read them to other last bits
        var loop = new StageLoop(run, index, _seed, weights, () => RunModel.Start(weights, prefix, run.Config, run.Recipe.Seed, previous));
        int? steps = _options switch
        {
            RetroMaeStageOptions retroMae => Pretrain(retroMae, weights, prefix, loop, stop),
            ContrastiveStageOptions contrastive => Contrast(contrastive, weights, loop, stop),
            RerankerStageOptions reranker => Rerank(reranker, weights, loop, stop),
            _ => throw new InvalidOperationException($"no stage of type {_options.Type}"),
        };
        if (steps is int done)
        {
            _group.First(() =>
            {
                ModelFolder.Save(run.Folder.Stage(index, _options.Label), weights, prefix, run.Config, run.Tokenizer, Card(previous, done));
                PairTraining.ForgetAfter(run.Folder, _options.Label, -1);
            });
        }
        return steps is not null;
    }

    private int? Pretrain(RetroMaeStageOptions options, Weights weights, string prefix, StageLoop loop, CancellationToken stop)
    {
        _observer.Message("tokenising text");
        using TokenStore store = Texts("text.ids", run.Documents.Training(), options);
        if (store.Count == 0)
        {
            throw new BadInput($"stage \"{options.Label}\": the recipe's documents have no text to train on.");
        }
        _observer.Message($"{store.Count} texts, {store.TokenCount} tokens");
        bool byLoss = options.EvaluateBy is "auto" or "loss";
        using TokenStore? heldOut = options.EvaluateEvery > 0 && byLoss && _group.Leads() ? Texts("heldout.ids", run.Documents.HeldOut(), options, options.EvaluateQueries) : null;
        if (heldOut is { Count: 0 })
        {
            throw new BadInput($"stage \"{options.Label}\": evaluateEvery is set, but no text is held out; raise data.heldOut.");
        }
        HanWords? words = _group.Prepared(() => RunVocabulary.Words(options, run.Documents, run.Folder, _observer));
        Pooling pooling = PoolingExtensions.Parse(options.Sentence);
        Func<RetroMaeStage, (string, double, double)>? evaluate = options.EvaluateEvery == 0 ? null
            : !byLoss ? _ => Develop(new Encoder(weights, prefix, run.Config), "")
            : stage => stage.HeldOutLoss(heldOut!) is double loss ? ("dev_loss", loss, -loss) : default;
        return loop.Run(position => new RetroMaeStage(options, weights, run.Config, pooling, run.Tokenizer, store, _seed, position, _group, words), evaluate, stop);
    }

    private int? Contrast(ContrastiveStageOptions options, Weights weights, StageLoop loop, CancellationToken stop)
    {
        if (options.MatryoshkaDimensions.FirstOrDefault(d => d >= run.Config.HiddenSize) is > 0 and int tooLong)
        {
            throw new BadInput($"stage \"{options.Label}\": matryoshkaDimensions has {tooLong}, but the model's vectors have {run.Config.HiddenSize} numbers; name smaller ones.");
        }
        var lengths = new PairLengths(options.QueryMaxLength, options.PassageMaxLength, options.QueryInstruction, options.PassageInstruction, options.GroupSize > 1);
        using PairTraining pairs = PairTraining.Read(options, options.Pairs, lengths, run, _seed);
        Pooling pooling = PoolingExtensions.Parse(run.Recipe.Model.Pooling);
        var encoder = new M3Encoder(new Encoder(weights, "", run.Config), pooling, new M3Heads(weights, M3Heads.Unweighted(run.Tokenizer.Special)));
        // At the start with the weights the stage starts from, so that a resumed stage mines the same.
        Prepare(0, 0);
        Func<ContrastiveStage, (string, double, double)>? evaluate = options.EvaluateEvery == 0 ? null : _ => Develop(encoder.Encoder, options.QueryInstruction);
        return loop.Run(position => new ContrastiveStage(options, weights, encoder, pairs.Store, _seed, position, Prepare, _group), evaluate, stop);

        void Prepare(int step, int now)
        {
            if (options.HardNegatives is not null)
            {
                pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder.Encoder, pooling), step, now);
            }
            if (TeacherOf(options.Distillation) is string teacher)
            {
                pairs.ScoreWith(teacher, run.Options.Compute, run.Tokenizer);
            }
            if (options.Distillation is not null || options.Objective != "contrastive")
            {
                pairs.RequireScores(options.Distillation is null ? $"the objective \"{options.Objective}\"" : "distillation",
                    options.Distillation is not null, options.HardNegatives is null || options.Distillation?.Loss == "margin_mse");
            }
        }
    }

    private int? Rerank(RerankerStageOptions options, Weights weights, StageLoop loop, CancellationToken stop)
    {
        var lengths = new PairLengths(options.QueryMaxLength, options.MaxLength, "", "", Negatives: true);
        using PairTraining pairs = PairTraining.Read(options, options.Pairs, lengths, run, _seed);
        var encoder = new Encoder(weights, "", run.Config);
        if (options.HardNegatives is not null)
        {
            pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder, PoolingExtensions.Parse(run.Recipe.Model.Pooling)), 0, 0);
        }
        var model = new CrossEncoder(encoder, new RelevanceHead(weights), run.Tokenizer.Special);
        var judge = new TorchReranker(model, run.Tokenizer, options.MaxLength);
        Func<RerankerStage, (string, double, double)>? evaluate = options.EvaluateEvery == 0 ? null : _ => Named(run.Evaluation!.Develop(judge, options.EvaluateQueries));
        return loop.Run(position => new RerankerStage(options, weights, model, pairs.Store, _seed, position, _group), evaluate, stop);
    }

    private string? TeacherOf(DistillationOptions? options)
        => options is null ? null
            : options.TeacherStage.Length > 0 ? run.Folder.Stage(run.Recipe.Stages.TakeWhile(s => s.Label != options.TeacherStage).Count(), options.TeacherStage)
            : options.Teacher.Length > 0 ? options.Teacher : null;

    private TokenStore Texts(string file, IEnumerable<Document> documents, RetroMaeStageOptions options, int limit = int.MaxValue)
        => TokenStore.Create(Path.Combine(run.Folder.Work, file),
            TokenChunks.Of(documents, run.Tokenizer, options.MaxLength).Where(ids => ids.Length >= 8).Take(limit));

    private (string Name, double Figure, double Score) Develop(Encoder encoder, string instruction)
        => Named(run.Evaluation!.Develop(new TorchEncoder(encoder, PoolingExtensions.Parse(run.Recipe.Model.Pooling)), run.Tokenizer, instruction, _options.EvaluateQueries));

    private (string Name, double Figure, double Score) Named(IReadOnlyDictionary<string, double> metrics)
    {
        string metric = _options.EvaluateBy == "auto" ? "ndcg@10" : _options.EvaluateBy;
        return ("dev_" + metric, metrics[metric], metrics[metric]);
    }

    private ModelCard Card(string? previous, int steps)
    {
        ModelCard before = previous is null ? new ModelCard() : ModelCard.Load(previous);
        ModelCard card = before with { Pooling = run.Recipe.Model.Pooling, History = [.. before.History, new TrainedStage(_options.Label, _options.Type, steps, run.Hash)] };
        return _options is RerankerStageOptions reranker ? card with { QueryMaxLength = reranker.QueryMaxLength, PassageMaxLength = reranker.MaxLength }
            : _options is ContrastiveStageOptions contrastive
            ? card with { QueryInstruction = contrastive.QueryInstruction, QueryMaxLength = contrastive.QueryMaxLength, PassageMaxLength = contrastive.PassageMaxLength }
            : card;
    }
}

// One stage of a recipe: prepare its data, make or restore its weights, train, write its model folder.

using System.Globalization;
using BgeSharp.Formats;
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

    /// <summary>Checks what a recipe's rules cannot: what a model or a vocabulary from a folder has room for.</summary>
    /// <exception cref="BadInput">A stage's texts are longer than the model's, its shorter vectors are not, there is no mask token for a retromae stage, or a teacher reads other ids.</exception>
    public static void Check(Recipe recipe, ModelConfig config, ITokenizer tokenizer)
    {
        foreach (StageOptions stage in recipe.Stages)
        {
            if (stage is RetroMaeStageOptions && tokenizer.Special.Mask < 0)
            {
                throw new BadInput($"stage \"{stage.Label}\": the vocabulary has no mask token, which masked pre-training hides words behind; take one with a mask token (tokenizer.from), or leave the stage out.");
            }
            if (stage is ContrastiveStageOptions dense)
            {
                CheckVectors(dense, config);
            }
            foreach ((ITeacherChoice choice, _) in TeacherChoices.Of(stage).Where(t => t.Choice.Teacher.Length > 0))
            {
                PairTraining.RequireVocabulary(choice.Teacher, TokenizerFile.Load(choice.Teacher), tokenizer);
            }
            (int Length, string Option)[] lengths = stage switch
            {
                RetroMaeStageOptions masked => [(masked.MaxLength, "maxLength")],
                ContrastiveStageOptions pairs => [(pairs.QueryMaxLength, "queryMaxLength"), (pairs.PassageMaxLength, "passageMaxLength")],
                RerankerStageOptions joined => [(joined.MaxLength, "maxLength")],
                _ => [],
            };
            if (lengths.FirstOrDefault(l => l.Length > config.MaxLength) is { Option: string option } found)
            {
                throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"stage \"{stage.Label}\": {option} is {found.Length}, but the model has positions for texts of {config.MaxLength} tokens; lower it, or bring the model in with \"bge import --positions {found.Length}\"."));
            }
        }
    }

    private static void CheckVectors(ContrastiveStageOptions stage, ModelConfig config)
    {
        if (stage.MatryoshkaDimensions.FirstOrDefault(d => d >= config.HiddenSize) is > 0 and int tooLong)
        {
            throw new BadInput($"stage \"{stage.Label}\": matryoshkaDimensions has {tooLong}, but the model's vectors have {config.HiddenSize} numbers; name smaller ones.");
        }
    }

    /// <param name="previous">Model folder to start from; null starts from the seed.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>True when the stage is done.</returns>
    public bool Train(string? previous, CancellationToken stop)
    {
        (Weights weights, string prefix) = RunModel.Create(_options, run.Config, run.Options.Compute, run.Recipe.Seed, previous, _observer.Message);
        using Weights owned = weights;
        if (weights.TrainableCount == 0)
        {
            throw new BadInput($"stage \"{_options.Label}\": everything is frozen, so it would train nothing; freeze less, or train a head (outputs).");
        }
        TellWhatChooses();
        _group.Broadcast(weights.Values);      // processors of different kinds may have drawn or read them to other last bits
        var loop = new StageLoop(run, index, _seed, weights, () => RunModel.Start(weights, prefix, run.Config, run.Recipe.Seed, previous));
        int? steps;
        try
        {
            steps = _options switch
            {
                RetroMaeStageOptions retroMae => Pretrain(retroMae, previous, weights, prefix, loop, stop),
                ContrastiveStageOptions contrastive => Contrast(contrastive, previous, weights, loop, stop),
                RerankerStageOptions reranker => Rerank(reranker, previous, weights, loop, stop),
                _ => throw new InvalidOperationException($"no stage of type {_options.Type}"),
            };
        }
        catch (StopRequested)
        {
            return false;       // before the first step, on all ranks: what was read, mined or scored for it is made again
        }
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

    private void TellWhatChooses()
    {
        if (_options.EvaluateEvery > 0 && (_options.KeepBest || _options.EarlyStop > 0) && _group.Leads() && run.Evaluation is { DevelopmentIsReported: true } evaluation && !(ByLoss && _options is RetroMaeStageOptions))
        {
            _observer.Message($"note: stage \"{_options.Label}\" chooses its weights by {evaluation.Development?.Name ?? run.Recipe.Development!.Name}, which stands among the results too and flatters it there; name another set in \"development\" for figures that do not.");
        }
    }

    private int? Pretrain(RetroMaeStageOptions options, string? previous, Weights weights, string prefix, StageLoop loop, CancellationToken stop)
    {
        _observer.Message("tokenising text");
        var work = new WatchedWork(_group, _observer, run.Options.Time, stop);
        using TokenStore store = Texts("text.ids", work.Read(run.Documents.Training(), "documents"), options);
        work.Meet();
        if (store.Count == 0)
        {
            throw new BadInput($"stage \"{options.Label}\": the recipe's documents have no text of {RetroMaeStage.LeastTokens} tokens or more to train on; add documents, or leave the stage out.");
        }
        _observer.Message($"{store.Count} texts, {store.TokenCount} tokens");
        // Its losses are logged whatever chooses the best weights; beside a set to search there may be no held-out text for them.
        using TokenStore? heldOut = options.EvaluateEvery > 0 && run.Recipe.Data.HeldOut > 0 && _group.Leads() ? Texts("heldout.ids", run.Documents.HeldOut(), options) : null;
        if (heldOut is { Count: 0 } && ByLoss)
        {
            throw new BadInput($"stage \"{options.Label}\": evaluateEvery is set, but no text is held out; raise data.heldOut.");
        }
        HanWords? words = _group.Prepared(() => RunVocabulary.Words(options, run.Documents, run.Folder, _observer));
        Pooling pooling = PoolingExtensions.Parse(options.Sentence);
        ModelCard card = Card(previous, 0);
        Func<RetroMaeStage, DevelopmentFigures>? evaluate = options.EvaluateEvery == 0 ? null
            : stage => Figures(heldOut is { Count: > 0 } ? stage.HeldOut(heldOut, options.EvaluateQueries) : new Dictionary<string, double>(), () => Searched(new TorchEncoder(new Encoder(weights, prefix, run.Config), PoolingExtensions.Parse(run.Recipe.Model.Pooling)), card, ["dense"]));
        return loop.Run(position => new RetroMaeStage(options, weights, run.Config, pooling, run.Tokenizer, store, _seed, position, _group, words), evaluate, stop);
    }

    private int? Contrast(ContrastiveStageOptions options, string? previous, Weights weights, StageLoop loop, CancellationToken stop)
    {
        CheckVectors(options, run.Config);
        TellInstructions(options, previous);
        string? teacher = TeacherOf(options.Distillation), veto = TeacherOf(options.HardNegatives);
        var lengths = new PairLengths(options.QueryMaxLength, options.PassageMaxLength, options.QueryInstruction, options.PassageInstruction, options.GroupSize > 1,
            Plain: PlainFor(teacher, veto) ?? (options.HardNegatives is not null ? new PlainLengths(options.QueryMaxLength, options.PassageMaxLength) : null));
        using PairTraining pairs = PairTraining.Read(options, lengths, run, _seed, stop);
        Pooling pooling = PoolingExtensions.Parse(run.Recipe.Model.Pooling);
        var encoder = new M3Encoder(new Encoder(weights, "", run.Config), pooling, new M3Heads(weights, M3Heads.Unweighted(run.Tokenizer.Special)));
        // At the start with the weights the stage starts from, so that a resumed stage mines the same.
        Prepare(0, 0);
        ModelCard card = Card(previous, 0);
        using PairStore? development = options.Objective == "contrastive" ? Development(options.QueryMaxLength, options.PassageMaxLength, card, negatives: 0) : null;
        Func<ContrastiveStage, DevelopmentFigures>? evaluate = options.EvaluateEvery == 0 ? null
            : stage => Figures(development is null ? null : stage.HeldOutLoss(development), () => Searched(new TorchEncoder(encoder.Encoder, pooling, encoder.Heads), card, options.Outputs));
        return loop.Run(position => new ContrastiveStage(options, weights, encoder, pairs.Store, _seed, position, Prepare, _group), evaluate, stop);

        void Prepare(int step, int now)
        {
            if (options.HardNegatives is not null)
            {
                pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder.Encoder, pooling), veto, step, now, stop);
            }
            else if (options.Distillation is not null)
            {
                pairs.RequireNegatives(scored: teacher is null);
            }
            if (teacher is not null)
            {
                pairs.ScoreWith(teacher, stop);
            }
        }
    }

    // The recipe's word counts, and a model that was brought in loses its own: better said than found out by searching.
    private void TellInstructions(ContrastiveStageOptions options, string? previous)
    {
        if (previous is null)
        {
            return;
        }
        ModelCard before = ModelCard.LoadStart(previous);
        if (before.IsSaid && before.Pooling != run.Recipe.Model.Pooling)
        {
            _observer.Message($"note: {previous} was made for {before.Pooling} pooling, and the recipe has {run.Recipe.Model.Pooling}; set model.pooling if that is not meant.");
        }
        foreach ((string had, string has, string option) in (ReadOnlySpan<(string, string, string)>)[(before.QueryInstruction, options.QueryInstruction, "queryInstruction"), (before.PassageInstruction, options.PassageInstruction, "passageInstruction")])
        {
            if (had.Length > 0 && had != Kept(options, has, had))
            {
                _observer.Message($"note: {previous} was trained with the {option} \"{had}\", and stage \"{options.Label}\" has {(has.Length > 0 ? $"\"{has}\"" : "none")}, which the model keeps; set {option} if that is not meant.");
            }
        }
    }

    private int? Rerank(RerankerStageOptions options, string? previous, Weights weights, StageLoop loop, CancellationToken stop)
    {
        // Negatives are mined by the model the stage starts from, which reads its instructions; the cross-encoder reads the texts alone.
        ModelCard finder = options.HardNegatives is null || previous is null ? new ModelCard() : ModelCard.LoadStart(previous);
        string? teacher = TeacherOf(options.Distillation), veto = TeacherOf(options.HardNegatives);
        var own = new PlainLengths(options.QueryMaxLength, options.MaxLength);
        // What a teacher reads more of, the stage cuts itself.
        var lengths = new PairLengths(options.QueryMaxLength, options.MaxLength, finder.QueryInstruction, finder.PassageInstruction, Negatives: true, Plain: PlainFor(teacher, veto) is { } longer ? own.Or(longer) : own);
        using PairTraining pairs = PairTraining.Read(options, lengths, run, _seed, stop);
        var encoder = new Encoder(weights, "", run.Config);
        if (options.HardNegatives is not null)
        {
            pairs.MineNegatives(options.HardNegatives, new TorchEncoder(encoder, PoolingExtensions.Parse(run.Recipe.Model.Pooling)), veto, 0, 0, stop);
        }
        else if (options.Distillation is not null)
        {
            pairs.RequireNegatives(scored: teacher is null);
        }
        if (teacher is not null)
        {
            pairs.ScoreWith(teacher, stop);
        }
        var model = new CrossEncoder(encoder, new RelevanceHead(weights), run.Tokenizer.Special);
        var judge = new TorchReranker(model, run.Tokenizer, options.MaxLength) { QueryMaxLength = options.QueryMaxLength };
        using PairStore? development = Development(options.QueryMaxLength, options.MaxLength, new ModelCard(), options.GroupSize - 1);
        Func<RerankerStage, DevelopmentFigures>? evaluate = options.EvaluateEvery == 0 ? null
            : stage => Figures(development is null ? null : stage.HeldOutLoss(development), () => run.Evaluation!.Develop(judge, options.EvaluateQueries));
        return loop.Run(position => new RerankerStage(options, weights, model, pairs.Store, _seed, position, _group), evaluate, stop);
    }

    // As long as the teachers read, not as the student does; null without one.
    private static PlainLengths? PlainFor(params IEnumerable<string?> teachers)
        => teachers.OfType<string>().Select(TorchReranker.LengthsOf).Select(l => new PlainLengths(l.Query, l.Pair)).Aggregate((PlainLengths?)null, (longest, next) => longest?.Or(next) ?? next);

    private string? TeacherOf(ITeacherChoice? options)
        => options is null ? null
            : options.TeacherStage.Length > 0 ? run.Folder.Stage(run.Recipe.Stages.TakeWhile(s => s.Label != options.TeacherStage).Count(), options.TeacherStage)
            : options.Teacher.Length > 0 ? options.Teacher : null;

    private TokenStore Texts(string file, IEnumerable<Document> documents, RetroMaeStageOptions options)
        => TokenStore.Create(Path.Combine(run.Folder.Work, file),
            RetroMaeStage.Texts(documents, run.Tokenizer, options));

    // The pairs whose loss is measured while training; null where the stage does not measure any. Rank 0 alone evaluates.
    private PairStore? Development(int queryLength, int passageLength, ModelCard card, int negatives)
    {
        if (_options.EvaluateEvery == 0 || !_group.Leads() || run.Evaluation!.Development is null)
        {
            return null;
        }
        PairStore pairs = PairStore.Create(Path.Combine(run.Folder.Work, "development"), run.Evaluation.DevelopmentPairs(_options.EvaluateQueries, negatives), run.Tokenizer,
            queryLength, passageLength, card.QueryInstruction, negatives > 0, card.PassageInstruction);
        if (pairs.Count >= 2)
        {
            return pairs;
        }
        pairs.Dispose();
        return _options.EvaluateBy == "loss"
            ? throw new BadInput($"stage \"{_options.Label}\": evaluateBy is \"loss\", but {run.Evaluation.Development.Name} has fewer than 2 queries with an answer; hold more documents out (data.heldOut), or name a set in \"development\".")
            : null;
    }

    // What the stage trains is what is searched with.
    private IReadOnlyDictionary<string, double> Searched(TorchEncoder encoder, ModelCard card, IReadOnlyList<string> outputs)
        => run.Evaluation!.Develop(encoder, run.Tokenizer, card, outputs, _options.EvaluateQueries);

    private bool ByLoss => _options.EvaluateBy == "loss" || _options is RetroMaeStageOptions { EvaluateBy: "auto" };

    private DevelopmentFigures Figures(double? loss, Func<IReadOnlyDictionary<string, double>> search)
        => Figures(loss is double nats ? new Dictionary<string, double> { ["dev_loss"] = nats } : new Dictionary<string, double>(), search);

    // Searching costs an embedding of the whole corpus: it is left out where the loss decides.
    private DevelopmentFigures Figures(IReadOnlyDictionary<string, double> losses, Func<IReadOnlyDictionary<string, double>> search)
    {
        if (ByLoss)
        {
            return new DevelopmentFigures(losses, -losses["dev_loss"]);
        }
        string metric = _options.EvaluateBy != "auto" ? _options.EvaluateBy : run.Evaluation!.GradedDevelopment is null ? "ndcg@10" : "spearman";
        double score = search()[metric];
        return new DevelopmentFigures(new Dictionary<string, double>(losses) { ["dev_" + metric] = score }, score);
    }

    // A stage on graded pairs compares sentences as they are, and leaves what a model puts before queries and passages.
    private static string Kept(ContrastiveStageOptions stage, string has, string had) => stage.Objective == "contrastive" || has.Length > 0 ? has : had;

    private ModelCard Card(string? previous, int steps)
    {
        ModelCard before = previous is null ? new ModelCard() : ModelCard.LoadStart(previous);
        ModelCard card = before with { Pooling = run.Recipe.Model.Pooling, History = [.. before.History, new TrainedStage(_options.Label, _options.Type, steps, run.Hash)] };
        return _options is RerankerStageOptions reranker ? card with { QueryMaxLength = reranker.QueryMaxLength, PassageMaxLength = reranker.MaxLength }
            : _options is ContrastiveStageOptions contrastive
            ? card with { QueryInstruction = Kept(contrastive, contrastive.QueryInstruction, before.QueryInstruction), PassageInstruction = Kept(contrastive, contrastive.PassageInstruction, before.PassageInstruction), QueryMaxLength = contrastive.QueryMaxLength, PassageMaxLength = contrastive.PassageMaxLength, MatryoshkaDimensions = [.. contrastive.MatryoshkaDimensions] }
            : card with { MatryoshkaDimensions = [] };
    }
}

// Rules that take more than one option. Each is a run that would otherwise fail, or silently learn nothing, after minutes of loading.

using System.Buffers;
using System.Globalization;
using BgeSharp.Training.Data.Miners;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Checks what options mean together.</summary>
internal static class RecipeRules
{
    private static readonly RetroMaeStageOptions DefaultOptions = new();

    private static readonly string[] FieldNames = ["id", "title", "text", "sections", "language", "summary", "group", "translatedTitle"];
    private static readonly SearchValues<char> NotInFileNames = SearchValues.Create("/\\:*?\"<>|");

    /// <summary>Throws for the first rule broken.</summary>
    /// <exception cref="BadInput">Names the option and what it disagrees with.</exception>
    public static void Check(Recipe recipe, RecipePlaces places)
    {
        CheckModel(recipe, places);
        CheckDocuments(recipe.Data.Documents, places, "data.documents");
        CheckUnique(recipe.Stages.Select(s => s.Label), "stages", "name", places);
        CheckUnique(recipe.Evaluation.Select(s => s.Name), "evaluation", "name", places);
        for (int i = 0; i < recipe.Stages.Count; i++)
        {
            CheckStage(recipe, recipe.Stages[i], $"stages[{i}]", places);
        }
        if (recipe.Development is not null && !recipe.Stages.Any(s => s.EvaluateEvery > 0 && (s is not RetroMaeStageOptions || s.EvaluateBy is not ("auto" or "loss"))))
        {
            throw places.Error("development", "does nothing here: no stage searches or measures pairs while it trains; set evaluateEvery of a stage on pairs, or leave it out.");
        }
    }

    private static void CheckModel(Recipe recipe, RecipePlaces places)
    {
        ModelOptions model = recipe.Model;
        if (model.From.Length == 0 && model.HiddenSize % model.Heads != 0)
        {
            throw places.Error("model.heads", $"is {model.Heads}, which does not divide model.hiddenSize {model.HiddenSize}.");
        }
        if (recipe.Tokenizer.From.Length == 0 && model.From.Length == 0 && recipe.Data.Documents.Count == 0)
        {
            throw places.Error("data.documents", "is empty, but the vocabulary is to be trained on documents; add documents, or set tokenizer.from or model.from.");
        }
    }

    /// <summary>Checks names, miners and fields of sources.</summary>
    internal static void CheckDocuments(IReadOnlyList<DocumentSourceOptions> sources, RecipePlaces places, string path)
    {
        CheckUnique(sources.Select(s => s.Name), path, "name", places);
        for (int i = 0; i < sources.Count; i++)
        {
            foreach ((int m, string miner) in sources[i].Miners.Index().Where(m => !PairMiners.Names.Contains(m.Item)))
            {
                string? near = BadInput.Nearest(miner, PairMiners.Names);
                throw places.Error($"{path}[{i}].miners[{m}]", $"is \"{miner}\"; known are {string.Join(", ", PairMiners.Names)}" + (near is null ? "." : $"; did you mean \"{near}\"?"));
            }
            foreach (string field in sources[i].Fields.Keys.Where(f => !FieldNames.Contains(f)))
            {
                string? near = BadInput.Nearest(field, FieldNames);
                throw places.Error($"{path}[{i}].fields.{field}", "is not a field of a document; " + (near is null ? $"known are {string.Join(", ", FieldNames)}." : $"did you mean {near}?"));
            }
        }
    }

    private static void CheckStage(Recipe recipe, StageOptions stage, string path, RecipePlaces places)
    {
        if (stage is { Steps: 0, Epochs: 0 })
        {
            throw places.Error(path + ".epochs", "is 0 and steps is 0: the stage would train nothing; set one of them.");
        }
        if (stage.Label.AsSpan().ContainsAny(NotInFileNames) || stage.Label.StartsWith('.'))
        {
            throw places.Error(path + ".name", $"is \"{stage.Label}\"; it becomes part of file names, so use letters, digits, \"-\" and \"_\".");
        }
        if (stage.Label is "bm25" or "untrained")
        {
            throw places.Error(path + ".name", $"is \"{stage.Label}\", which stands for a yardstick among the results; choose another.");
        }
        CheckEvaluation(recipe, stage, path, places);
        CheckGuard(stage.Guard, path + ".guard", places);
        if (stage is RetroMaeStageOptions retroMae)
        {
            RequireDocuments(recipe, path + ".type", "a retromae stage learns from documents", places);
            RequireLength(recipe, retroMae.MaxLength, path + ".maxLength", places);
            CheckMasks(retroMae, path, places);
            CheckDecoder(retroMae, path, places);
        }
        else if (stage is ContrastiveStageOptions contrastive)
        {
            CheckContrastive(recipe, contrastive, path, places);
            ContrastiveRules.Check(recipe, contrastive, path, places);
            TeacherRules.Check(recipe, stage, path, places);
        }
        else if (stage is RerankerStageOptions reranker)
        {
            RequireLength(recipe, reranker.MaxLength, path + ".maxLength", places);
            if (reranker.Pairs.Count == 0 || reranker.Pairs.Any(p => p.IsMined))
            {
                RequireDocuments(recipe, path + ".pairs", "mined pairs come from documents", places);
            }
            if (reranker.Pairs.Index().FirstOrDefault(p => p.Item.IsGraded) is { Item: not null } graded)
            {
                throw places.Error($"{path}.pairs[{graded.Index}]", "holds graded sentence pairs, which a cross-encoder would take for answers whatever their grade; give pairs that belong together, with \"format\" \"jsonl\" where the name ends otherwise.");
            }
            ContrastiveRules.CheckParts(reranker.Freeze, reranker.Lora, reranker.Recompute, path, places);
            CheckNegatives(reranker.HardNegatives, path + ".hardNegatives", places);
            if (reranker.HardNegatives is { RefreshSteps: > 0 })
            {
                throw places.Error(path + ".hardNegatives.refreshSteps", "asks for negatives mined anew while a cross-encoder trains, but it gives no vectors to mine with; leave it at 0: they are mined once, with the model the stage starts from.");
            }
            TeacherRules.Check(recipe, stage, path, places);
        }
    }

    // A cell for each token of a text and each row: what one array holds.
    private static void CheckMasks(RetroMaeStageOptions stage, string path, RecipePlaces places)
    {
        if (stage.Design is not { HasDecoder: true, PlainDecoding: false })
        {
            return;
        }
        if ((long)stage.MaxLength * stage.MaxLength > int.MaxValue)
        {
            throw places.Error(path + ".maxLength", string.Create(CultureInfo.InvariantCulture, $"is {stage.MaxLength}: the decoder's masks of one such text would be more than 2^31 cells; use at most 46340."));
        }
        int pieces = stage.EvaluateEvery > 0 ? 1 : Math.Max(1, stage.Pieces);       // held-out text is not cut into pieces
        // A piece of several may have one text more than its share.
        if ((stage.BatchTokens + ((pieces - 1L) * stage.MaxLength)) * stage.MaxLength / pieces > int.MaxValue)
        {
            throw places.Error(path + ".batchTokens", string.Create(CultureInfo.InvariantCulture, $"is {stage.BatchTokens}: with texts of {stage.MaxLength} tokens the decoder's masks would be more than 2^31 cells; use at most {int.MaxValue / stage.MaxLength}, and accumulate."));
        }
    }

    private static void CheckGuard(GuardOptions guard, string path, RecipePlaces places)
    {
        if (guard.SpikeFactor is > 0 and <= 1)
        {
            throw places.Error(path + ".spikeFactor", string.Create(CultureInfo.InvariantCulture, $"is {guard.SpikeFactor}; a spike is a loss above this multiple of the usual one, so use a number above 1, or 0 to look for none."));
        }
        string? idle = guard.Action == "rollback" ? null : guard.RollBack != DefaultOptions.Guard.RollBack ? ".rollBack" : guard.PassOver != DefaultOptions.Guard.PassOver ? ".passOver" : null;
        if (idle is not null)
        {
            throw places.Error(path + idle, $"is about the action \"rollback\", but the action is \"{guard.Action}\"; leave it out.");
        }
        if (guard.Action == "raise" && guard.Limit != DefaultOptions.Guard.Limit)
        {
            throw places.Error(path + ".limit", "does nothing with the action \"raise\", which ends the run at the first bad step; leave it out.");
        }
    }

    // Options of the decoder that would do nothing: whoever sets one expects that it does.
    private static void CheckDecoder(RetroMaeStageOptions stage, string path, RecipePlaces places)
    {
        RetroMaeStageOptions usual = DefaultOptions;
        bool mlm = stage.Objective == "mlm", plain = stage.Decoding == "plain";
        foreach ((bool set, bool idle, string name) in (ReadOnlySpan<(bool, bool, string)>)[
            (stage.Decoding != usual.Decoding, mlm, "decoding"), (stage.DecoderMaskRatio != usual.DecoderMaskRatio, mlm, "decoderMaskRatio"), (stage.DecoderLayers != usual.DecoderLayers, mlm, "decoderLayers"),
            (stage.Sentence != usual.Sentence, mlm, "sentence"), (stage.DecoderMaskPool != usual.DecoderMaskPool, mlm || plain, "decoderMaskPool"),
            (stage.DecoderQuery != usual.DecoderQuery, mlm || plain, "decoderQuery"), (stage.BagWeight != usual.BagWeight, stage.Objective != "dupmae", "bagWeight")])
        {
            if (set && idle)
            {
                string why = name == "bagWeight" ? $"the objective \"{stage.Objective}\", which has no bag of words" : mlm ? "the objective \"mlm\", which has no decoder" : "\"decoding\": \"plain\", which has one draw a text and asks with the text itself";
                throw places.Error($"{path}.{name}", $"does nothing with {why}; leave it out.");
            }
        }
    }

    private static void CheckEvaluation(Recipe recipe, StageOptions stage, string path, RecipePlaces places)
    {
        if (stage.EvaluateEvery == 0)
        {
            string? asked = stage.KeepBest ? ".keepBest" : stage.EarlyStop > 0 ? ".earlyStop" : stage.EvaluateBy != "auto" ? ".evaluateBy" : stage.EvaluateQueries != DefaultOptions.EvaluateQueries ? ".evaluateQueries" : null;
            if (asked is not null)
            {
                throw places.Error(path + asked, "needs evaluations while training; set evaluateEvery.");
            }
            return;
        }
        CheckMeasure(recipe, stage, path, places);
        bool heldOut = recipe.Data.HeldOut > 0 && recipe.Data.Documents.Any(d => d.Evaluate);
        bool loss = stage.EvaluateBy == "loss" || (stage.EvaluateBy == "auto" && stage is RetroMaeStageOptions);
        if (loss && stage is ContrastiveStageOptions { Objective: not "contrastive" } graded)
        {
            throw places.Error(path + ".evaluateBy", $"is \"loss\", which the objective \"{graded.Objective}\" has none of on the held-out pairs; use ndcg@10, or spearman with graded pairs in \"development\".");
        }
        bool texts = loss && stage is RetroMaeStageOptions;
        if (!heldOut && (texts || (recipe.Evaluation.All(e => e.IsGraded) && recipe.Development is null)))
        {
            throw places.Error(path + ".evaluateEvery", "needs something to evaluate on: set data.heldOut above 0" + (texts ? "." : ", name a set in development, or a collection in evaluation."));
        }
    }

    // Graded pairs are measured by their order, a collection by searching: each has measures of its own.
    private static void CheckMeasure(Recipe recipe, StageOptions stage, string path, RecipePlaces places)
    {
        bool graded = recipe.Development is { IsGraded: true };
        bool itsOwnLoss = stage is RetroMaeStageOptions && stage.EvaluateBy is "auto" or "loss";
        if (stage.EvaluateBy == "spearman" && !graded)
        {
            throw places.Error(path + ".evaluateBy", "is \"spearman\", which is measured on graded sentence pairs; name a set of them in \"development\" (format \"sts\").");
        }
        if (graded && !itsOwnLoss && (stage is RerankerStageOptions || stage.EvaluateBy is not ("auto" or "spearman")))
        {
            throw places.Error("development", $"holds graded sentence pairs, but stage \"{stage.Label}\" is measured by {(stage is RerankerStageOptions ? "searching" : stage.EvaluateBy)}; name a collection, or set its evaluateEvery to 0.");
        }
    }

    private static void CheckContrastive(Recipe recipe, ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        RequireLength(recipe, stage.QueryMaxLength, path + ".queryMaxLength", places);
        RequireLength(recipe, stage.PassageMaxLength, path + ".passageMaxLength", places);
        bool anyMined = stage.Pairs.Count == 0 || stage.Pairs.Any(p => p.IsMined);
        if (anyMined)
        {
            RequireDocuments(recipe, path + ".pairs", "mined pairs come from documents", places);
        }
        if (stage is { GroupSize: > 1, HardNegatives: null } && stage.Pairs.All(p => p.IsMined))
        {
            throw places.Error(path + ".groupSize", $"is {stage.GroupSize}, but mined pairs have no negatives; set hardNegatives, give pairs with \"neg\", or set groupSize to 1.");
        }
        if (stage is { GroupSize: 1, BatchPairs: 1 })
        {
            throw places.Error(path + ".batchPairs", "is 1 with groupSize 1: a lone pair has no negatives and its loss is always 0; raise one of them.");
        }
        CheckNegatives(stage.HardNegatives, path + ".hardNegatives", places);
        if (stage is { HardNegatives: not null, GroupSize: 1 })
        {
            throw places.Error(path + ".hardNegatives", "asks for negatives, but groupSize 1 uses none of them; raise groupSize or set hardNegatives to null.");
        }
    }

    private static void CheckNegatives(HardNegativeOptions? hard, string path, RecipePlaces places)
    {
        if (hard is null)
        {
            return;
        }
        if (hard.ToRank <= hard.FromRank)
        {
            throw places.Error(path + ".toRank", $"is {hard.ToRank}; it must be above fromRank {hard.FromRank}.");
        }
        if (hard.PerQuery > hard.ToRank - hard.FromRank)
        {
            throw places.Error(path + ".perQuery", $"is {hard.PerQuery}, but ranks {hard.FromRank} to {hard.ToRank} hold only {hard.ToRank - hard.FromRank} candidates.");
        }
    }

    private static void RequireDocuments(Recipe recipe, string path, string reason, RecipePlaces places)
    {
        if (recipe.Data.Documents.Count == 0)
        {
            throw places.Error(path, $"needs data.documents, which is empty ({reason}).");
        }
    }

    // A model from a folder brings its own positions; StageRun checks those when it is read.
    private static void RequireLength(Recipe recipe, int length, string path, RecipePlaces places)
    {
        if (recipe.Model.From.Length == 0 && length > recipe.Model.MaxLength)
        {
            throw places.Error(path, $"is {length}: the sequence length is beyond the model's positions (model.maxLength is {recipe.Model.MaxLength}); lower it or raise model.maxLength.");
        }
    }

    private static void CheckUnique(IEnumerable<string> names, string path, string key, RecipePlaces places)
    {
        Dictionary<string, int> seen = new(StringComparer.OrdinalIgnoreCase);
        int i = 0;
        foreach (string name in names)
        {
            if (name.Length > 0 && !seen.TryAdd(name, i))
            {
                throw places.Error(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}].{key}"), $"is \"{name}\", as is that of {path}[{seen[name]}]; give each its own name.");
            }
            i++;
        }
    }
}

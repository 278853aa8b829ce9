// Rules between the options of a contrastive stage: combinations that mean nothing, or that would train something else than asked for.

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Checks what the options of a contrastive stage mean together.</summary>
internal static class ContrastiveRules
{
    private static readonly string[] OutputNames = ["dense", "sparse", "multi"];
    private static readonly ContrastiveStageOptions Usual = new();

    /// <summary>Throws for the first rule broken.</summary>
    public static void Check(Recipe recipe, ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        for (int i = 0; i < stage.Outputs.Count; i++)
        {
            if (!OutputNames.Contains(stage.Outputs[i]))
            {
                string? near = BadInput.Nearest(stage.Outputs[i], OutputNames);
                throw places.Error($"{path}.outputs[{i}]", $"is \"{stage.Outputs[i]}\"; known are \"dense\", \"sparse\" and \"multi\"" + (near is null ? "." : $"; did you mean \"{near}\"?"));
            }
        }
        bool dense = stage.Outputs.Contains("dense");
        foreach ((bool set, string name) in (ReadOnlySpan<(bool, string)>)[(stage.BothDirections, "bothDirections"), (stage.QueryQuery, "queryQuery"), (stage.PassagePassage, "passagePassage"), (stage.MatryoshkaDimensions.Count > 0, "matryoshkaDimensions")])
        {
            if (set && (!dense || !stage.InBatchNegatives))
            {
                throw places.Error($"{path}.{name}", $"is about the dense output with in-batch negatives; {(dense ? "set inBatchNegatives to true" : "add \"dense\" to outputs")} or leave it out.");
            }
        }
        if (stage.Distillation is not null && (stage.QueryQuery || stage.PassagePassage))
        {
            throw places.Error($"{path}.{(stage.QueryQuery ? "queryQuery" : "passagePassage")}", "adds columns that a teacher has no scores for; leave it out or set distillation to null.");
        }
        if (stage.SelfDistillation && stage.Outputs.Distinct().Count() < 2)
        {
            throw places.Error($"{path}.selfDistillation", "needs at least two outputs: with one there is no ensemble to learn from.");
        }
        if (stage.TokenGroups > 1 && (!stage.InBatchNegatives || !stage.Outputs.Any(o => o is "sparse" or "multi")))
        {
            throw places.Error($"{path}.tokenGroups", "is about in-batch negatives of the outputs \"sparse\" and \"multi\"; train one of them with inBatchNegatives or leave it at 1.");
        }
        if (stage.TokenGroups > 1 && stage.TokenGroups > stage.BatchPairs / 2)
        {
            throw places.Error($"{path}.tokenGroups", $"is {stage.TokenGroups}, more than half of batchPairs ({stage.BatchPairs}): a part of one query has no in-batch negatives.");
        }
        if (stage.Distillation is not null && stage.GroupSize < 2)
        {
            throw places.Error($"{path}.distillation", "needs groupSize 2 or more: a teacher's distribution over one passage says nothing.");
        }
        if (!stage.InBatchNegatives && stage.GroupSize < 2 && stage.Objective == "contrastive")
        {
            throw places.Error($"{path}.inBatchNegatives", "is false with groupSize 1: a query would have no negatives at all; raise groupSize.");
        }
        if (stage.Objective != "contrastive" && (stage.GroupSize != 1 || stage.Outputs is not ["dense"] || stage.Distillation is not null || stage.HardNegatives is not null))
        {
            throw places.Error($"{path}.objective", $"\"{stage.Objective}\" compares graded pairs: it takes groupSize 1, outputs [\"dense\"], no distillation and no hardNegatives.");
        }
        CheckIdle(stage, path, places);
        if (stage.Objective != "contrastive")
        {
            if (stage.ShuffleRatio > 0)
            {
                throw places.Error($"{path}.shuffleRatio", "reorders one side of a pair, but a grade is that of two sentences as they are; leave it out.");
            }
            foreach ((bool set, string name) in (ReadOnlySpan<(bool, string)>)[(stage.BothDirections, "bothDirections"), (stage.QueryQuery, "queryQuery"), (stage.PassagePassage, "passagePassage"),
                (stage.MatryoshkaDimensions.Count > 0, "matryoshkaDimensions"), (stage.FalseNegativeMargin > -1, "falseNegativeMargin"), (!stage.InBatchNegatives, "inBatchNegatives"),
                (stage.Objective == "cosine" && stage.Temperature != Usual.Temperature, "temperature")])
            {
                if (set)
                {
                    throw places.Error($"{path}.{name}", $"does nothing with the objective \"{stage.Objective}\", which compares the two sides of a pair by their whole vectors; leave it out.");
                }
            }
        }
        for (int i = 0; i < stage.MatryoshkaDimensions.Count; i++)
        {
            int size = stage.MatryoshkaDimensions[i];
            if (size < 1 || (recipe.Model.From.Length == 0 && size >= recipe.Model.HiddenSize))
            {
                throw places.Error($"{path}.matryoshkaDimensions[{i}]", $"is {size}; it must be above 0 and below the model's hidden size.");
            }
        }
        CheckParts(stage.Freeze, stage.Lora, stage.Recompute, path, places);
        if (stage.Lora is null && stage.Freeze.Contains("encoder") && stage.Outputs is ["dense"])
        {
            throw places.Error($"{path}.freeze", "freezes the encoder, and the dense output has no weights of its own: the stage would train nothing.");
        }
        CheckGraded(stage, path, places);
    }

    /// <summary>Throws where "freeze" names what is not known, or one of it, "lora" and "recompute" does nothing beside the others.</summary>
    public static void CheckParts(IReadOnlyList<string> freeze, LoraOptions? lora, bool recompute, string path, RecipePlaces places)
    {
        if (freeze.Index().FirstOrDefault(p => !TrainedParts.IsKnown(p.Item)) is { Item: not null } unknown)
        {
            throw places.Error($"{path}.freeze[{unknown.Index}]", $"is \"{unknown.Item}\"; known are \"encoder\", \"embeddings\", \"positions\" (the table of positions alone) and \"layers:N\" (the lowest N layers).");
        }
        if (lora is not null && freeze.Count > 0)
        {
            throw places.Error($"{path}.freeze", "does nothing beside lora, which trains adapters and heads alone; leave one of them out.");
        }
        if (recompute && freeze.Contains("encoder"))
        {
            throw places.Error($"{path}.recompute", "does nothing with a frozen encoder, of whose layers nothing is kept; leave it out.");
        }
    }

    private static void CheckGraded(ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        bool mined = stage.Pairs.Count == 0 || stage.Pairs.Any(p => p.IsMined);
        if (stage.Objective == "contrastive" && stage.Pairs.Index().FirstOrDefault(p => p.Item.IsGraded) is { Item: not null } graded)
        {
            throw places.Error($"{path}.pairs[{graded.Index}]", "holds graded sentence pairs, which would be taken for answers whatever their grade; set the stage's objective to \"cosent\" or \"cosine\", or give pairs that belong together, with \"format\" \"jsonl\" where the name ends otherwise.");
        }
        if (stage.Pairs.Any(p => p.IsGraded))
        {
            CheckAlike(stage, path, places);
        }
        if (stage.Objective != "contrastive" && mined)
        {
            throw places.Error($"{path}.objective", $"is \"{stage.Objective}\", which compares graded pairs, and those mined from the documents have no grades; give pairs with \"pos_scores\".");
        }
    }

    // How alike two sentences are does not depend on which stands first: both are measured as they are, and so they are trained.
    private static void CheckAlike(ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        if (stage.QueryMaxLength != stage.PassageMaxLength)
        {
            throw places.Error($"{path}.queryMaxLength", $"is {stage.QueryMaxLength} and passageMaxLength {stage.PassageMaxLength}, but the sentences of a graded pair are cut alike; set both to one number.");
        }
        if (stage.QueryInstruction.Length + stage.PassageInstruction.Length > 0 || stage.Pairs.Any(p => p.IsGraded && (p.QueryInstruction is { Length: > 0 } || p.PassageInstruction is { Length: > 0 })))
        {
            throw places.Error($"{path}.pairs", "has graded sentence pairs, which are compared without instructions; leave queryInstruction and passageInstruction out.");
        }
    }

    // Options that would do nothing beside the others: whoever sets one expects that it does.
    private static void CheckIdle(ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        bool one = stage.Outputs.Distinct().Count() < 2;
        foreach ((bool idle, string name, string why) in (ReadOnlySpan<(bool, string, string)>)[
            (stage.MixSources && stage.SourceMixing != Usual.SourceMixing, "sourceMixing", "shares batches out among sources, and with mixSources a batch is of all of them; leave one of them out."),
            (stage.VectorSize > 0 && !stage.Outputs.Contains("multi"), "vectorSize", "is about the output \"multi\", which is not trained here; add it to outputs or leave vectorSize out."),
            (stage.SelfDistillationStart != Usual.SelfDistillationStart && !stage.SelfDistillation, "selfDistillationStart", "does nothing without selfDistillation; set that to true or leave it out."),
            (one && stage.EnsembleWeights != Usual.EnsembleWeights, "ensembleWeights", "are those of an ensemble, and there is one output; add outputs or leave them out."),
            (one && stage.LossWeights != Usual.LossWeights, "lossWeights", "weigh outputs against each other, and there is one; add outputs or leave them out."),
            (stage.FalseNegativeMargin > -1 && !stage.Outputs.Contains("dense"), "falseNegativeMargin", "is a difference of cosines, which only the dense output gives; add \"dense\" to outputs or leave it out.")])
        {
            if (idle)
            {
                throw places.Error($"{path}.{name}", why);
            }
        }
    }
}

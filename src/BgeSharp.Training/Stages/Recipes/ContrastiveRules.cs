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
        for (int i = 0; i < stage.Freeze.Count; i++)
        {
            string part = stage.Freeze[i];
            bool known = part is "encoder" or "embeddings" || (part.StartsWith("layers:", StringComparison.Ordinal) && int.TryParse(part.AsSpan("layers:".Length), out int count) && count > 0);
            if (!known)
            {
                throw places.Error($"{path}.freeze[{i}]", $"is \"{part}\"; known are \"encoder\", \"embeddings\" and \"layers:N\" (the lowest N layers).");
            }
        }
        if (stage.Distillation is { TeacherStage.Length: > 0 } distillation
            && !recipe.Stages.TakeWhile(s => !ReferenceEquals(s, stage)).OfType<RerankerStageOptions>().Any(s => s.Label == distillation.TeacherStage))
        {
            throw places.Error($"{path}.distillation.teacherStage", $"is \"{distillation.TeacherStage}\"; no stage of type \"reranker\" before this one has that name.");
        }
        if (stage.Lora is null && stage.Freeze.Contains("encoder") && stage.Outputs is ["dense"])
        {
            throw places.Error($"{path}.freeze", "freezes the encoder, and the dense output has no weights of its own: the stage would train nothing.");
        }
        CheckScores(stage, path, places);
    }

    // What is mined carries no scores: a stage that learns from scores would find out only when it begins.
    private static void CheckScores(ContrastiveStageOptions stage, string path, RecipePlaces places)
    {
        bool mined = stage.Pairs.Count == 0 || stage.Pairs.Any(p => p.IsMined);
        bool minedOnly = stage.Pairs.All(p => p.IsMined), untaught = stage.Distillation is { Teacher: "", TeacherStage: "" };
        if (untaught && (minedOnly || stage.HardNegatives is not null))
        {
            throw places.Error($"{path}.distillation", $"has no teacher, so it takes scores from the pair files, but {(minedOnly ? "pairs mined from the documents" : "negatives that are mined (hardNegatives)")} have none; name a teacher or a teacherStage.");
        }
        if (stage is { Distillation: not null, HardNegatives: null } && mined && !untaught)
        {
            throw places.Error($"{path}.distillation", "needs negatives, and pairs mined from the documents have none; set hardNegatives, or leave the mined pairs out.");
        }
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
            (stage.Lora is not null && stage.Freeze.Count > 0, "freeze", "does nothing beside lora, which trains adapters and heads alone; leave one of them out."),
            (stage.Distillation is { Teacher.Length: > 0, TeacherStage.Length: > 0 }, "distillation.teacher", "stands beside teacherStage, and only one teacher can score; leave one of them out."),
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

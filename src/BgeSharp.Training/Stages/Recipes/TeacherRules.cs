// Rules between a stage, its teachers, and the scores that it learns from.

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Checks what a stage's teachers mean beside its other options.</summary>
internal static class TeacherRules
{
    private static readonly HardNegativeOptions Usual = new();

    /// <summary>Throws for the first rule broken.</summary>
    public static void Check(Recipe recipe, StageOptions stage, string path, RecipePlaces places)
    {
        foreach ((ITeacherChoice choice, string option) in TeacherChoices.Of(stage))
        {
            if (choice is { Teacher.Length: > 0, TeacherStage.Length: > 0 })
            {
                throw places.Error($"{path}.{option}.teacher", "stands beside teacherStage, and only one teacher can score; leave one of them out.");
            }
            if (choice.TeacherStage.Length > 0 && !recipe.Stages.TakeWhile(s => !ReferenceEquals(s, stage)).OfType<RerankerStageOptions>().Any(s => s.Label == choice.TeacherStage))
            {
                throw places.Error($"{path}.{option}.teacherStage", $"is \"{choice.TeacherStage}\"; no stage of type \"reranker\" before this one has that name.");
            }
        }
        if (TeacherChoices.Negatives(stage) is { } negatives && negatives.TeacherMargin != Usual.TeacherMargin && !negatives.IsNamed())
        {
            throw places.Error($"{path}.hardNegatives.teacherMargin", "is about a teacher, and there is none; name a teacher or a teacherStage, or leave it out.");
        }
        CheckScores(stage, path, places);
    }

    // What is mined carries no scores: a stage that learns from scores would find out only when it begins.
    private static void CheckScores(StageOptions stage, string path, RecipePlaces places)
    {
        if (TeacherChoices.Distillation(stage) is not { } distillation)
        {
            return;
        }
        IReadOnlyList<PairSourceOptions> pairs = stage is RerankerStageOptions reranker ? reranker.Pairs : ((ContrastiveStageOptions)stage).Pairs;
        bool minedOnly = pairs.All(p => p.IsMined), negatives = TeacherChoices.Negatives(stage) is not null;
        if (!distillation.IsNamed() && (minedOnly || negatives))
        {
            throw places.Error($"{path}.distillation", $"has no teacher, so it takes scores from the pair files, but {(minedOnly ? "pairs mined from the documents" : "negatives that are mined (hardNegatives)")} have none; name a teacher or a teacherStage.");
        }
        if (distillation.IsNamed() && !negatives && (pairs.Count == 0 || pairs.Any(p => p.IsMined)))
        {
            throw places.Error($"{path}.distillation", "needs negatives, and pairs mined from the documents have none; set hardNegatives, or leave the mined pairs out.");
        }
    }
}

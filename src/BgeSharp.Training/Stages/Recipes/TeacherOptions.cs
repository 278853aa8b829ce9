// Who judges for a stage: a cross-encoder whose scores are learnt from (distillation), or which keeps answers out of the negatives (hardNegatives).

using System.ComponentModel.DataAnnotations;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>A choice of teacher: a folder, an earlier stage, or neither.</summary>
public interface ITeacherChoice
{
    /// <summary>A cross-encoder's model folder; empty for none.</summary>
    string Teacher { get; }

    /// <summary>Name of an earlier stage of type "reranker"; empty for none.</summary>
    string TeacherStage { get; }
}

/// <summary>How a cross-encoder uses the scores of another.</summary>
public sealed record RerankerDistillationOptions : ITeacherChoice
{
    /// <summary>What the loss gets beside that of the positive: "kl_div" or "margin_mse".</summary>
    [AllowedValues("kl_div", "margin_mse")] public string Loss { get; init; } = "kl_div";

    /// <summary>Teacher scores are divided by this. FlagEmbedding: 1.</summary>
    [Range(1e-3, 1e3)] public double Temperature { get; init; } = 1;

    /// <summary>A cross-encoder's model folder that scores positives and negatives before the stage begins; it must have the run's vocabulary. Empty for none.</summary>
    [RecipePath] public string Teacher { get; init; } = "";

    /// <summary>Name of an earlier stage of type "reranker" that does so; empty for none. Without either, the files bring pos_scores and neg_scores.</summary>
    public string TeacherStage { get; init; } = "";
}

/// <summary>The teachers that a stage's options may name.</summary>
public static class TeacherChoices
{
    /// <summary>What learns from scores; null where nothing does.</summary>
    public static ITeacherChoice? Distillation(StageOptions stage) => stage switch
    {
        ContrastiveStageOptions contrastive => contrastive.Distillation,
        RerankerStageOptions reranker => reranker.Distillation,
        _ => null,
    };

    /// <summary>What negatives are mined by; null where none are.</summary>
    public static HardNegativeOptions? Negatives(StageOptions stage) => stage switch
    {
        ContrastiveStageOptions contrastive => contrastive.HardNegatives,
        RerankerStageOptions reranker => reranker.HardNegatives,
        _ => null,
    };

    /// <summary>Each choice of a stage with the option it stands under.</summary>
    public static IEnumerable<(ITeacherChoice Choice, string Option)> Of(StageOptions stage)
    {
        if (Distillation(stage) is { } distillation)
        {
            yield return (distillation, "distillation");
        }
        if (Negatives(stage) is { } negatives)
        {
            yield return (negatives, "hardNegatives");
        }
    }

    /// <summary>True when a folder or a stage is named.</summary>
    public static bool IsNamed(this ITeacherChoice choice)
    {
        ArgumentNullException.ThrowIfNull(choice);
        return choice.Teacher.Length + choice.TeacherStage.Length > 0;
    }
}

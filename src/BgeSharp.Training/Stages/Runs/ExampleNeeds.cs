// What a stage needs of its examples beyond a query and a text that answers it. Asked of each example as its file is read: nothing has to be tokenised for it.

using System.Globalization;
using BgeSharp.Training.Data;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Asks the examples of a stage for negatives, scores and grades.</summary>
public sealed record ExampleNeeds
{
    private ExampleNeeds(string why) => Why = why;

    private string Why { get; }

    private bool Scores { get; init; }

    private bool Negatives { get; init; }

    private bool Cosines { get; init; }

    private bool LonePairs { get; init; }

    /// <summary>The needs of a stage; null when a query and a text that answers it will do.</summary>
    public static ExampleNeeds? Of(StageOptions stage) => stage switch
    {
        ContrastiveStageOptions { Distillation: { } distillation } taught => new("distillation")
        {
            Scores = distillation is { Teacher: "", TeacherStage: "" },
            Negatives = taught.HardNegatives is null,
        },
        ContrastiveStageOptions { Objective: not "contrastive" } graded => new($"the objective \"{graded.Objective}\"") { Scores = true, LonePairs = true, Cosines = graded.Objective == "cosine" },
        _ => null,
    };

    /// <summary>Throws when an example lacks what the stage needs.</summary>
    /// <param name="example">The example.</param>
    /// <param name="file">Where it stands.</param>
    /// <param name="number">Its number in the file, from 1.</param>
    /// <exception cref="BadInput">Names the file, what is missing and what to do.</exception>
    public void Check(TrainingExample example, string file, int number)
    {
        if (LonePairs && example.Type == "only_1neg")
        {
            throw new BadInput($"{file}: example {number} has the type \"only_1neg\", which makes groups of two passages, but {Why} compares one pair at a time; take the type out.");
        }
        string? missing = Scores && example.PositiveScores is null ? "pos_scores" : !Negatives ? null
            : example.Negatives.All(example.Positives.Contains) ? "neg" : Scores && example.NegativeScores is null ? "neg_scores" : null;
        if (missing is not null)
        {
            string remedy = missing != "neg" ? Negatives ? "add scores with \"bge score --pairs\", or name a teacher in \"distillation\"." : "give each text of \"pos\" its grade."
                : "give texts that do not answer the query, mine them (hardNegatives), or leave the example out.";
            throw new BadInput($"{file}: example {number} has no \"{missing}\", which {Why} needs; {remedy}");
        }
        if (Cosines && example.PositiveScores!.FirstOrDefault(s => (float)s is < -1 or > 1) is { } grade and not 0)
        {
            throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"{file}: example {number} has the grade {grade}, but the objective \"cosine\" takes grades for cosines, -1 to 1; divide them (STS grades of 0 to 5 by 5), or use \"cosent\", which looks at their order."));
        }
    }
}

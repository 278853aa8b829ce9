// What a stage needs of its examples beyond a query and a text that answers it. Asked of each example as its file is read: nothing has to be tokenised for it.

using System.Globalization;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Asks the examples of a stage for negatives, scores and grades.</summary>
public sealed record ExampleNeeds
{
    private ExampleNeeds(string why) => Why = why;

    private string Why { get; }

    private bool Scores { get; init; }

    /// <summary>True where a stage learns from the scores of files that have some and from the rest without a teacher; at least one must have some.</summary>
    public bool AnyScores { get; private init; }

    private bool Negatives { get; init; }

    private bool Cosines { get; init; }

    private bool LonePairs { get; init; }

    private bool OthersAsNegatives { get; init; }

    /// <summary>The needs of a stage; null when a query and a text that answers it will do.</summary>
    public static ExampleNeeds? Of(StageOptions stage) => stage switch
    {
        _ when TeacherChoices.Distillation(stage) is { } distillation => new("distillation")
        {
            Scores = !distillation.IsNamed(),
            AnyScores = !distillation.IsNamed(),
            Negatives = TeacherChoices.Negatives(stage) is null,
        },
        ContrastiveStageOptions { Objective: not "contrastive" } graded => new($"the objective \"{graded.Objective}\"") { Scores = true, LonePairs = true, Cosines = graded.Objective == "cosine" },
        ContrastiveStageOptions { GroupSize: 1 } when StagePairs.Of(stage).Any(HoldsOwnGroups) => new("groupSize 1") { OthersAsNegatives = true },
        _ => null,
    };

    private static bool HoldsOwnGroups(PairSourceOptions source)
        => !source.IsMined && (Directory.Exists(source.Path) ? Directory.GetFiles(source.Path) : [source.Path]).Any(file => new PairSource(file, "").OwnGroupOnly);

    /// <summary>Throws when an example lacks what the stage needs.</summary>
    /// <param name="scored">Whether the first example of its source has scores: where it has none and others of the stage may, none of its source needs any.</param>
    /// <param name="example">The example.</param>
    /// <param name="file">Where it stands.</param>
    /// <param name="number">Its number in the file, from 1.</param>
    /// <exception cref="BadInput">Names the file, what is missing and what to do.</exception>
    public void Check(bool scored, TrainingExample example, string file, int number)
    {
        if (AnyScores && !scored)
        {
            if (example.PositiveScores is not null)
            {
                throw new BadInput($"{file}: example {number} has \"pos_scores\", and the first of its source has none; {Why} takes scores for all examples of a source or for none: add them with \"bge score --pairs\", or take them out.");
            }
            return;
        }
        if (LonePairs && example.Type == "only_1neg")
        {
            throw new BadInput($"{file}: example {number} has the type \"only_1neg\", which makes groups of two passages, but {Why} compares one pair at a time; take the type out.");
        }
        if (OthersAsNegatives && example.Type is not "only_1neg" && new PairSource(file, "").OwnGroupOnly)
        {
            throw new BadInput($"{file}: its name says that a query is compared with its own group only (no_in_batch_neg), but with {Why} a query is alone in it, and would learn nothing; raise groupSize, or rename the file.");
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

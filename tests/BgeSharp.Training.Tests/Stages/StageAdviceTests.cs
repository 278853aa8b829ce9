using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Stages.Advice;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Stages;

public class StageAdviceTests
{
    private static DataSurvey Survey(long characters, long pairs, long labelled)
    {
        var mined = new PairStatistics();
        mined.Sources["s"] = new SourceCount { Kept = 1 + (characters / 1000), Characters = characters };
        mined.Pairs["title-body"] = new(StringComparer.Ordinal) { ["zh"] = pairs };
        mined.PassageLengths["title-body"] = [.. PairStatistics.LengthEdges.Select(e => e == 192 ? pairs : 0)];
        mined.QueryLengths["title-body"] = [.. PairStatistics.LengthEdges.Select(e => e == 12 ? pairs : 0)];
        return new DataSurvey(mined, labelled, 0.7, false);
    }

    private static (string Run, Recipe Recipe) Advise(DataSurvey survey, double speed, double hours)
    {
        (IReadOnlyList<StageVerdict> verdicts, Recipe recipe) = StageAdvice.Of(survey, new MeasuredSpeed(speed, speed), hours, [new DocumentSourceOptions { Name = "s", Path = AppContext.BaseDirectory }], [AppContext.BaseDirectory], "advised");
        Assert.All(verdicts, v => Assert.True(v.Why.Length > 20 && v.Hours <= hours));
        return (string.Join(' ', verdicts.Where(v => v.Run).Select(v => v.Stage)), recipe);
    }

    [Theory]
    [InlineData(2_000_000, 5_000, 0, 5_000, 1, "model contrastive")]
    [InlineData(2_000_000, 5_000, 1000, 5_000, 1, "model contrastive finetune")]
    [InlineData(500_000_000, 900_000, 5000, 5_000, 1, "model contrastive finetune")] // no time for RetroMAE
    [InlineData(500_000_000, 900_000, 5000, 100_000, 10, "model retromae contrastive finetune")]
    [InlineData(2_000_000, 5_000, 0, 1_000_000, 100, "model contrastive")] // no text for RetroMAE
    [InlineData(20_000, 30, 50, 5_000, 1, "model")]
    [InlineData(20_000, 30, 400, 5_000, 1, "model finetune")]
    public void Stages_are_advised_by_text_pairs_labels_and_time(long characters, long pairs, long labelled, double speed, double hours, string run)
    {
        (string stages, Recipe recipe) = Advise(Survey(characters, pairs, labelled), speed, hours);
        Assert.Equal(run, stages);
        if (recipe.Stages.Count > 0)
        {
            RecipeFile.Check(recipe);
            Assert.Equal(RecipeFile.ToJson(recipe), RecipeFile.ToJson(RecipeFile.Parse(System.Text.Encoding.UTF8.GetBytes(RecipeFile.ToJson(recipe)), "r", AppContext.BaseDirectory, [])));
        }
    }

    [Fact]
    public void More_text_gets_a_larger_model_and_vocabulary()
    {
        int[] sizes = [.. new long[] { 1_000_000, 100_000_000, 500_000_000, 5_000_000_000 }.Select(t => StageAdvice.Model(t).HiddenSize)];
        Assert.Equal([256, 384, 512, 768], sizes);
        Assert.True(StageAdvice.Vocabulary(Survey(1_000_000, 1, 0)) < StageAdvice.Vocabulary(Survey(100_000_000, 1, 0)));
    }
}

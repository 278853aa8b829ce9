using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class RerankingVerdictTests
{
    [Theory]
    [InlineData(0.5, 0.6, 0.6, 0.7, "ndcg@10 .550 against .650 in the mean of 2 sets")]
    [InlineData(0.9, 0.3, 0.6, 0.7, "ndcg@10 .600 against .650")]
    [InlineData(0.9, 0.5, 0.6, 0.7, null)]         // better on one set, worse on the other, better in the mean
    [InlineData(0.6, 0.7, 0.6, 0.7, null)]
    [InlineData(0.6, 0.6995, 0.6, 0.7, null)]      // the same when printed
    public void A_cross_encoder_that_makes_the_search_worse_in_the_mean_is_named(double first, double second, double firstAlone, double secondAlone, string? expected)
    {
        string[] pupils = first < 0.6 ? ["student", "other"] : [];
        string? verdict = RerankingVerdict.Of("teacher", [Result("teacher", "a", first), Result("teacher", "b", second)], [Result("dense", "b", secondAlone), Result("dense", "a", firstAlone), Result("dense", "c", 1), Result("dense", "a", 0)], pupils);
        if (expected is null)
        {
            Assert.Null(verdict);
            return;
        }
        Assert.Contains(expected.Replace(" .", " 0.", StringComparison.Ordinal), verdict, StringComparison.Ordinal);
        Assert.Contains("stage \"teacher\"", verdict, StringComparison.Ordinal);
        Assert.Equal(pupils.Length > 0, verdict!.Contains("what \"student\" and \"other\" takes from it is likely to do harm", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_results_of_the_search_alone_nothing_is_said()
        => Assert.Null(RerankingVerdict.Of("teacher", [Result("teacher", "a", 0.1)], [], []));

    private static StageResult Result(string stage, string set, double value) => new(stage, set, "dense", new Dictionary<string, double> { ["ndcg@10"] = value });
}

// Every recipe in recipes/ is one: known fields, and values in range up to the first path outside the project that is missing.

using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Recipes;

public sealed class ShippedRecipesTests
{
    public static TheoryData<string> Runs => ["quickstart", "smoke", "zh-small", "m3-small", "ablation-zh"];

    [Theory, MemberData(nameof(Runs))]
    public void A_recipe_of_a_run_binds(string name) => Accept(() => RecipeFile.Load(Path.Combine(GoldenCase.ProjectRoot, "recipes", name + ".json"), []));

    [Fact]
    public void The_recipe_of_pairs_binds() => Accept(() => RecipeFile.LoadPairs(Path.Combine(GoldenCase.ProjectRoot, "recipes", "pairs-zh.json"), []));

    private static void Accept(Action load)
    {
        try
        {
            load();
        }
        catch (BadInput missing)
        {
            Assert.Contains("shared/data", missing.Message, StringComparison.Ordinal);
            Assert.EndsWith("no such file or folder.", missing.Message, StringComparison.Ordinal);
        }
    }
}

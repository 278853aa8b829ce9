// What a run leaves for the next one, and what keeps two of them apart.

using System.Text.Json.Nodes;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Tests.Data.Mining;

public class MiningFolderTests
{
    private sealed class Kill : Exception;

    private static PairStatistics Mine(PairRecipe recipe, string output, Action<long, long>? progress = null, bool restart = false, bool boilerplate = true)
    {
        MiningPlan plan = PairRecipePlan.Of(recipe);
        plan = plan with { Cleaning = plan.Cleaning with { Boilerplate = boilerplate } };
        var place = new MiningPlace(output, null, 2, TimeProvider.System) { CheckpointEvery = TimeSpan.Zero, Progress = progress, Restart = restart };
        return new MiningRun(plan, place).Run(stop: TestContext.Current.CancellationToken);
    }

    // Stops a run in its n-th unit: what came before is in its last checkpoint.
    private static void Stop(PairRecipe recipe, string output, int unit, bool boilerplate = true)
    {
        int left = unit;
        Assert.Throws<Kill>(() => Mine(recipe, output, (_, _) =>
        {
            if (--left == 0)
            {
                throw new Kill();
            }
        }, boilerplate: boilerplate));
    }

    private static PairRecipe Recipe(string path, string? title = null)
    {
        PairRecipe recipe = Corpora.Recipe(path) with { HeldOut = 0 };
        return title is null ? recipe : recipe with { Sources = [recipe.Sources[0] with { Fields = new Dictionary<string, string> { ["title"] = title } }] };
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_second_run_into_one_file_is_refused_and_does_not_disturb_the_first(bool restart)
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Recipe(folder.Write("a.jsonl", Corpora.Pages(600, 1)));
        var said = new List<string>();
        Mine(recipe, folder.Path + "/one.jsonl", (_, _) => said.Add(Assert.Throws<BadInput>(() => Mine(recipe, folder.Path + "/one.jsonl", restart: restart)).Message));
        Assert.True(said.Count > 2);
        Assert.All(said, s => Assert.Equal($"{folder.Path}/one.jsonl.work: another bge is mining there; wait until it ends, or choose another --out.", s));
        Mine(recipe, folder.Path + "/two.jsonl");
        Assert.Equal(File.ReadAllBytes(folder.Path + "/two.jsonl"), File.ReadAllBytes(folder.Path + "/one.jsonl"));
        Assert.Equal(["a.jsonl", "one.jsonl", "two.jsonl"], folder.Contents().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_run_begins_anew_when_it_is_told_to_and_after_a_file_changed()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("a.jsonl", Corpora.Pages(600, 1)), output = folder.Path + "/o.jsonl";
        Stop(Recipe(input), output, 3);
        var read = new List<long>();
        Mine(Recipe(input), output, (bytes, _) => read.Add(bytes), restart: true);
        var whole = new List<long>();
        Mine(Recipe(input), folder.Path + "/p.jsonl", (bytes, _) => whole.Add(bytes));
        Assert.Equal(whole, read);
        Stop(Recipe(input), output, 3);
        folder.Write("a.jsonl", Corpora.Pages(601, 1));
        Mine(Recipe(input), output);
        Mine(Recipe(input), folder.Path + "/q.jsonl");
        Assert.Equal(File.ReadAllBytes(folder.Path + "/q.jsonl"), File.ReadAllBytes(output));
    }

    [Fact]
    public void The_state_does_not_grow_with_the_files_and_one_of_an_earlier_form_begins_anew()
    {
        using var folder = new TemporaryFolder();
        var random = new SeededRandom(1);
        for (int i = 0; i < 300; i++)
        {
            folder.Write($"docs/a-page-with-quite-a-long-name-{i:000}.md", $"# 第{i}页说的是什么\n\n{Corpora.Sentence(ref random)}{Corpora.Sentence(ref random)}");
        }
        PairRecipe recipe = Recipe(folder.Path + "/docs");
        string output = folder.Path + "/o.jsonl", state = output + ".work/state.json";
        Stop(recipe, output, 6);
        string written = File.ReadAllText(state);
        Assert.Matches("\"Fingerprint\":\"[0-9a-f]{64}\"", written);
        Assert.DoesNotContain("a-page-with-quite-a-long-name", written, StringComparison.Ordinal);
        JsonObject earlier = JsonNode.Parse(written)!.AsObject();
        earlier["Fingerprint"] = "{\"name\":\"test\"}\nsource 0\na-page-with-quite-a-long-name-000.md 120 638000000000000000";
        earlier.Remove("Fields");
        File.WriteAllText(state, earlier.ToJsonString());
        Mine(recipe, output);
        Mine(recipe, folder.Path + "/p.jsonl");
        Assert.Equal(File.ReadAllBytes(folder.Path + "/p.jsonl"), File.ReadAllBytes(output));
    }

    [Fact]
    public void A_run_that_goes_on_knows_the_fields_of_the_rows_before()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", "{\"headline\":\"只有这一行有题\",\"text\":\"有题的一行，别的行都没有题，所以题只在这里。\"}\n"
            + string.Concat(Enumerable.Range(0, 3000).Select(i => $"{{\"text\":\"没有题的第{i}行，一共有许多这样的行，它们没有题。\"}}\n")));
        Stop(Recipe(path, "headline"), folder.Path + "/o.jsonl", 3, boilerplate: false);
        Assert.True(Mine(Recipe(path, "headline"), folder.Path + "/o.jsonl", boilerplate: false).DocumentCount > 0);
        Stop(Recipe(path, "headlin"), folder.Path + "/p.jsonl", 3, boilerplate: false);
        BadInput refused = Assert.Throws<BadInput>(() => Mine(Recipe(path, "headlin"), folder.Path + "/p.jsonl", boilerplate: false));
        Assert.Equal(path + ": fields: no line has \"headlin\"; did you mean \"headline\"?", refused.Message);
        PairStatistics passed = Mine(Recipe(path, "headlin") with { SkipBad = true }, folder.Path + "/q.jsonl");
        Assert.Equal([refused.Message], passed.ProblemExamples);
    }
}

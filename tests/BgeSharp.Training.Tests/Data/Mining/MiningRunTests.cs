using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Tests.Data.Mining;

public class MiningRunTests
{
    private static PairStatistics Mine(PairRecipe recipe, string output, int threads = 1, Action<long, long>? progress = null, Func<MiningPlan, MiningPlan>? change = null)
    {
        MiningPlan plan = PairRecipePlan.Of(recipe);
        return new MiningRun(change?.Invoke(plan) ?? plan, new MiningPlace(output, recipe.HeldOut > 0 ? output + ".heldout" : null, threads, TimeProvider.System) { CheckpointEvery = TimeSpan.Zero, Progress = progress }).Run(stop: TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Any_number_of_threads_writes_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Corpora.Recipe(folder.Write("a.jsonl", Corpora.Pages(900, 1)), folder.Write("b.jsonl.gz", TemporaryFolder.Gzip(Corpora.Pages(300, 5000))));
        PairStatistics one = Mine(recipe, folder.Path + "/one.jsonl"), four = Mine(recipe, folder.Path + "/four.jsonl", threads: 4);
        Assert.Equal(File.ReadAllBytes(folder.Path + "/one.jsonl"), File.ReadAllBytes(folder.Path + "/four.jsonl"));
        Assert.Equal(File.ReadAllBytes(folder.Path + "/one.jsonl.heldout"), File.ReadAllBytes(folder.Path + "/four.jsonl.heldout"));
        Assert.Equal(System.Text.Json.JsonSerializer.Serialize(one), System.Text.Json.JsonSerializer.Serialize(four));
        Assert.Equal(["cross-lingual", "inverse-cloze", "neighbours", "question-answer", "random-crop", "title-body", "translated-title"], one.Pairs.Keys);
        foreach (string reason in (string[])["boilerplate", "near duplicate", "other script than its language"])
        {
            Assert.True(one.Dropped.ContainsKey(reason), reason);
        }
        Assert.False(Directory.Exists(folder.Path + "/one.jsonl.work"));
    }

    [Fact]
    public void Documents_without_a_word_are_refused_and_nothing_is_left()
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Corpora.Recipe(folder.Write("a.jsonl", "\n  \n\n")) with { HeldOut = 0 };
        string said = Assert.Throws<BadInput>(() => Mine(recipe, folder.Path + "/pairs.jsonl")).Message;
        Assert.Equal("source 0: read to the end, and there is no text in it; nothing was written.", said);
        recipe = Corpora.Recipe(folder.Write("a.jsonl", "{\n[1]\n")) with { HeldOut = 0, SkipBad = true };
        said = Assert.Throws<BadInput>(() => Mine(recipe, folder.Path + "/pairs.jsonl")).Message;
        Assert.Contains("Passed over as wrong: 2, the first: ", said, StringComparison.Ordinal);
        Assert.Single(folder.Contents());
    }

    private sealed class Kill : Exception;

    [Fact]
    public void A_miner_killed_fifty_times_writes_what_it_writes_undisturbed()
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Corpora.Recipe(folder.Write("a.jsonl", Corpora.Pages(1000, 1)), folder.Write("b.jsonl.gz", TemporaryFolder.Gzip(Corpora.Pages(700, 90_000))));
        recipe = recipe with { Mix = new PairMixOptions { Alpha = 0.5 } };
        PairStatistics undisturbed = Mine(recipe, folder.Path + "/whole.jsonl");
        int kills = 0;
        for (int seed = 1; kills < 50; seed++)
        {
            string output = $"{folder.Path}/{seed}.jsonl";
            var random = new SeededRandom((ulong)seed);
            PairStatistics? result = null;
            while (result is null)
            {
                try
                {
                    int left = 1 + random.Next(6);
                    result = Mine(recipe, output, threads: 1 + random.Next(2), (_, _) =>
                    {
                        if (--left == 0)
                        {
                            throw new Kill();
                        }
                    }, plan => plan with { Sources = [.. plan.Sources.Select(s => s with { Units = new Failing(s.Units, random.Next(12)) })] });
                }
                catch (Kill)
                {
                    kills++;
                    // What a power cut may leave behind the last checkpoint.
                    File.AppendAllText(output + ".work/pairs.jsonl", "half a li");
                    File.AppendAllText(output + ".work/repeats.hashes", "12345");
                }
            }
            Assert.Equal(File.ReadAllBytes(folder.Path + "/whole.jsonl"), File.ReadAllBytes(output));
            Assert.Equal(File.ReadAllBytes(folder.Path + "/whole.jsonl.heldout"), File.ReadAllBytes(output + ".heldout"));
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(undisturbed), System.Text.Json.JsonSerializer.Serialize(result));
        }
    }

    // Dies while a unit is read or parsed, in whichever thread that is; at the first tries only, so that a run can get through.
    private sealed class Failing(IDocumentUnits inner, int at) : IDocumentUnits
    {
        public string Fingerprint => inner.Fingerprint;

        public IEnumerable<DocumentUnit> From(ReadPosition start) => inner.From(start).Select((u, i) => u with { Parse = () => i == at && start.Offset == 0 && at < 6 ? throw new Kill() : u.Parse() });
    }

    [Fact]
    public void Another_recipe_does_not_go_on_with_a_stopped_run()
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Corpora.Recipe(folder.Write("a.jsonl", Corpora.Pages(2000, 1)));
        string output = folder.Path + "/o.jsonl";
        Assert.Throws<Kill>(() => Mine(recipe, output, progress: (_, _) => throw new Kill()));
        PairStatistics result = Mine(recipe with { PassageCharacters = 60 }, output);
        Mine(recipe with { PassageCharacters = 60 }, folder.Path + "/p.jsonl");
        Assert.Equal(File.ReadAllBytes(folder.Path + "/p.jsonl"), File.ReadAllBytes(output));
        Assert.True(result.PairCount > 0);
    }

    [Fact]
    public void No_group_is_on_both_sides_of_the_split_in_any_language()
    {
        using var folder = new TemporaryFolder();
        PairRecipe recipe = Corpora.Recipe(folder.Write("a.jsonl", Corpora.Pages(600, 1))) with { HeldOut = 0.3 };
        PairStatistics result = Mine(recipe, folder.Path + "/o.jsonl");
        static HashSet<string> Groups(string path) => [.. PairFile.Read(path).Select(p => p.Group!)];
        HashSet<string> training = Groups(folder.Path + "/o.jsonl"), heldOut = Groups(folder.Path + "/o.jsonl.heldout");
        Assert.Empty(training.Intersect(heldOut));
        Assert.InRange((double)heldOut.Count / (training.Count + heldOut.Count), 0.22, 0.38);
        Assert.Contains("1.md", training.Union(heldOut)); // zh/1.md and en/1.md are one page
        Assert.True(result.Sources.Values.Sum(s => s.HeldOutPairs) > 0);
    }

    [Fact]
    public void Wrong_lines_are_passed_over_with_a_count_or_refused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("d/a.jsonl", "{\"title\":\"怎样选择许可证\",\"text\":\"选择许可证之前，先想清楚你愿意让别人做什么，不愿意让别人做什么。\"}\n{broken\n[1]\n{\"text\":7}\n");
        folder.Write("d/b.md", new string('>', 20_000) + " 深");
        folder.Write("d/c.parquet", "PAR1 not really");
        folder.Write("d/e.html", "<p><div></p><table><b>" + string.Concat(Enumerable.Repeat("<div>", 20_000)) + "怎样都能读出一些字来的网页。");
        PairRecipe recipe = Corpora.Recipe(folder.Path + "/d") with { SkipBad = true, HeldOut = 0 };
        PairStatistics result = Mine(recipe, folder.Path + "/o.jsonl", threads: 2);
        Assert.Equal(1, result.PairCount == 0 ? 0 : 1);
        Assert.Equal(5, result.Problems);
        Assert.Contains(result.ProblemExamples, p => p.Contains("a.jsonl:2: not JSON", StringComparison.Ordinal));
        BadInput refused = Assert.Throws<BadInput>(() => Mine(recipe with { SkipBad = false }, folder.Path + "/p.jsonl"));
        Assert.Contains("a.jsonl:2", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.Path + "/p.jsonl"));
    }

    [Fact]
    public void A_line_without_end_is_passed_over_without_being_held()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Path + "/a.jsonl";
        using (FileStream file = File.Create(path))
        {
            file.Write("{\"text\":\"前面的一行，好好的，有二十个字以上，可以用来做一段文字。\"}\n"u8);
            file.SetLength(300L << 20); // a hole: takes no disk
            file.Seek(0, SeekOrigin.End);
            file.Write("\n{\"text\":\"后面的一行，好好的，有二十个字以上，可以用来做一段文字。\"}\n"u8);
        }
        UnitContent[] units = [.. new DocumentUnits(path, "jsonl", null, skipBad: true).From(default).Select(u => u.Parse())];
        Assert.Equal(["a.jsonl:1", "a.jsonl:3"], units.SelectMany(u => u.Documents).Select(d => d.Id));
        Assert.Contains("a.jsonl:2: the line has more than 64 MiB", Assert.Single(units.SelectMany(u => u.Problems)), StringComparison.Ordinal);
        Assert.Contains("a.jsonl:2: the line has more than 64 MiB", Assert.Throws<BadInput>(() => new DocumentUnits(path, "jsonl", null, skipBad: false).From(default).Select(u => u.Parse()).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_goes_on_from_any_unit()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.jsonl", Corpora.Pages(1500, 1));
        folder.Write("b.jsonl.gz", TemporaryFolder.Gzip("\uFEFF" + Corpora.Pages(1500, 7)));
        folder.Write("c.csv", "id,text\n" + string.Concat(Enumerable.Range(0, 700).Select(i => $"{i},\"第{i}行，\n有换行。\"\n")));
        folder.Write("d/e.md", "# 题\n\n正文。");
        folder.Write("d/f.txt", "正文也有。");
        var corpus = new DocumentUnits(folder.Path, "auto", null, skipBad: false);
        DocumentUnit[] units = [.. corpus.From(default)];
        string[] ids = [.. units.SelectMany(u => u.Parse().Documents.Select(d => d.Id))];
        Assert.True(units.Length > 6);
        int before = 0;
        foreach (DocumentUnit unit in units)
        {
            before += unit.Parse().Documents.Count;
            Assert.Equal(ids[before..], corpus.From(unit.After).SelectMany(u => u.Parse().Documents.Select(d => d.Id)));
        }
    }
}

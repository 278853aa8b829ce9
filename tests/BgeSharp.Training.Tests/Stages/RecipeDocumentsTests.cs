// Held-out sets of a recipe: queries that somebody could ask, and one index over all sources.

using BgeSharp.Formats.Collections;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Tests.Stages;

public sealed class RecipeDocumentsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bge-documents").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Held_out_queries_come_from_structure_where_a_source_is_mined_for_it()
    {
        var both = new RecipeDocuments(Recipe(["title-body", "inverse-cloze"]));
        var cloze = new RecipeDocuments(Recipe(["inverse-cloze"]));
        RetrievalSet asked = Assert.Single(both.HeldOutSets());
        Assert.All(asked.Queries, query => Assert.StartsWith("第", query.Text, StringComparison.Ordinal));
        Assert.Contains(both.TrainingPairs(), pair => pair.Miner == "inverse-cloze");
        Assert.NotEmpty(Assert.Single(cloze.HeldOutSets()).Queries);
    }

    [Fact]
    public void Sets_put_together_keep_every_passage_query_and_judgement_under_a_name_of_its_own()
    {
        RetrievalSet joint = RecipeDocuments.Together("heldout", [Set("heldout:a", 2), Set("heldout:b", 1)]);
        Assert.Equal(["a/p0", "a/p1", "b/p0"], joint.Corpus.Select(p => p.Id));
        Assert.Equal(["a/q0", "a/q1", "b/q0"], joint.Queries.Select(q => q.Id));
        Assert.Equal(3, joint.Qrels.Count);
        Assert.Equal(2, joint.Qrels["b/q0"]["b/p0"]);
        Assert.Empty(joint.Qrels["q0"]);
    }

    [Fact]
    public void Sources_that_go_by_the_name_of_one_file_have_sets_of_their_own()
    {
        Recipe recipe = Recipe(["title-body"]);
        DocumentSourceOptions unnamed = recipe.Data.Documents[0] with { Name = "" };
        RetrievalSet[] sets = [.. new RecipeDocuments(recipe with { Data = recipe.Data with { Documents = [unnamed, unnamed] } }).HeldOutSets()];
        Assert.Equal(["heldout:documents", "heldout:documents-2"], sets.Select(s => s.Name));
        Assert.Equal(sets.Sum(s => s.Corpus.Count), RecipeDocuments.Together("heldout", sets).Corpus.Select(p => p.Id).Distinct().Count());
    }

    private static RetrievalSet Set(string name, int count)
    {
        var qrels = new Qrels();
        for (int i = 0; i < count; i++)
        {
            qrels.Add($"q{i}", $"p{i}", 2);
        }
        return new RetrievalSet(name, [.. Enumerable.Range(0, count).Select(i => new Passage($"p{i}", "", $"text {i}"))], [.. Enumerable.Range(0, count).Select(i => new Query($"q{i}", $"query {i}"))], qrels);
    }

    private Recipe Recipe(string[] miners)
    {
        string file = Path.Combine(_folder, "documents.jsonl");
        const string sentences = "数据库的事务要么全部完成，要么全部不做。乐观事务在提交时才检查有没有冲突。悲观事务在执行的时候就加锁等待。锁等待超时以后语句会报错并且回滚。";
        File.WriteAllLines(file, Enumerable.Range(0, 60).Select(i => $$"""{"id":"d{{i}}","title":"第{{i}}种事务模式的使用说明","text":"编号{{i}}。{{sentences}}"}"""));
        return new Recipe
        {
            Seed = 3,
            Data = new DataOptions { HeldOut = 0.3, PassageCharacters = 200, Documents = [new DocumentSourceOptions { Name = "docs", Path = file, Miners = miners }] },
        };
    }
}

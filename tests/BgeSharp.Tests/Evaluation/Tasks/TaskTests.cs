using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Tasks;

namespace BgeSharp.Tests.Evaluation.Tasks;

public class TaskTests
{
    private static readonly EvaluatedModel s_model = LetterModel.Create();

    [Fact]
    public void Sts_is_the_correlation_of_cosines()
    {
        // Cosines 1, 1/√2 (one of two letters shared, "ab" and "aa"), 0.
        TaskResult result = new StsTask("s", [new("ab", "ba", 5), new("ab", "aa", 3), new("ab", "cd", 0)]).Run(s_model);
        Assert.Equal(("sts", "spearman", 3), (result.Kind, result.Main, result.Count));
        Assert.Equal(1, result.MainValue, 6);
        Assert.InRange(result.Metrics["pearson"], 0.9, 1);
        Assert.Throws<BadInput>(() => new StsTask("s", [new("a", "b", 1), new("a", "c", 1)]).Run(s_model));
        Assert.Contains("same similarity", Assert.Single(new StsTask("s", [new("a", "a", 1), new("b", "b", 2)]).Run(s_model).Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_are_told_apart_by_their_cosine()
    {
        Assert.Equal(1, new PairClassificationTask("p", [new("ab", "ba", 1), new("ab", "cd", 0), new("ef", "ef", 1)]).Run(s_model).MainValue);
        Assert.Throws<BadInput>(() => new PairClassificationTask("p", [new("a", "b", 1)]).Run(s_model));
    }

    [Fact]
    public void Classes_are_learned_and_classes_without_examples_are_said()
    {
        LabelledText[] train = [.. Enumerable.Range(0, 20).Select(i => new LabelledText(i % 2 == 0 ? "aab" : "ccd", i % 2 == 0 ? "x" : "y"))];
        TaskResult result = new ClassificationTask("c", train, [new("aa", "x"), new("cc", "y"), new("ee", "z")]) { PerLabel = 4, Experiments = 3 }.Run(s_model);
        Assert.Equal(2 / 3.0, result.MainValue, 9);
        Assert.Contains("z", Assert.Single(result.Notes), StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => new ClassificationTask("c", [train[0]], [train[0]]).Run(s_model));
    }

    [Fact]
    public void Topics_lie_together()
    {
        LabelledText[] set = [.. Enumerable.Range(0, 12).Select(i => new LabelledText(i % 2 == 0 ? "aaab" : "cccd", i % 2 == 0 ? "x" : "y"))];
        Assert.Equal(1, new ClusteringTask("k", [set]).Run(s_model).MainValue, 9);
        Assert.Throws<BadInput>(() => new ClusteringTask("k", [[new("a", "x")]]).Run(s_model));
    }

    [Fact]
    public void Lists_are_ordered_ties_count_against_and_useless_lists_are_said()
    {
        TaskResult result = new RerankingTask("r", [new("ab", ["ba"], ["cd", "ef"]), new("ab", ["cd"], ["dc"]), new("ab", ["x"], [])]).Run(s_model);
        Assert.Equal((1 + 0.5) / 2, result.MainValue, 9);
        Assert.Contains("1 of 3", Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Translations_are_nearest_neighbours()
    {
        TaskResult result = new BitextTask("b", ["ab", "cd", "ef"], ["ba", "dc", "gh"]).Run(s_model);
        Assert.Equal(2 / 3.0, result.Metrics["accuracy_forth"], 6);
        // "ef" takes row 0 (all products 0): "ab" has precision 1/2, F1 2/3; "cd" 1.
        Assert.Equal(((2 / 3.0) + 1) / 3, result.Metrics["f1"], 6);
        Assert.Throws<BadInput>(() => new BitextTask("b", ["a"], []).Run(s_model));
        TaskResult words = new BitextTask("b", ["red house", "blue tree"], ["house", "tree"]).RunBm25();
        Assert.Equal(1, words.MainValue);
        Assert.Equal(new Dictionary<string, double> { ["0"] = 1, ["1"] = 1 }, words.PerItem);
    }
}

// What do the vectors know of a label? A logistic regression on frozen vectors of a few examples a class, repeated with other examples, tested on the rest
// (MTEB's recipe). It measures the vectors, not how well a model could be fine-tuned.

using BgeSharp.Evaluation.Learning;
using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>A text and its class.</summary>
/// <param name="Text">What is encoded.</param>
/// <param name="Label">Name of the class.</param>
public sealed record LabelledText(string Text, string Label);

/// <summary>Accuracy and macro F1 of a probe.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Train">Examples to fit on.</param>
/// <param name="Test">Examples to test on.</param>
public sealed record ClassificationTask(string Name, IReadOnlyList<LabelledText> Train, IReadOnlyList<LabelledText> Test) : ITask
{
    /// <summary>Examples a class of one fit; 0 takes all and fits once. C-MTEB takes 32.</summary>
    public int PerLabel { get; init; } = 32;

    /// <summary>Fits with other examples; figures are their means. MTEB takes 10.</summary>
    public int Experiments { get; init; } = 10;

    /// <summary>Chooses the examples.</summary>
    public long Seed { get; init; } = 42;

    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        string[] classes = [.. Train.Select(t => t.Label).Distinct().Order(StringComparer.Ordinal)];
        string[] unseen = [.. Test.Select(t => t.Label).Distinct().Except(classes)];
        if (classes.Length < 2 || Test.Count == 0)
        {
            throw new BadInput($"{Name}: {Train.Count} training texts of {classes.Length} classes and {Test.Count} test texts; two classes and one test text at least are needed.");
        }
        int[] labels = [.. Train.Select(t => Array.IndexOf(classes, t.Label))], truth = [.. Test.Select(t => Array.IndexOf(classes, t.Label))];
        float[] train = model.Dense([.. Train.Select(t => t.Text)], TextSide.Either), test = model.Dense([.. Test.Select(t => t.Text)], TextSide.Either);
        var random = new SeededRandom(unchecked((ulong)Seed));
        var right = new double[Test.Count];
        double accuracy = 0, f1 = 0;
        int fits = PerLabel > 0 ? Math.Max(1, Experiments) : 1;
        for (int fit = 0; fit < fits; fit++)
        {
            int[] rows = Sample(labels, ref random);
            float[] chosen = [.. rows.SelectMany(r => train[(r * model.Dimension)..((r + 1) * model.Dimension)])];
            int[] predicted = LogisticRegression.Fit(chosen, model.Dimension, [.. rows.Select(r => labels[r])]).Predict(test);
            var agreement = LabelAgreement.Of(predicted, truth);
            (accuracy, f1) = (accuracy + (agreement.Accuracy / fits), f1 + (agreement.MacroF1 / fits));
            for (int i = 0; i < right.Length; i++)
            {
                right[i] += predicted[i] == truth[i] ? 1.0 / fits : 0;
            }
        }
        return new TaskResult("classification", "accuracy", new Dictionary<string, double> { ["accuracy"] = accuracy, ["f1_macro"] = f1 }, Test.Count)
        {
            Interval = Bootstrap.OfMean(right),
            PerItem = right.Select((r, i) => KeyValuePair.Create(FormattableString.Invariant($"{i}"), r)).ToDictionary(),
            Notes = unseen.Length > 0 ? [$"{unseen.Length} classes occur in the test texts only and are always counted as wrong: {string.Join(", ", unseen.Take(5))}."] : [],
        };
    }

    private int[] Sample(int[] labels, ref SeededRandom random)
    {
        int[] order = [.. Enumerable.Range(0, labels.Length)];
        if (PerLabel <= 0)
        {
            return order;
        }
        random.Shuffle<int>(order);
        return [.. order.GroupBy(r => labels[r]).OrderBy(g => g.Key).SelectMany(g => g.Take(PerLabel))];
    }
}

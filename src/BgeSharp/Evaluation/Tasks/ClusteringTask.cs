// Do texts of one topic lie together? Mini-batch k-means with as many clusters as classes, V-measure against the classes (MTEB's recipe, batch 32 as C-MTEB).

using BgeSharp.Evaluation.Learning;
using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>V-measure of clusters against classes.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Sets">Each set is clustered by itself; the figure is the mean.</param>
public sealed record ClusteringTask(string Name, IReadOnlyList<IReadOnlyList<LabelledText>> Sets) : ITask
{
    /// <summary>Starts of k-means.</summary>
    public long Seed { get; init; } = 42;

    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        var values = new List<VMeasure>();
        foreach (IReadOnlyList<LabelledText> set in Sets)
        {
            string[] classes = [.. set.Select(t => t.Label).Distinct().Order(StringComparer.Ordinal)];
            if (classes.Length < 2)
            {
                throw new BadInput($"{Name}: a set of {set.Count} texts has {classes.Length} classes; two at least are needed.");
            }
            int[] clusters = MiniBatchKMeans.Fit(model.Dense([.. set.Select(t => t.Text)], TextSide.Either), model.Dimension, classes.Length, Seed);
            values.Add(VMeasure.Of(clusters, [.. set.Select(t => Array.IndexOf(classes, t.Label))]));
        }
        if (values.Count == 0)
        {
            throw new BadInput($"{Name}: there is nothing to cluster.");
        }
        return new TaskResult("clustering", "v_measure", new Dictionary<string, double>
        {
            ["v_measure"] = values.Average(v => v.V),
            ["homogeneity"] = values.Average(v => v.Homogeneity),
            ["completeness"] = values.Average(v => v.Completeness),
        }, values.Count)
        {
            Interval = values.Count > 1 ? Bootstrap.OfMean([.. values.Select(v => v.V)]) : null,
            PerItem = values.Select((v, i) => KeyValuePair.Create(FormattableString.Invariant($"{i}"), v.V)).ToDictionary(),
        };
    }
}

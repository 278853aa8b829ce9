// Semantic textual similarity: does the cosine of two sentences rise with what people said? Spearman's ρ is the figure, as in STS-B and MTEB.

using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Two texts and a score or label.</summary>
/// <param name="First">One text.</param>
/// <param name="Second">The other.</param>
/// <param name="Score">Higher means more alike.</param>
public sealed record ScoredPair(string First, string Second, double Score);

/// <summary>Correlation of cosines with human scores.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Pairs">At least two; both sides are encoded as passages (similarity is symmetric, an instruction for queries does not belong there).</param>
public sealed record StsTask(string Name, IReadOnlyList<ScoredPair> Pairs) : ITask
{
    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        double[] cosines = Cosines(model, Pairs), scores = [.. Pairs.Select(p => p.Score)];
        if (scores.Distinct().Count() < 2)
        {
            throw new BadInput($"{Name}: all {Pairs.Count} pairs have the same score, so there is no order to agree with.");
        }
        double spearman = Correlation.Spearman(cosines, scores);
        bool constant = double.IsNaN(spearman);
        return new TaskResult("sts", "spearman", new Dictionary<string, double>
        {
            ["spearman"] = constant ? 0 : spearman,
            ["pearson"] = constant ? 0 : Correlation.Pearson(cosines, scores),
        }, Pairs.Count)
        {
            Interval = Bootstrap.Of(Pairs.Count, rows => Correlation.Spearman([.. rows.Select(r => cosines[r])], [.. rows.Select(r => scores[r])]), samples: 200),
            Notes = constant ? ["The model gives all pairs the same similarity; that counts as 0."] : [],
        };
    }

    /// <summary>Cosine of each pair.</summary>
    internal static double[] Cosines(EvaluatedModel model, IReadOnlyList<ScoredPair> pairs)
    {
        (string[] texts, int[] rows) = VectorRows.Once(pairs.SelectMany(p => new[] { p.First, p.Second }));
        float[] vectors = model.Dense(texts, TextSide.Either);
        return [.. pairs.Select((_, i) => VectorRows.Cosine(VectorRows.Of(vectors, model.Dimension, rows[2 * i]), VectorRows.Of(vectors, model.Dimension, rows[(2 * i) + 1])))];
    }
}

// Weights of the hybrid, tried on a grid. Only ever on a development set: weights chosen on the test questions would flatter the test figures, so a set that
// shares questions with the test set is refused.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Modes;

/// <summary>One point of the grid.</summary>
/// <param name="Weights">By part.</param>
/// <param name="Value">The measure on the development set.</param>
public sealed record SweepPoint(IReadOnlyDictionary<string, double> Weights, double Value);

/// <summary>Tries weights.</summary>
public static class WeightSweep
{
    private static readonly double[] Grid = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2];

    /// <summary>All points, best first; among equals the one with the smaller weights beside the first part.</summary>
    /// <param name="dev">The development set.</param>
    /// <param name="candidates">Its candidates.</param>
    /// <param name="metric">What is to be high; nDCG@10 when null.</param>
    public static IReadOnlyList<SweepPoint> Run(RetrievalSet dev, HybridCandidates candidates, RetrievalMetric? metric = null)
    {
        metric ??= RetrievalMetric.Parse("ndcg@10");
        IEnumerable<double[]> points = [[]];
        foreach (string _ in candidates.Parts.Skip(1))
        {
            points = points.SelectMany(p => Grid.Select(w => (double[])[.. p, w]));
        }
        List<Dictionary<string, double>> tried = [.. points.Select(p => candidates.Parts.Zip(p.Prepend(1), (part, w) => (part, w)).ToDictionary(x => x.part, x => x.w))];
        // Every part but the first alone is worth knowing too.
        tried.AddRange(candidates.Parts.Skip(1).Select(part => candidates.Parts.ToDictionary(p => p, p => p == part ? 1.0 : 0)));
        return [.. tried.Select(w => new SweepPoint(w, RetrievalEvaluation.Evaluate(dev, candidates.Rank(w, 1000), [metric]).Metrics[metric.Name]))
            .OrderByDescending(p => p.Value).ThenBy(p => p.Weights.Values.Skip(1).Sum())];
    }

    /// <summary>Throws when the development set shares questions with the test set.</summary>
    /// <exception cref="BadInput">It does.</exception>
    public static void RequireApart(RetrievalSet dev, RetrievalSet test)
    {
        var asked = test.Queries.Select(q => q.Text).ToHashSet(StringComparer.Ordinal);
        int shared = dev.Queries.Count(q => asked.Contains(q.Text));
        if (shared > 0)
        {
            throw new BadInput($"{dev.Name}: {shared} of its {dev.Queries.Count} questions are asked in {test.Name} too; weights must be chosen on other questions than those that are reported.");
        }
    }
}

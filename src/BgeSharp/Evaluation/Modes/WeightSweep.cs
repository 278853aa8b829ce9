// Weights of the hybrid, tried on a grid. Only ever on a development set: weights chosen on the test questions would flatter the test figures, so a set that
// shares questions with the test set is refused. A point is worth what the report would say of it: the same split of documents, the same depth, the same passages left out, the same
// measure; what is high by another count need not be high by the one that is reported.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;

namespace BgeSharp.Evaluation.Modes;

/// <summary>One point of the grid.</summary>
/// <param name="Weights">By part.</param>
/// <param name="Value">The measure on the development set.</param>
/// <param name="Measure">Its name.</param>
public sealed record SweepPoint(IReadOnlyDictionary<string, double> Weights, double Value, string Measure);

/// <summary>Tries weights.</summary>
public static class WeightSweep
{
    private static readonly double[] Grid = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2];

    /// <summary>All points, best first; among equals the one with the smaller weights beside the first part.</summary>
    /// <param name="dev">The development set, put as the test set is. nDCG@10 decides, or the first of its measures where that is not among them.</param>
    /// <param name="model">Encodes the set once.</param>
    /// <exception cref="BadInput">The set is empty, nothing in it is relevant, or no weights find what is.</exception>
    public static IReadOnlyList<SweepPoint> Run(RetrievalRun dev, EvaluatedModel model)
    {
        dev.Collection.Check();
        RetrievalSet set = dev.Collection.Set;
        RetrievalRun scored = dev with { Metrics = [MeasureOf(dev.Metrics ?? RetrievalMetric.Default)] };
        SplitDocuments? split = dev.SplitTokens > 0 ? dev.Split(model) : null;
        HybridCandidates candidates = Candidates(dev, model, split);

        SweepPoint Try(Dictionary<string, double> weights)
        {
            SearchHit[][] hits = candidates.Rank(weights, dev.Options.TopK, split?.DocumentOf);
            RetrievalReport report = scored.Score("hybrid", split is null ? hits : split.ToDocuments(hits, dev.Options.TopK)).Report;
            (string measure, double value) = report.Metrics.First();
            return new SweepPoint(weights, value, measure);
        }

        SweepPoint[] points = [.. Points(candidates.Parts).Select(Try).OrderByDescending(p => p.Value).ThenBy(p => p.Weights.Values.Skip(1).Sum())];
        return points[0].Value > 0 ? points
            : throw new BadInput($"{set.Name}: no weights of the hybrid find a relevant passage of its {set.Queries.Count} questions ({points[0].Measure} is 0 with all of them), so they cannot be chosen there; name other questions.");
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

    private static List<Dictionary<string, double>> Points(IReadOnlyList<string> parts)
    {
        IEnumerable<double[]> points = [[]];
        foreach (string _ in parts.Skip(1))
        {
            points = points.SelectMany(p => Grid.Select(w => (double[])[.. p, w]));
        }
        List<Dictionary<string, double>> tried = [.. points.Select(p => parts.Zip(p.Prepend(1), (part, w) => (part, w)).ToDictionary(x => x.part, x => x.w))];
        // Every part but the first alone is worth knowing too.
        tried.AddRange(parts.Skip(1).Select(part => parts.ToDictionary(p => p, p => p == part ? 1.0 : 0)));
        return tried;
    }

    // A high share of passages without judgement is nothing to choose by.
    private static RetrievalMetric MeasureOf(IReadOnlyList<RetrievalMetric> metrics)
        => metrics.FirstOrDefault(m => m.Name == "ndcg@10") ?? metrics.FirstOrDefault(m => !m.Name.StartsWith("unjudged", StringComparison.Ordinal)) ?? RetrievalMetric.Parse("ndcg@10");

    private static HybridCandidates Candidates(RetrievalRun dev, EvaluatedModel model, SplitDocuments? split)
    {
        if (split is null)
        {
            return dev.Candidates(model);
        }
        EmbeddingModes outputs = ModeSearch.Outputs([RetrievalMode.Parse("hybrid")], model.Encoder);
        using EmbeddedCorpus corpus = model.Embed(split.Passages.Corpus.Select(p => p.FullText), outputs, dev.EmbeddingFolder, dev.ModelKey);
        return new ModeSearch(split.Passages, model, corpus, outputs, dev.Options, documentOf: split.DocumentOf).Candidates();
    }
}

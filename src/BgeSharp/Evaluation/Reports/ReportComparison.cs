// Reports side by side: rows that measure the same thing are paired, their difference is tested query by query.

using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Reports;

/// <summary>One measurement in every report.</summary>
/// <param name="Stage">Stage; empty where the reports have one stage each under different names.</param>
/// <param name="Dataset">Set.</param>
/// <param name="Mode">Search mode.</param>
/// <param name="Main">Figure that is compared.</param>
/// <param name="Values">Result of report i; null when it has none.</param>
/// <param name="Differences">Report i against the first; null for the first and where nothing can be paired.</param>
public sealed record ComparedRow(string Stage, string Dataset, string Mode, string Main, IReadOnlyList<EvaluationResult?> Values, IReadOnlyList<PairedDifference?> Differences);

/// <summary>Compares reports.</summary>
public static class ReportComparison
{
    /// <summary>All measurements of the reports, in the order of the first one.</summary>
    /// <param name="reports">Two or more.</param>
    /// <param name="samples">Sign patterns of the permutation test.</param>
    /// <param name="seed">Its seed.</param>
    public static IReadOnlyList<ComparedRow> Of(IReadOnlyList<EvaluationReport> reports, int samples = 10_000, long seed = 1)
    {
        // With one stage a report (two models measured alike) the stages' names need not agree; with several they are what is paired.
        bool single = reports.All(r => r.Results.Select(x => x.Stage).Where(s => s != "bm25").Distinct().Count() <= 1);
        string StageOf(EvaluationResult result) => single && result.Stage != "bm25" ? "" : result.Stage;
        var keys = reports.SelectMany(r => r.Results).Select(r => (Stage: StageOf(r), r.Dataset, r.Mode, r.Main)).Distinct();
        return [.. keys.Select(key =>
        {
            EvaluationResult?[] values = [.. reports.Select(report => report.Results.FirstOrDefault(r => (StageOf(r), r.Dataset, r.Mode, r.Main) == key))];
            return new ComparedRow(key.Stage, key.Dataset, key.Mode, key.Main, values, [.. values.Select((v, i) => i == 0 ? null : Difference(values[0], v, samples, seed))]);
        })];
    }

    /// <summary>The paired difference of two results over the items that both have; null when they share none.</summary>
    public static PairedDifference? Difference(EvaluationResult? first, EvaluationResult? second, int samples = 10_000, long seed = 1)
    {
        if (first is null || second is null)
        {
            return null;
        }
        string[] shared = [.. first.PerItem.Keys.Where(second.PerItem.ContainsKey).Order(StringComparer.Ordinal)];
        return shared.Length == 0 ? null : PermutationTest.Paired([.. shared.Select(k => first.PerItem[k])], [.. shared.Select(k => second.PerItem[k])], samples, seed);
    }
}

// The one reading of evaluation results that terminal and page share: rows by set, the stage before in the same mode, whether a step is more than chance.

using System.Globalization;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>A row and what its stage changed.</summary>
/// <param name="Result">The measurement.</param>
/// <param name="Step">Against the stage before in the same mode, over the same items; null for the first or where items are not paired.</param>
/// <param name="Best">True where the main figure, as printed, is the best of the set.</param>
internal sealed record EvaluationRow(EvaluationResult Result, PairedDifference? Step, bool Best);

/// <summary>Arranges results.</summary>
internal static class EvaluationTable
{
    /// <summary>Probability under which a step is marked as more than chance.</summary>
    public const double Significant = 0.05;

    private static readonly string[] Shown = ["recall@10", "recall@100", "mrr@10", "pearson", "accuracy", "f1", "f1_macro", "accuracy_forth", "accuracy_back", "homogeneity", "completeness"];

    /// <summary>Sets in order of appearance, rows in the order of the stages, the yardstick last.</summary>
    public static IReadOnlyList<(string Dataset, IReadOnlyList<EvaluationRow> Rows)> Of(EvaluationReport report) =>
    [
        .. report.Results.GroupBy(r => r.Dataset).Select(set =>
        {
            string best = set.Select(r => r.MainValue).Where(double.IsFinite).DefaultIfEmpty().Max().ToString("0.000", CultureInfo.InvariantCulture);
            var before = new Dictionary<string, EvaluationResult>();
            var rows = new List<EvaluationRow>();
            foreach (EvaluationResult result in set.OrderBy(r => r.Stage == "bm25"))
            {
                PairedDifference? step = result.Stage == "bm25" ? null : ReportComparison.Difference(before.GetValueOrDefault(result.Mode), result, samples: 2000);
                before[result.Mode] = result;
                rows.Add(new EvaluationRow(result, step, Figure(result.MainValue) == best));
            }
            return (set.Key, (IReadOnlyList<EvaluationRow>)rows);
        }),
    ];

    /// <summary>Up to two figures beside the main one.</summary>
    public static IEnumerable<(string Name, double Value)> Others(EvaluationResult result) =>
        Shown.Where(n => n != result.Main && result.Metrics.ContainsKey(n)).Take(2).Select(n => (n, result.Metrics[n]));

    /// <summary>Three decimals.</summary>
    public static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>".512-.548", or nothing.</summary>
    public static string IntervalOf(EvaluationResult result) => result.Interval is { } interval && double.IsFinite(interval.Low) ? $"{Figure(interval.Low)}–{Figure(interval.High)}" : "";

    /// <summary>"+0.041 *": the star says that chance gives such a step in less than one of twenty cases.</summary>
    public static string StepOf(PairedDifference? step) => step is { } s ? $"{ResultTable.Signed(s.Difference)}{(s.P < Significant ? " *" : "")}" : "";

    /// <summary>"p = 0.0312".</summary>
    public static string ChanceOf(PairedDifference? step) => step is { } s ? string.Create(CultureInfo.InvariantCulture, $"p = {s.P:0.0000}, {s.Better} better, {s.Worse} worse of {s.Queries}") : "";
}

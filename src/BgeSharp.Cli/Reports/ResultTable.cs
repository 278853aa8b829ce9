// The one reading of the results that the terminal and the HTML report share: what stands in which row, what is best, what a stage gained.

using System.Globalization;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Reports;

/// <summary>Results arranged by evaluation set.</summary>
internal sealed class ResultTable
{
    private static readonly (string Name, string Title)[] Usual = [("ndcg@10", "nDCG@10"), ("recall@10", "recall@10"), ("recall@100", "recall@100"), ("mrr@10", "MRR@10"), ("spearman", "Spearman")];

    private ResultTable(IReadOnlyList<string> titles, IReadOnlyList<ResultGroup> groups) => (Titles, Groups) = (titles, groups);

    /// <summary>Titles of the columns; the first that a group has figures in is the one that its gains and headlines are about.</summary>
    public IReadOnlyList<string> Titles { get; }

    /// <summary>One group for each evaluation set, in order of appearance.</summary>
    public IReadOnlyList<ResultGroup> Groups { get; }

    /// <summary>Arranges results. The usual metrics that occur are taken; when none occurs, all others.</summary>
    public static ResultTable Of(IReadOnlyList<StageResult> results)
    {
        var present = results.SelectMany(r => r.Metrics.Keys).Distinct().ToList();
        var columns = Usual.Where(c => present.Contains(c.Name)).ToList();
        if (columns.Count == 0)
        {
            columns = [.. present.Select(p => (p, p))];
        }
        string[] names = [.. columns.Select(c => c.Name)];
        var groups = results.GroupBy(r => r.Dataset).Select(g => GroupOf(g.Key, [.. g], names));
        return new ResultTable([.. columns.Select(c => c.Title)], [.. groups]);
    }

    /// <summary>Three decimals: what differences on a few hundred queries can mean.</summary>
    public static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>"+0.041" or "−0.007".</summary>
    public static string Signed(double gain) => (Math.Round(gain, 3) < 0 ? "−" : "+") + Figure(Math.Abs(gain));

    private static ResultGroup GroupOf(string dataset, StageResult[] results, string[] names)
    {
        // The lexical yardstick closes each group, wherever it was measured.
        StageResult[] ordered = [.. results.OrderBy(r => IsYardstick(r.Stage))];
        double?[] best = [.. names.Select(n => ordered.Max(r => Value(r, n)))];
        int main = Math.Max(0, Array.FindIndex(best, b => b is not null));
        var rows = new List<ResultRow>();
        var last = new Dictionary<string, double>();
        foreach (StageResult result in ordered)
        {
            double?[] values = [.. names.Select(n => Value(result, n))];
            bool[] bold = [.. values.Select((v, i) => v is { } value && Figure(value) == Figure(best[i]!.Value))];
            double? gain = null;
            if (names.Length > 0 && values[main] is { } first && !IsYardstick(result.Stage))
            {
                gain = last.TryGetValue(result.Mode, out double before) ? first - before : null;
                last[result.Mode] = first;
            }
            rows.Add(new ResultRow(result.Stage, result.Mode, values, bold, gain, IsYardstick(result.Stage)) { Main = main });
        }
        return new ResultGroup(dataset, rows) { Main = main, IsSearched = !results.All(r => r.Metrics.ContainsKey("spearman")) };
    }

    private static bool IsYardstick(string stage) => stage == "bm25";

    private static double? Value(StageResult result, string name) => result.Metrics.TryGetValue(name, out double value) && double.IsFinite(value) ? value : null;
}

/// <summary>Rows of one evaluation set.</summary>
internal sealed record ResultGroup(string Dataset, IReadOnlyList<ResultRow> Rows)
{
    /// <summary>The column that gains and headlines are about: the first with a figure.</summary>
    public int Main { get; init; }

    /// <summary>The best row of the last stage, judged by that column; null when nothing but the yardstick was measured.</summary>
    public ResultRow? Final => Rows.LastOrDefault(r => !r.IsYardstick) is { } last
        ? Rows.Where(r => r.Stage == last.Stage).MaxBy(r => r.First)
        : null;

    /// <summary>What <see cref="Final"/> is compared with: the first stage in the same mode, or else its best row; null when there is one stage only.</summary>
    public ResultRow? Start => Final is { } final && Rows.First(r => !r.IsYardstick).Stage is var first && first != final.Stage
        ? Rows.FirstOrDefault(r => r.Stage == first && r.Mode == final.Mode) ?? Rows.Where(r => r.Stage == first).MaxBy(r => r.First)
        : null;

    /// <summary>One row a stage, in the mode that most stages were measured in: what a curve over the stages can be drawn through.</summary>
    public IReadOnlyList<ResultRow> Path => [.. Rows.Where(r => !r.IsYardstick && r.First is not null).GroupBy(r => r.Mode).OrderByDescending(m => m.Count()).Take(1).SelectMany(m => m)];

    /// <summary>False for graded pairs, which are compared and not searched.</summary>
    public bool IsSearched { get; init; } = true;

    /// <summary>BM25; null when it was not measured.</summary>
    public ResultRow? Yardstick => Rows.FirstOrDefault(r => r.IsYardstick);
}

/// <summary>One row.</summary>
/// <param name="Stage">The stage's label.</param>
/// <param name="Mode">Search mode.</param>
/// <param name="Values">One for each column; null when not measured.</param>
/// <param name="Best">True where the value, as printed, is the best of the evaluation set.</param>
/// <param name="Gain">Main column: difference to the stage before in the same mode; null for the first stage.</param>
/// <param name="IsYardstick">BM25.</param>
internal sealed record ResultRow(string Stage, string Mode, IReadOnlyList<double?> Values, IReadOnlyList<bool> Best, double? Gain, bool IsYardstick)
{
    /// <summary>The group's main column.</summary>
    public int Main { get; init; }

    /// <summary>Its figure.</summary>
    public double? First => Main < Values.Count ? Values[Main] : null;
}

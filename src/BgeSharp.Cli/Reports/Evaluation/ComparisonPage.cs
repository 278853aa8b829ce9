// Reports side by side: a table with the differences to the first one and whether they are more than chance, and bars.

using System.Text;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;
using Spectre.Console;
using static BgeSharp.Cli.Reports.HtmlReport;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>Shows comparisons.</summary>
internal static class ComparisonPage
{
    /// <summary>Writes the page, all or nothing.</summary>
    public static void Write(string path, IReadOnlyList<EvaluationReport> reports, IReadOnlyList<string> names, IReadOnlyList<ComparedRow> rows) => AtomicFile.WriteText(path, Render(reports, names, rows));

    /// <summary>The page.</summary>
    /// <param name="reports">Two or more.</param>
    /// <param name="names">What to call each.</param>
    /// <param name="rows">Their comparison.</param>
    public static string Render(IReadOnlyList<EvaluationReport> reports, IReadOnlyList<string> names, IReadOnlyList<ComparedRow> rows)
    {
        StringBuilder page = HtmlPage.Begin(string.Join(" · ", names));
        page.Append(Html($"<header><h1>{string.Join(" · ", names)}</h1><div class=\"facts\"><span>{reports.Count} reports side by side</span><span>differences are to {names[0]}</span></div></header>\n"));
        foreach (IGrouping<string, ComparedRow> measure in rows.GroupBy(r => r.Main))
        {
            string[] labels = [.. measure.Select(Label)];
            BarSeries[] series = [.. names.Select((name, i) => new BarSeries(name, [.. measure.Select(r => r.Values[i]?.MainValue)], [.. measure.Select(r => r.Values[i]?.Interval)]))];
            page.Append(Html($"<h2>{measure.Key}</h2>\n<figure class=\"card bars\" style=margin:0>")).Append(new BarChart { Label = $"{measure.Key} of each report", Names = labels, Series = series, Width = 540 }.ToSvg());
            HtmlPage.Legend(page, names);
            page.Append("</figure>\n<div class=\"scroll\" style=margin-top:16px><table><thead><tr><th>set</th>");
            for (int i = 0; i < names.Count; i++)
            {
                page.Append(Html($"<th class=\"n\">{names[i]}</th>")).Append(i > 0 ? "<th class=\"n\">difference</th><th class=\"n\">p</th>" : "");
            }
            page.Append("</tr></thead><tbody>\n");
            foreach (ComparedRow row in measure)
            {
                page.Append(Html($"<tr><td>{Label(row)}</td>"));
                for (int i = 0; i < names.Count; i++)
                {
                    page.Append(Html($"<td class=\"n\">{Value(row, i)}</td>"));
                    if (i > 0)
                    {
                        string direction = row.Differences[i] is { } d && d.P < EvaluationTable.Significant ? d.Difference < 0 ? " down" : " up" : "";
                        page.Append(Html($"<td class=\"n{direction}\" title=\"{EvaluationTable.ChanceOf(row.Differences[i])}\">{Difference(row, i)}</td><td class=\"n soft\">{Chance(row, i)}</td>"));
                    }
                }
                page.Append("</tr>\n");
            }
            page.Append("</tbody></table></div>\n");
        }
        page.Append("<p class=\"small soft\">p: how often chance gives such a difference when both are equal (paired permutation test over the queries that both have). Coloured below 0.05; with many rows some fall below it by chance alone.</p>\n");
        return HtmlPage.End(page);
    }

    /// <summary>The same as a table in the terminal.</summary>
    public static void Print(IAnsiConsole console, IReadOnlyList<string> names, IReadOnlyList<ComparedRow> rows)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("set").AddColumn("measure");
        for (int i = 0; i < names.Count; i++)
        {
            table.AddColumn(new TableColumn(Markup.Escape(names[i])).RightAligned());
            if (i > 0)
            {
                table.AddColumn(new TableColumn("difference").RightAligned()).AddColumn(new TableColumn("p").RightAligned());
            }
        }
        foreach (ComparedRow row in rows)
        {
            var cells = new List<string> { Markup.Escape(Label(row)), Markup.Escape(row.Main) };
            for (int i = 0; i < names.Count; i++)
            {
                cells.Add(Value(row, i));
                cells.AddRange(i > 0 ? [Difference(row, i), Chance(row, i)] : []);
            }
            table.AddRow([.. cells]);
        }
        console.Write(table);
    }

    private static string Label(ComparedRow row) => string.Join(" · ", new[] { row.Dataset, row.Stage == "bm25" ? "" : row.Stage, row.Mode }.Where(p => p.Length > 0));

    private static string Value(ComparedRow row, int i) => row.Values[i] is { } value ? EvaluationTable.Figure(value.MainValue) : "";

    private static string Difference(ComparedRow row, int i) => row.Differences[i] is { } d ? ResultTable.Signed(d.Difference)
        : row.Values[0] is { } a && row.Values[i] is { } b ? ResultTable.Signed(b.MainValue - a.MainValue) : "";

    private static string Chance(ComparedRow row, int i) => row.Differences[i] is { } d ? d.P.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture) : "";
}

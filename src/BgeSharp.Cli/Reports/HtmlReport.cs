// report.html: one page that a person opens after a run. It loads nothing (no scripts, fonts or images) and says so to the browser,
// so it can be mailed and kept; every text from the run is encoded.

using System.Globalization;
using System.Net;
using System.Text;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;

namespace BgeSharp.Cli.Reports;

/// <summary>Writes report.html.</summary>
internal static class HtmlReport
{
    /// <summary>Writes the page, all or nothing.</summary>
    public static void Write(string path, RunReport report) => AtomicFile.WriteText(path, Render(report));

    /// <summary>The page.</summary>
    public static string Render(RunReport report)
    {
        ResultTable table = ResultTable.Of(report.Results);
        StringBuilder page = HtmlPage.Begin(report.Name);
        AppendHead(page, report, table);
        AppendTable(page, table);
        ReportCharts.Append(page, report, table);
        ReportSearches.Append(page, report.Searches);
        AppendEnd(page, report);
        return HtmlPage.End(page);
    }

    /// <summary>Encodes every hole of an interpolated string; numbers are printed alike everywhere.</summary>
    internal static string Html(FormattableString html) =>
        string.Format(CultureInfo.InvariantCulture, html.Format, [.. html.GetArguments().Select(a => WebUtility.HtmlEncode(Convert.ToString(a, CultureInfo.InvariantCulture)))]);

    private static void AppendHead(StringBuilder page, RunReport report, ResultTable table)
    {
        page.Append(Html($"<header><h1>{report.Name}</h1><div class=\"facts\">"));
        if (report.Finished != default)
        {
            page.Append(Html($"<span>{report.Finished.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}</span>"));
        }
        page.Append(Html($"<span>{RunProgress.Duration(TimeSpan.FromSeconds(report.Seconds))} from start to end</span>"));
        if (report.PeakMemoryBytes > 0)
        {
            page.Append(Html($"<span>{Math.Round(report.PeakMemoryBytes / 1e9, 1)} GB of memory at most</span>"));
        }
        page.Append(Html($"<span>{report.Machine}</span></div></header>\n"));
        if (table.Groups.Count > 0 && table.Titles.Count > 0)
        {
            page.Append("<h2>What came out</h2>\n<div class=\"cards\">\n");
            foreach (ResultGroup group in table.Groups)
            {
                AppendCard(page, group, table.Titles[group.Main]);
            }
            page.Append("</div>\n");
        }
    }

    private static void AppendCard(StringBuilder page, ResultGroup group, string metric)
    {
        if (group.Final is not { First: { } value } final)
        {
            return;
        }
        page.Append(Html($"<div class=\"card\"><h3>{group.Dataset}</h3><div class=\"big\">{ResultTable.Figure(value)} <span class=\"unit\">{metric}</span></div>"));
        page.Append(Html($"<p class=\"small soft\">{(group.IsSearched ? final.Mode + " search" : final.Mode + " vectors")} after {final.Stage}</p>"));
        AppendDifference(page, value, group.Start?.First, group.Start is { } start ? "against " + start.Stage + (start.Mode == final.Mode ? "" : ", " + start.Mode) : "");
        AppendDifference(page, value, group.Yardstick?.First, "against BM25");
        page.Append("</div>\n");
    }

    private static void AppendDifference(StringBuilder page, double value, double? other, string against)
    {
        if (other is { } before)
        {
            page.Append(Html($"<p class=\"small\"><b class=\"{(value < before ? "down" : "up")}\">{ResultTable.Signed(value - before)}</b> <span class=\"soft\">{against} ({ResultTable.Figure(before)})</span></p>"));
        }
    }

    private static void AppendTable(StringBuilder page, ResultTable table)
    {
        if (table.Groups.Count == 0)
        {
            return;
        }
        page.Append("<h2>Every stage on every set</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>stage</th><th>search</th>");
        foreach (string title in table.Titles)
        {
            page.Append(Html($"<th class=\"n\">{title}</th>"));
        }
        page.Append("<th class=\"n\">gain of the stage</th></tr></thead>\n");
        foreach (ResultGroup group in table.Groups)
        {
            page.Append(Html($"<tbody><tr><th scope=\"rowgroup\" colspan=\"{table.Titles.Count + 3}\">{group.Dataset}</th></tr>\n"));
            foreach (ResultRow row in group.Rows)
            {
                page.Append(Html($"<tr{(row.IsYardstick ? " class=yardstick" : "")}><td>{row.Stage}</td><td><span class=\"tag\">{row.Mode}</span></td>"));
                for (int i = 0; i < row.Values.Count; i++)
                {
                    string style = i == row.Main && row.Values[i] is { } share ? string.Create(CultureInfo.InvariantCulture, $" style=--v:{Math.Clamp(share, 0, 1) * 100:0}%") : "";
                    string text = row.Values[i] is { } value ? ResultTable.Figure(value) : "";
                    page.Append(Html($"<td class=\"n{(i == row.Main ? " bar" : "")}{(row.Best[i] ? " best" : "")}\"{style}>{text}</td>"));
                }
                string direction = row.Gain is null ? "" : row.Gain < 0 ? " down" : " up";
                page.Append(Html($"<td class=\"n{direction}\">{(row.Gain is { } gain ? ResultTable.Signed(gain) : "")}</td></tr>\n"));
            }
            page.Append("</tbody>\n");
        }
        page.Append("</table></div>\n<p class=\"small soft\">Bold: best of the set. Gain: of the set's first figure, against the stage before in the same kind of search.</p>\n");
    }

    private static void AppendEnd(StringBuilder page, RunReport report)
    {
        if (report.Next.Count > 0)
        {
            page.Append("<h2>Go on from here</h2>\n<div class=\"card\"><dl class=\"next\">\n");
            foreach (NextCommand next in report.Next)
            {
                page.Append(Html($"<dt><code>{next.Command}</code></dt><dd>{next.Purpose}</dd>\n"));
            }
            page.Append("</dl></div>\n");
        }
        if (report.RecipeJson.Length > 0)
        {
            page.Append(Html($"<h2>How it was made</h2>\n<details class=\"card\"><summary>The recipe with all its values</summary><pre>{report.RecipeJson}</pre></details>\n"));
        }
        page.Append("<footer>Figures for programs: report.json; every step: metrics.jsonl.</footer>\n");
    }
}

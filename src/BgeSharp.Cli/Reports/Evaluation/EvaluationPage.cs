// evaluation.html: all sets and stages, charts, and the queries that went worst with the words that matched. One file, no network.

using System.Globalization;
using System.Text;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;
using static BgeSharp.Cli.Reports.HtmlReport;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>Writes the page of an evaluation.</summary>
internal static class EvaluationPage
{
    /// <summary>Writes the page, all or nothing.</summary>
    public static void Write(string path, EvaluationReport report) => AtomicFile.WriteText(path, Render(report));

    /// <summary>The page.</summary>
    public static string Render(EvaluationReport report)
    {
        StringBuilder page = HtmlPage.Begin(report.Name);
        page.Append(Html($"<header><h1>{report.Name}</h1><div class=\"facts\">"));
        if (report.Created != default)
        {
            page.Append(Html($"<span>{report.Created.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)}</span>"));
        }
        page.Append(Html($"<span>{RunProgress.Duration(TimeSpan.FromSeconds(report.Seconds))}</span><span>{report.Results.Select(r => r.Dataset).Distinct().Count()} sets</span><span>{report.Machine}</span></div></header>\n"));
        EvaluationCharts.Append(page, report);
        AppendTable(page, report);
        EvaluationCharts.AppendRecall(page, report);
        WorstQueries.Append(page, report);
        AppendSettings(page, report);
        page.Append("<footer>Figures for programs: evaluation.json; two reports side by side: bge compare.</footer>\n");
        return HtmlPage.End(page);
    }

    private static void AppendTable(StringBuilder page, EvaluationReport report)
    {
        page.Append("<h2>Every set</h2>\n<div class=\"scroll\"><table class=\"tight\">\n<thead><tr><th>stage</th><th>search</th><th>measure</th><th class=\"n\">value</th><th class=\"n\">95 % interval</th><th class=\"n\">step</th><th>others</th><th class=\"n\">n</th></tr></thead>\n");
        foreach ((string dataset, IReadOnlyList<EvaluationRow> rows) in EvaluationTable.Of(report))
        {
            page.Append(Html($"<tbody><tr><th scope=\"rowgroup\" colspan=\"8\">{dataset}</th></tr>\n"));
            foreach (EvaluationRow row in rows)
            {
                EvaluationResult r = row.Result;
                string others = string.Join(" · ", EvaluationTable.Others(r).Select(o => $"{o.Name} {EvaluationTable.Figure(o.Value)}"));
                string direction = row.Step is { } step && step.P < EvaluationTable.Significant ? step.Difference < 0 ? " down" : " up" : "";
                string share = Math.Clamp(double.IsFinite(r.MainValue) ? r.MainValue * 100 : 0, 0, 100).ToString("0", CultureInfo.InvariantCulture);
                page.Append(Html($"<tr{(r.Stage == "bm25" ? " class=yardstick" : "")}><td>{r.Stage}</td><td><span class=\"tag\">{r.Mode}</span></td><td class=\"small soft\">{r.Main}</td>"))
                    .Append(Html($"<td class=\"n bar slim{(row.Best ? " best" : "")}\" style=--v:{share}%>{EvaluationTable.Figure(r.MainValue)}</td><td class=\"n ci\">{EvaluationTable.IntervalOf(r)}</td>"))
                    .Append(Html($"<td class=\"n{direction}\" title=\"{EvaluationTable.ChanceOf(row.Step)}\">{EvaluationTable.StepOf(row.Step)}</td><td class=\"small soft\">{others}</td><td class=\"n soft\">{r.Count}</td></tr>\n"));
            }
            page.Append("</tbody>\n");
        }
        page.Append("</table></div>\n<p class=\"small soft\">Bold: best of the set. Interval: 95 %, bootstrap over the queries. Step: against the stage before in the same kind of search; coloured and starred where chance gives such a step in less than one of twenty cases (paired permutation test).</p>\n");
        var notes = report.Results.SelectMany(r => r.Notes.Select(n => $"{r.Dataset}: {n}")).Distinct().ToList();
        if (notes.Count > 0)
        {
            page.Append("<ul class=\"notes\">");
            notes.ForEach(n => page.Append(Html($"<li>{n}</li>")));
            page.Append("</ul>\n");
        }
    }

    private static void AppendSettings(StringBuilder page, EvaluationReport report)
    {
        page.Append("<h2>How it was measured</h2>\n<details class=\"card\"><summary>Settings of each row</summary><pre>");
        foreach (EvaluationResult r in report.Results)
        {
            page.Append(Html($"{r.Dataset} · {r.Stage} · {r.Mode}: {r.Passages} passages, {Math.Round(r.Seconds, 1)} s, {r.Settings}\n"));
        }
        page.Append("</pre></details>\n");
    }
}

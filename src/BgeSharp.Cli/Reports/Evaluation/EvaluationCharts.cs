// Charts of an evaluation: how each set went from stage to stage, languages of a family as bars, recall by depth.

using System.Globalization;
using System.Text;
using BgeSharp.Evaluation.Reports;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>Charts of the page.</summary>
internal static class EvaluationCharts
{
    private const int MostSeries = 6;

    /// <summary>Lines over stages, and bars over languages.</summary>
    public static void Append(StringBuilder page, EvaluationReport report)
    {
        string[] stages = [.. report.Results.Select(r => r.Stage).Where(s => s != "bm25").Distinct()];
        if (stages.Length > 1)
        {
            AppendStages(page, report, stages);
        }
        foreach (IGrouping<string, EvaluationResult> family in report.Results.Where(r => r.Group.Length > 0).GroupBy(r => r.Group))
        {
            AppendLanguages(page, family.Key, [.. family]);
        }
    }

    /// <summary>Recall by depth, the last stage of each mode beside BM25.</summary>
    public static void AppendRecall(StringBuilder page, EvaluationReport report)
    {
        var sets = report.Results.Where(r => r.RecallCurve.Count > 1).GroupBy(r => r.Dataset).ToList();
        if (sets.Count == 0)
        {
            return;
        }
        page.Append("<h2>Recall by depth</h2>\n<div class=\"charts\">\n");
        foreach (IGrouping<string, EvaluationResult> set in sets)
        {
            // One line a mode: its last stage. Stages differ in the chart above.
            EvaluationResult[] lines = [.. set.GroupBy(r => r.Mode).Select(m => m.Last()).Take(MostSeries)];
            string[] places = [.. lines.SelectMany(l => l.RecallCurve).Select(p => p.K).Distinct().Order().Select(k => k.ToString(CultureInfo.InvariantCulture))];
            var series = lines.Select(l => new CurveSeries($"{l.Mode}{(l.Stage == "bm25" ? "" : $" ({l.Stage})")}",
                [.. l.RecallCurve.Select(p => (double)Array.IndexOf(places, p.K.ToString(CultureInfo.InvariantCulture)))], [.. l.RecallCurve.Select(p => p.Recall)])).ToList();
            var chart = new LineChart { Label = $"recall by depth, {set.Key}", Series = series, Places = places, FromZero = true };
            page.Append(HtmlReport.Html($"<figure class=\"card\" style=margin:0><h3>{set.Key}</h3>")).Append(chart.ToSvg());
            HtmlPage.Legend(page, series.Select(s => s.Name));
            page.Append("</figure>\n");
        }
        page.Append("</div>\n");
    }

    // A chart a measure, so that a line never compares one measure with another; families of languages as their mean.
    private static void AppendStages(StringBuilder page, EvaluationReport report, string[] stages)
    {
        page.Append("<h2>From stage to stage</h2>\n<div class=\"charts\">\n");
        foreach (IGrouping<string, EvaluationResult> measure in report.Results.GroupBy(r => r.Main))
        {
            foreach (var part in Lines(measure, stages).Chunk(MostSeries))
            {
                var chart = new LineChart { Label = $"{measure.Key} after each stage", Series = [.. part.Select(l => l.Line)], Levels = [.. part.Select(l => l.Level)], Places = stages, FromZero = true };
                page.Append(HtmlReport.Html($"<figure class=\"card\" style=margin:0><h3>{measure.Key}</h3>")).Append(chart.ToSvg());
                HtmlPage.Legend(page, part.Select(l => l.Line.Name), part.Any(l => l.Level is not null) ? "BM25 on the same set" : null);
                page.Append("</figure>\n");
            }
        }
        page.Append("</div>\n");
    }

    private static IEnumerable<(CurveSeries Line, double? Level)> Lines(IEnumerable<EvaluationResult> results, string[] stages)
    {
        var byLine = results.Where(r => r.Stage != "bm25").GroupBy(r => (Name: r.Group.Length > 0 ? r.Group : r.Dataset, r.Mode)).ToList();
        bool modes = byLine.Select(l => l.Key.Mode).Distinct().Count() > 1;
        foreach (var line in byLine)
        {
            var points = line.GroupBy(r => r.Stage).Select(s => (X: (double)Array.IndexOf(stages, s.Key), Y: s.Average(r => r.MainValue))).Where(p => double.IsFinite(p.Y)).OrderBy(p => p.X).ToList();
            double[] level = [.. results.Where(r => r.Stage == "bm25" && (r.Group.Length > 0 ? r.Group : r.Dataset) == line.Key.Name).Select(r => r.MainValue)];
            string mean = line.Select(r => r.Dataset).Distinct().Count() is > 1 and var n ? $", mean of {n}" : "";
            yield return (new CurveSeries($"{line.Key.Name}{(modes ? $" ({line.Key.Mode})" : "")}{mean}", [.. points.Select(p => p.X)], [.. points.Select(p => p.Y)]), level.Length > 0 ? level.Average() : null);
        }
    }

    private static void AppendLanguages(StringBuilder page, string family, EvaluationResult[] results)
    {
        string[] languages = [.. results.Select(r => r.Language.Length > 0 ? r.Language : r.Dataset).Distinct()];
        if (languages.Length < 2)
        {
            return;
        }
        string last = results.Where(r => r.Stage != "bm25").Select(r => r.Stage).LastOrDefault() ?? "";
        // First and last stage, and the yardstick: what training did to each language.
        string[] stages = [.. results.Select(r => r.Stage).Where(s => s != "bm25").Distinct()];
        string[] kept = [.. new[] { stages.FirstOrDefault() ?? "", last, "bm25" }.Where(s => s.Length > 0).Distinct()];
        // A mode that was measured in a few languages only has no place in a chart of languages.
        var series = results.Where(r => kept.Contains(r.Stage)).GroupBy(r => (r.Stage, r.Mode)).Where(s => 2 * s.Count() > languages.Length).OrderBy(s => Array.IndexOf(kept, s.Key.Stage)).Take(MostSeries).Select(s =>
        {
            EvaluationResult?[] each = [.. languages.Select(l => s.FirstOrDefault(r => (r.Language.Length > 0 ? r.Language : r.Dataset) == l))];
            return new BarSeries(s.Key.Stage == "bm25" ? "bm25" : $"{s.Key.Stage} ({s.Key.Mode})", [.. each.Select(r => r?.MainValue)], [.. each.Select(r => r?.Interval)]);
        }).ToList();
        var chart = new BarChart { Label = $"{family} by language", Names = languages, Series = series, Width = 540 };
        page.Append(HtmlReport.Html($"<h2>{family} by language</h2>\n<figure class=\"card bars\" style=margin:0><h3>{results[0].Main}</h3>")).Append(chart.ToSvg());
        HtmlPage.Legend(page, series.Select(s => s.Name));
        page.Append("</figure>\n");
    }
}

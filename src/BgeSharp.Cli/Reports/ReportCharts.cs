// The charts of report.html: how the first metric grew from stage to stage, and the loss of each stage.

using System.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Charts of the report.</summary>
internal static class ReportCharts
{
    /// <summary>Appends the sections that have something to show.</summary>
    public static void Append(StringBuilder page, RunReport report, ResultTable table)
    {
        AppendGrowth(page, table);
        if (report.Curves.Count == 0)
        {
            return;
        }
        page.Append("<h2>Loss while training</h2>\n<div class=\"charts\">\n");
        foreach (LossCurve curve in report.Curves)
        {
            var chart = new LineChart { Label = $"loss over steps, {curve.Stage}", Series = curve.Series };
            page.Append(HtmlReport.Html($"<figure class=\"card\" style=margin:0><h3>{curve.Stage}</h3>")).Append(chart.ToSvg());
            HtmlPage.Legend(page, curve.Series.Select(s => s.Name));
            page.Append("</figure>\n");
        }
        page.Append("</div>\n<p class=\"small soft\">Loss in nats over optimizer steps.</p>\n");
    }

    private static void AppendGrowth(StringBuilder page, ResultTable table)
    {
        string[] stages = [.. table.Groups.SelectMany(g => g.Rows).Where(r => !r.IsYardstick).Select(r => r.Stage).Distinct()];
        if (stages.Length < 2 || table.Titles.Count == 0)
        {
            return;
        }
        var series = new List<CurveSeries>();
        var levels = new List<double?>();
        foreach (ResultGroup group in table.Groups.Where(g => g.Main == 0 && g.Path.Count > 0))      // one axis, one measure
        {
            series.Add(new CurveSeries(
                $"{group.Dataset} ({group.Path[0].Mode})",
                [.. group.Path.Select(r => (double)Array.IndexOf(stages, r.Stage))],
                [.. group.Path.Select(r => r.First!.Value)]));
            levels.Add(group.Yardstick?.First);
        }
        var chart = new LineChart { Label = $"{table.Titles[0]} after each stage", Series = series, Places = stages, Levels = levels, FromZero = true, Width = 960, Height = 300 };
        page.Append(HtmlReport.Html($"<h2>{table.Titles[0]} from stage to stage</h2>\n<figure class=\"card\" style=margin:0>")).Append(chart.ToSvg());
        HtmlPage.Legend(page, series.Select(s => s.Name), dashed: levels.Any(l => l is not null) ? "BM25 on the same set" : null);
        page.Append("</figure>\n");
    }
}

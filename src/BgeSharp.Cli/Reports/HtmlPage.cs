// The frame of every page: loads nothing (no scripts, fonts or images) and says so to the browser, so a page can be mailed and kept.

using System.Text;

namespace BgeSharp.Cli.Reports;

/// <summary>Begins and ends pages.</summary>
internal static class HtmlPage
{
    /// <summary>Everything up to the first heading.</summary>
    public static StringBuilder Begin(string title) => new StringBuilder()
        .Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n")
        .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
        .Append(HtmlReport.Html($"<title>{title} · bge report</title>\n<style>\n")).Append(ReportStyle.Sheet).Append("\n</style></head>\n<body><main>\n");

    /// <summary>The whole page.</summary>
    public static string End(StringBuilder page) => page.Append("</main></body></html>\n").ToString();

    /// <summary>Names beside the colours of a chart's series.</summary>
    public static void Legend(StringBuilder page, IEnumerable<string> names, string? dashed = null)
    {
        page.Append("<div class=\"legend\">");
        int i = 0;
        foreach (string name in names)
        {
            page.Append(HtmlReport.Html($"<span><i class=\"c{i++ % 6}\"></i>{name}</span>"));
        }
        if (dashed is not null)
        {
            page.Append(HtmlReport.Html($"<span><i class=\"dash\"></i>{dashed}</span>"));
        }
        page.Append("</div>");
    }
}

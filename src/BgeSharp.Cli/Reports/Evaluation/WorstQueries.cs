// The queries that went worst: what was found instead, what should have been, and the words of the question that each passage holds.

using System.Text;
using BgeSharp.Evaluation.Reports;
using static BgeSharp.Cli.Reports.HtmlReport;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>Worst queries of the page.</summary>
internal static class WorstQueries
{
    /// <summary>The last stage of each set in each mode; the yardstick's are not shown.</summary>
    public static void Append(StringBuilder page, EvaluationReport report)
    {
        EvaluationResult[] shown = [.. report.Results.Where(r => r.Worst.Count > 0).GroupBy(r => (r.Dataset, r.Mode)).Select(g => g.Last()).Where(r => r.Stage != "bm25" || report.Results.All(o => o.Stage == "bm25"))];
        if (shown.Length == 0)
        {
            return;
        }
        page.Append("<h2>Queries that went worst</h2>\n<p class=\"small soft\">Shaded: words of the question that the passage holds, the rarest first.</p>\n");
        foreach (EvaluationResult result in shown)
        {
            page.Append(Html($"<details class=\"card worst\"><summary><span>{result.Dataset}</span><span class=\"tag\">{result.Stage} · {result.Mode}</span></summary>\n"));
            foreach (WorstQuery query in result.Worst)
            {
                page.Append(Html($"<div class=\"search\"><h3 style=margin-top:1.2rem>{query.Text} <span class=\"small soft\">{result.Main} {EvaluationTable.Figure(query.Value)} · {query.Id}</span></h3><ol class=\"hits\">\n"));
                foreach (ShownHit hit in query.Hits)
                {
                    AppendHit(page, hit, hit.Grade > 0 ? "relevant" : "");
                }
                if (query.Missed is { } missed && query.Hits.All(h => h.Id != missed.Id))
                {
                    AppendHit(page, missed, missed.Rank > 0 ? $"relevant, found at {missed.Rank}" : "relevant, not found");
                }
                page.Append("</ol></div>\n");
            }
            page.Append("</details>\n");
        }
    }

    private static void AppendHit(StringBuilder page, ShownHit hit, string word)
    {
        page.Append(Html($"<li><span class=\"score\">{(hit.Rank > 0 ? EvaluationTable.Figure(hit.Score) : "—")}</span><span><b>{hit.Id}</b> <span class=\"good small\">{word}</span></span><p>{hit.Text}</p>"));
        if (hit.Matched.Count > 0)
        {
            page.Append("<div class=\"words\">");
            foreach (string matched in hit.Matched)
            {
                page.Append(Html($"<span>{matched}</span>"));
            }
            page.Append("</div>");
        }
        page.Append("</li>\n");
    }
}

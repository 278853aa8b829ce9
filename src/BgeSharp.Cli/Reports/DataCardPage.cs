// The card as one HTML page in the style of the reports: loads nothing, every text encoded.

using System.Globalization;
using System.Text;
using BgeSharp.Training.Data.Mining;
using static BgeSharp.Cli.Reports.HtmlReport;

namespace BgeSharp.Cli.Reports;

/// <summary>Renders data cards.</summary>
internal static class DataCardPage
{
    private const int PassageShown = 260;

    /// <summary>The page.</summary>
    public static string Render(DataCard card)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
            .Append(Html($"<title>{card.Name} · data card</title>\n<style>\n")).Append(ReportStyle.Sheet).Append("\n.hist rect{fill:currentColor}td.wrap{white-space:normal;min-width:18rem}\n</style></head>\n<body><main>\n");
        PairStatistics counts = card.Counts;
        page.Append(Html($"<header><h1>{card.Name}</h1><div class=\"facts\"><span>{card.File}</span><span>{Count(counts.DocumentCount)} documents</span><span>{Count(counts.Sources.Values.Sum(s => s.HeldOutPairs))} pairs held out</span></div></header>\n"));
        AppendMiners(page, counts);
        AppendSources(page, counts);
        AppendLengths(page, "Lengths of queries, in characters", counts.QueryLengths);
        AppendLengths(page, "Lengths of passages", counts.PassageLengths);
        AppendLengths(page, "Lengths of documents, by source", counts.DocumentLengths);
        AppendDrops(page, counts);
        AppendSamples(page, counts);
        page.Append(Html($"<h2>How it was made</h2>\n<details class=\"card\"><summary>The recipe with all its values</summary><pre>{card.RecipeJson}</pre></details>\n"));
        return page.Append("</main></body></html>\n").ToString();
    }

    private static void AppendMiners(StringBuilder page, PairStatistics counts)
    {
        page.Append(Html($"<h2>{Count(counts.PairCount - counts.MixedOut.Values.Sum())} pairs</h2>\n"));
        if (counts.MixedOut.Count > 0)
        {
            page.Append(Html($"<p class=\"soft small\">The mix of sources left {Count(counts.MixedOut.Values.Sum())} of {Count(counts.PairCount)} out; the counts below are those before.</p>\n"));
        }
        string[] languages = [.. counts.Pairs.Values.SelectMany(l => l.Keys).Distinct().OrderByDescending(l => counts.Pairs.Values.Sum(p => p.GetValueOrDefault(l))).ThenBy(l => l, StringComparer.Ordinal)];
        string[] shown = [.. languages.Take(8)];
        page.Append("<div class=\"scroll\"><table>\n<thead><tr><th>miner</th><th class=\"n\">pairs</th>");
        foreach (string language in shown)
        {
            page.Append(Html($"<th class=\"n\">{language}</th>"));
        }
        page.Append(languages.Length > shown.Length ? "<th class=\"n\">others</th>" : "").Append("</tr></thead>\n<tbody>\n");
        foreach ((string miner, SortedDictionary<string, long> pairs) in counts.Pairs)
        {
            page.Append(Html($"<tr><td>{miner}</td><td class=\"n best\">{Count(pairs.Values.Sum())}</td>"));
            foreach (string language in shown)
            {
                page.Append(Html($"<td class=\"n\">{(pairs.TryGetValue(language, out long n) ? Count(n) : "")}</td>"));
            }
            page.Append(languages.Length > shown.Length ? Html($"<td class=\"n\">{Count(pairs.Where(p => !shown.Contains(p.Key)).Sum(p => p.Value))}</td>") : "").Append("</tr>\n");
        }
        page.Append("</tbody></table></div>\n");
    }

    private static void AppendSources(StringBuilder page, PairStatistics counts)
    {
        page.Append("<h2>Sources</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>source</th><th class=\"n\">documents read</th><th class=\"n\">kept</th><th class=\"n\">characters</th><th class=\"n\">pairs</th><th class=\"n\">held out</th></tr></thead>\n<tbody>\n");
        foreach ((string name, SourceCount source) in counts.Sources)
        {
            page.Append(Html($"<tr><td>{name}</td><td class=\"n\">{Count(source.Read)}</td><td class=\"n\">{Count(source.Kept)}</td><td class=\"n\">{Count(source.Characters)}</td><td class=\"n\">{Count(source.Pairs)}</td><td class=\"n\">{Count(source.HeldOutPairs)}</td></tr>\n"));
        }
        page.Append("</tbody></table></div>\n");
    }

    private static void AppendLengths(StringBuilder page, string title, IReadOnlyDictionary<string, long[]> histograms)
    {
        page.Append(Html($"<h2>{title}</h2>\n<div class=\"charts\">\n"));
        foreach ((string name, long[] bins) in histograms)
        {
            page.Append(Html($"<div class=\"card\"><h3>{name}</h3>")).Append(new LengthHistogram($"{title}: {name}", PairStatistics.LengthEdges, bins).ToSvg()).Append("</div>\n");
        }
        page.Append("</div>\n");
    }

    private static void AppendDrops(StringBuilder page, PairStatistics counts)
    {
        page.Append("<h2>Left out</h2>\n");
        if (counts.Dropped.Count > 0)
        {
            page.Append("<div class=\"scroll\"><table>\n<thead><tr><th>reason</th><th class=\"n\">how many</th><th></th><th>the first</th></tr></thead>\n<tbody>\n");
            foreach ((string reason, DropCount drop) in counts.Dropped)
            {
                page.Append(Html($"<tr><td>{reason}</td><td class=\"n\">{Count(drop.Count)}</td><td>{drop.What}</td><td class=\"wrap small soft\">{string.Join(" · ", drop.Examples)}</td></tr>\n"));
            }
            page.Append("</tbody></table></div>\n");
        }
        if (counts.Problems > 0)
        {
            page.Append(Html($"<p>{Count(counts.Problems)} lines or files were wrong and were passed over:</p>\n<ul class=\"small soft\">\n"));
            foreach (string problem in counts.ProblemExamples)
            {
                page.Append(Html($"<li>{problem}</li>\n"));
            }
            page.Append("</ul>\n");
        }
    }

    private static void AppendSamples(StringBuilder page, PairStatistics counts)
    {
        page.Append("<h2>Samples, drawn by the seed</h2>\n");
        foreach ((string miner, List<PairSample> samples) in counts.Samples)
        {
            page.Append(Html($"<div class=\"card search\"><h3>{miner}</h3><ol class=\"hits\">\n"));
            foreach (PairSample sample in samples)
            {
                string passage = sample.Passage.Length > PassageShown ? sample.Passage[..PassageShown] + "…" : sample.Passage;
                page.Append(Html($"<li><span class=\"score\"></span><b>{sample.Query}</b><p>{passage}</p><p>{sample.Source}</p></li>\n"));
            }
            page.Append("</ol></div>\n");
        }
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

// Text of a link → beginning of the page it leads to: what one author calls what another wrote. Links within the corpus only; "here", "this page" and
// addresses say nothing. Targets are resolved as paths against the id of the page the link stands on, extensions and anchors left out.

using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A link asks, its target answers.</summary>
public sealed partial class LinkTargetMiner(MiningOptions options) : IJoinedMiner
{
    private const int AnchorsPerTarget = 4; // the first ones in reading order: a page that every other one links to would drown the rest

    private static readonly HashSet<string> Empty = new(StringComparer.OrdinalIgnoreCase)
        { "here", "this", "this page", "this article", "link", "more", "read more", "see", "click here", "next", "previous", "home", "top", "这里", "此处", "本文", "链接", "更多", "点击这里", "下一页", "上一页", "查看", "详情", "返回", "官网", "文档", "此页面", "原文" };

    /// <inheritdoc/>
    public string Name => "link-target";

    /// <inheritdoc/>
    public IEnumerable<PairHalf> Halves(Document document)
    {
        if (Resolve("", document.Id) is { Length: > 0 } own)
        {
            yield return new PairHalf(own, document.Language, "", Passages.Beginning(document, options), document.Group);
        }
        foreach (Link link in document.Links)
        {
            string text = link.Text.Trim(' ', '《', '》', '"', '“', '”', '«', '»');
            if (Says(text) && Resolve(document.Id, link.Target) is { Length: > 0 } target)
            {
                yield return new PairHalf(target, document.Language, text, "", document.Group);
            }
        }
    }

    /// <inheritdoc/>
    public IEnumerable<JoinedPair> Join(IReadOnlyList<PairHalf> halves)
    {
        if (halves.FirstOrDefault(h => h.Passage.Length > 0) is not { } target)
        {
            return [];
        }
        return halves.Where(h => h.Query.Length > 0 && h.Group != target.Group).DistinctBy(h => h.Query).Take(AnchorsPerTarget).Select(h => new JoinedPair(new TrainingExample(h.Query, [target.Passage], []) { Miner = Name, Group = target.Group, Language = h.Language == target.Language ? h.Language : $"{h.Language}>{target.Language}" }, h.Group));
    }

    private static bool Says(string text) => text.Length is >= 2 and <= 120 && !Empty.Contains(text) && !Headings.IsGeneric(text) && !text.Contains("://", StringComparison.Ordinal);

    /// <summary>The page a link leads to, as a path from the root of the corpus without extension; empty when it leads out of it or nowhere else.</summary>
    private static string Resolve(string page, string link)
    {
        string path = Uri.UnescapeDataString(link.Split('#', '?')[0]).Replace('\\', '/');
        if (path.Length == 0 || Scheme().IsMatch(path) || path.StartsWith("//", StringComparison.Ordinal))
        {
            return "";
        }
        List<string> parts = path[0] == '/' || page.Length == 0 ? [] : [.. page.Split('/').SkipLast(1)];
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts.Count > 0)
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part is not ("." or ".."))
            {
                parts.Add(part);
            }
        }
        string joined = Extension().Replace(string.Join('/', parts), "");
        return joined.Length > 0 ? joined : "index";
    }

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9+.-]*:", RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"(?:/(?:index|README))?\.(?:md|mdx|markdown|html?|xhtml|txt)$|/(?:index|README)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Extension();
}

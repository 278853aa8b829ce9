// HTML pages → documents, by AngleSharp. Takes main, else the only article, else body; drops navigation, scripts, forms, footers, code blocks and
// hidden parts by element and ARIA role. It does not score blocks the way a browser's reading mode does: sites without such marks keep their frame.

using System.Text;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads one HTML file as one document.</summary>
internal static class HtmlReader
{
    private static readonly HashSet<string> Dropped = ["script", "style", "noscript", "template", "nav", "footer", "aside", "form", "button", "select",
        "textarea", "svg", "math", "canvas", "iframe", "object", "audio", "video", "pre", "head", "dialog", "menu"];

    private static readonly HashSet<string> DroppedRoles = ["navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "toolbar", "dialog"];

    private static readonly HashSet<string> Inline = ["a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i",
        "ins", "kbd", "label", "mark", "q", "ruby", "rb", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"];

    /// <summary>The page, or nothing when it has no text.</summary>
    public static IEnumerable<Document> Read(DocumentFile file)
    {
        Document? document = Parse(Utf8File.Text(file.Path), file.Name, file.Path);
        return document is null ? [] : [document];
    }

    /// <summary>A page from its text.</summary>
    /// <param name="html">HTML.</param>
    /// <param name="id">Id of the document.</param>
    /// <param name="path">Named in errors.</param>
    public static Document? Parse(string html, string id, string path)
    {
        IHtmlDocument page = new HtmlParser(HtmlNesting.Watch(html, path)).ParseDocument(html);
        IElement main = Main(page);
        var result = new PageText();
        Walk(main, result);
        string title = main.QuerySelector("h1")?.TextContent ?? page.Title ?? "";
        string summary = (page.QuerySelector("meta[name=description]") ?? page.QuerySelector("meta[property='og:description']"))?.GetAttribute("content") ?? "";
        Link[] links = [.. main.QuerySelectorAll("a[href]").Select(a => new Link(PageText.SingleSpaced(a.TextContent), a.GetAttribute("href")!)).Where(l => l.Text.Length > 0)];
        return result.ToDocument(id, PageText.SingleSpaced(title), page.DocumentElement?.GetAttribute("lang")?.Trim() ?? "", summary.Trim()) is { } document
            ? document with { Links = links, Code = result.Code }
            : null;
    }

    private static IElement Main(IHtmlDocument page)
    {
        if ((page.QuerySelector("main") ?? page.QuerySelector("[role=main]")) is { } main)
        {
            return main;
        }
        IHtmlCollection<IElement> articles = page.QuerySelectorAll("article");
        return articles.Length == 1 ? articles[0] : page.Body ?? page.DocumentElement!;
    }

    // By hand, not by recursion: a hostile page can be nested deeper than the stack. An open element is kept with the number of its next child, because a node
    // that is asked for its sibling looks for itself among all children of its parent.
    private static void Walk(IElement root, PageText page)
    {
        var text = new StringBuilder();
        var open = new Stack<(INode Parent, int Next)>();
        open.Push((root, 0));
        int rows = root.Closest("tr") is null ? 0 : 1; // of tables, around the place
        while (open.TryPop(out (INode Parent, int Next) at))
        {
            if (at.Next == at.Parent.ChildNodes.Length)
            {
                if (open.Count > 0 && at.Parent is IElement left)
                {
                    rows -= left.LocalName == "tr" ? 1 : 0;
                    Break(left, text, page, rows > 0);
                }
                continue;
            }
            open.Push((at.Parent, at.Next + 1));
            INode node = at.Parent.ChildNodes[at.Next];
            if (node is IText letters)
            {
                text.Append(letters.Data);
            }
            else if (node is IElement { LocalName: "pre" } code)
            {
                Flush(text, page);
                string language = (code.QuerySelector("code[class*=language-]") ?? code).ClassList.FirstOrDefault(c => c.StartsWith("language-", StringComparison.Ordinal)) ?? "language-";
                page.CodeBlock(language["language-".Length..], code.TextContent);
            }
            else if (node is IElement element && !IsDropped(element))
            {
                if (HeadingLevel(element) is int level and > 0)
                {
                    Flush(text, page);
                    page.Heading(level, element.TextContent.TrimEnd('¶', '#', ' ', '\n'));
                    continue;
                }
                Break(element, text, page, rows > 0);
                if (element.HasChildNodes)
                {
                    rows += element.LocalName == "tr" ? 1 : 0;
                    open.Push((element, 0));
                }
            }
        }
        Flush(text, page);
    }

    // Start and end of a block end a paragraph; cells of a row and what is in them stay in one line; ruby readings would double the text.
    private static void Break(IElement element, StringBuilder text, PageText page, bool inRow)
    {
        if (Inline.Contains(element.LocalName))
        {
            return;
        }
        if (element.LocalName is "td" or "th" || (inRow && element.LocalName != "tr"))
        {
            text.Append(' ');
        }
        else
        {
            Flush(text, page);
        }
    }

    private static void Flush(StringBuilder text, PageText page)
    {
        page.Paragraph(text.ToString());
        text.Clear();
    }

    private static bool IsDropped(IElement element) => Dropped.Contains(element.LocalName) || element.LocalName is "rt" or "rp"
        || DroppedRoles.Contains(element.GetAttribute("role") ?? "") || element.HasAttribute("hidden") || element.GetAttribute("aria-hidden") == "true"
        || (element.LocalName == "header" && element.QuerySelector("h1") is null);

    private static int HeadingLevel(IElement element) =>
        element.LocalName is ['h', >= '1' and <= '6' and var digit] ? digit - '0' : 0;
}

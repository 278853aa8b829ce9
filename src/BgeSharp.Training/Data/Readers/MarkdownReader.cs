// Markdown pages (CommonMark with tables, footnotes and formulas) → documents, by Markdig. Headings become sections; code blocks, display formulas,
// HTML and images are dropped; inline code, inline formulas and the text of links stay. A page is held whole (at most 64 MiB).

using System.Text;
using Markdig;
using Markdig.Extensions.Footnotes;
using Markdig.Extensions.Mathematics;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads one Markdown file as one document.</summary>
internal static class MarkdownReader
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables().UseGridTables().UseFootnotes().UseMathematics().UseTaskLists().UseDefinitionLists().Build();

    /// <summary>The page, or nothing when it has no text.</summary>
    public static IEnumerable<Document> Read(DocumentFile file)
    {
        Document? document = Parse(Utf8File.Text(file.Path), file.Name, file.Path);
        return document is null ? [] : [document];
    }

    /// <summary>A page from its text.</summary>
    /// <param name="page">Markdown.</param>
    /// <param name="id">Id of the document.</param>
    /// <param name="path">Named in errors.</param>
    public static Document? Parse(string page, string id, string path)
    {
        (FrontMatter matter, string text) = FrontMatter.Split(page);
        MarkdownDocument tree;
        try
        {
            tree = Markdown.Parse(Admonitions.Flatten(text), Pipeline);
        }
        catch (ArgumentException e) when (e.Message.Contains("nested", StringComparison.Ordinal))
        {
            throw new BadInput($"{path}: lists, quotes or emphasis are nested too deeply to be Markdown; leave the file out.", e);
        }
        var result = new PageText();
        foreach (Block block in tree)
        {
            Add(block, result);
        }
        Link[] links = [.. tree.Descendants<LinkInline>().Where(l => !l.IsImage && l.Url is { Length: > 0 }).Select(l => new Link(PageText.SingleSpaced(Text(l)), l.Url!)).Where(l => l.Text.Length > 0)];
        return result.ToDocument(id, matter.First("title"), matter.First("lang", "language"), matter.First("description", "summary", "abstract")) is { } document
            ? document with { Links = links, Code = result.Code, TranslatedTitle = matter.First("title_en", "translated_title") is { Length: > 0 } other ? other : null }
            : null;
    }

    private static void Add(Block block, PageText page)
    {
        switch (block)
        {
            case HeadingBlock heading:
                page.Heading(heading.Level, WithoutAnchor(Text(heading.Inline)));
                break;
            case Table table:
                foreach (TableRow row in table.OfType<TableRow>())
                {
                    page.Paragraph(string.Join(' ', row.OfType<TableCell>().Select(c => string.Join(' ', c.OfType<ParagraphBlock>().Select(p => Text(p.Inline))))));
                }
                break;
            case MathBlock:
                break;
            case Markdig.Syntax.CodeBlock code:
                page.CodeBlock((code as FencedCodeBlock)?.Info ?? "", code.Lines.ToString());
                break;
            case HtmlBlock or LinkReferenceDefinitionGroup or FootnoteGroup:
                break;
            case ContainerBlock container:
                foreach (Block child in container)
                {
                    Add(child, page);
                }
                break;
            case LeafBlock leaf:
                page.Paragraph(Text(leaf.Inline));
                break;
        }
    }

    private static string Text(ContainerInline? inlines)
    {
        if (inlines?.FirstChild is null)
        {
            return "";
        }
        if (inlines.FirstChild is LiteralInline { NextSibling: null } alone)
        {
            return alone.Content.ToString();
        }
        var text = new StringBuilder(256);
        Append(inlines, text);
        return text.ToString();
    }

    private static void Append(ContainerInline inlines, StringBuilder text)
    {
        foreach (Inline inline in inlines)
        {
            _ = inline switch
            {
                LiteralInline literal => text.Append(literal.Content.AsSpan()),
                CodeInline code => text.Append(code.Content),
                MathInline math => text.Append('$').Append(math.Content.AsSpan()).Append('$'),
                LineBreakInline => text.Append('\n'),
                AutolinkInline or HtmlInline or FootnoteLink or LinkInline { IsImage: true } => text,
                HtmlEntityInline entity => text.Append(entity.Transcoded.AsSpan()),
                _ => text,
            };
            if (inline is ContainerInline container and not LinkInline { IsImage: true })
            {
                Append(container, text);
            }
        }
    }

    // Without the "{#anchor}" that many sites put after a heading. By hand: a pattern that looks for it takes the square of a run of spaces.
    internal static string WithoutAnchor(string heading)
    {
        ReadOnlySpan<char> text = heading.AsSpan().TrimEnd();
        if (text is not [.., '}'])
        {
            return heading;
        }
        for (int open = text[..^1].LastIndexOf('}') + 1; open + 2 < text.Length; open++)
        {
            if (text[open] == '{' && text[open + 1] is '#' or ':')
            {
                return text[..open].TrimEnd().ToString();
            }
        }
        return heading;
    }
}

// Collects the sections of a page while a reader walks it: paragraphs with single spaces, one a line, under their headings.
// Both markup readers build on it, so Markdown and HTML of one page give the same document.

using System.Buffers;
using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Builds sections from headings and paragraphs in reading order.</summary>
internal sealed class PageText
{
    // White space other than the space, control characters, and what has no width.
    private static readonly SearchValues<char> Unusual = SearchValues.Create(
        [.. Enumerable.Range(0, 0x10000).Select(c => (char)c).Where(c => c != ' ' && (char.IsWhiteSpace(c) || char.IsControl(c) || c is '\u200b' or '\ufeff'))]);

    private readonly List<Section> sections = [];
    private readonly List<CodeBlock> code = [];
    private readonly StringBuilder text = new();
    private int level;
    private string heading = "", lead = ""; // of the section; its last paragraph

    /// <summary>Code blocks so far.</summary>
    public IReadOnlyList<CodeBlock> Code => code;

    /// <summary>Starts a section; what came before is closed.</summary>
    public void Heading(int headingLevel, string headingText)
    {
        Close();
        (level, heading) = (headingLevel, SingleSpaced(headingText));
    }

    /// <summary>Adds a paragraph to the section; blank ones are dropped.</summary>
    public void Paragraph(string paragraph)
    {
        string clean = SingleSpaced(paragraph);
        if (clean.Length == 0)
        {
            return;
        }
        if (text.Length > 0)
        {
            text.Append('\n');
        }
        text.Append(clean);
        lead = clean;
    }

    /// <summary>Adds a code block, with the last paragraph as its lead.</summary>
    public void CodeBlock(string language, string lines)
    {
        string trimmed = lines.ReplaceLineEndings("\n").Trim('\n');
        if (trimmed.Length > 0)
        {
            code.Add(new CodeBlock(language.Trim(), trimmed, lead));
        }
    }

    /// <summary>The document, or null when the page has no text. The only first-level heading becomes the title when there is none, and is dropped when it repeats it.</summary>
    /// <param name="id">Id and group.</param>
    /// <param name="title">Title from outside the text, may be empty.</param>
    /// <param name="language">Language from outside the text, may be empty: then guessed by script.</param>
    /// <param name="summary">Summary from outside the text, may be empty.</param>
    public Document? ToDocument(string id, string title, string language, string summary)
    {
        Close();
        int first = sections.FindIndex(s => s.Heading.Length > 0);
        bool leads = first >= 0 && sections[first].Level == 1 && sections.Count(s => s.Level == 1) == 1;
        if (leads && (title.Length == 0 || title.Contains(sections[first].Heading, StringComparison.Ordinal) || sections[first].Heading.Contains(title, StringComparison.Ordinal)))
        {
            title = title.Length > 0 ? title : sections[first].Heading;
            sections[first] = sections[first] with { Level = 0, Heading = "" };
        }
        sections.RemoveAll(s => s.Heading.Length == 0 && s.Text.Length == 0);
        if (!sections.Exists(s => s.Text.Length > 0))
        {
            return null;
        }
        string tag = language.Length > 0 ? language : Script.GuessLanguage(sections.Select(s => s.Text));
        return new Document(id, tag, SingleSpaced(title), sections, id, summary.Length > 0 ? SingleSpaced(summary) : null);
    }

    /// <summary>Text with every run of white space as one space; a line break between two Han characters is no space at all.</summary>
    public static string SingleSpaced(string text)
    {
        if (IsSingleSpaced(text))
        {
            return text;
        }
        var clean = new StringBuilder(text.Length);
        bool space = false, lineBreak = false;
        foreach (char c in text)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c) || c is '\u200b' or '\ufeff')
            {
                space |= c is not ('\u200b' or '\ufeff');
                lineBreak |= c == '\n';
                continue;
            }
            if (space && clean.Length > 0 && !(lineBreak && Script.IsWide(clean[^1]) && Script.IsWide(c)))
            {
                clean.Append(' ');
            }
            clean.Append(c);
            (space, lineBreak) = (false, false);
        }
        return clean.ToString();
    }

    // Most text is: found with vector instructions instead of copied letter by letter.
    private static bool IsSingleSpaced(string text) =>
        text.Length == 0 || (text[0] != ' ' && text[^1] != ' ' && !text.AsSpan().ContainsAny(Unusual) && !text.Contains("  ", StringComparison.Ordinal));

    private void Close()
    {
        if (heading.Length > 0 || text.Length > 0)
        {
            sections.Add(new Section(level, heading, text.ToString()));
        }
        text.Clear();
        (level, heading, lead) = (0, "", "");
    }
}

// Turns the notes and tabs of documentation sites into plain Markdown before parsing: Python-Markdown "!!! note", "??? note" and "=== tab" with
// their indented text, GitHub "[!NOTE]" quotes, Docusaurus ":::" fences, template tags. Without this their text would be taken for code.

using System.Text;
using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Rewrites site-specific blocks as plain Markdown.</summary>
internal static partial class Admonitions
{
    /// <summary>Markdown with the titles of notes as paragraphs, the labels of tabs ("C++", "Linux") dropped, and their text at the level of the text around.</summary>
    public static string Flatten(string markdown)
    {
        var plain = new StringBuilder(markdown.Length);
        var indents = new Stack<int>(); // columns of the open notes' markers
        string fence = "";
        foreach (string raw in markdown.Split('\n'))
        {
            string line = raw.Replace("\t", "    ", StringComparison.Ordinal);
            int indent = line.Length - line.TrimStart().Length;
            bool blank = indent == line.Length;
            while (fence.Length == 0 && !blank && indents.Count > 0 && indent < indents.Peek() + 4)
            {
                indents.Pop();
            }
            string own = line[Math.Min(indent, indents.Count > 0 ? indents.Peek() + 4 : 0)..];
            if (fence.Length > 0)
            {
                fence = own.TrimStart().StartsWith(fence, StringComparison.Ordinal) ? "" : fence;
            }
            else if (!blank && !(raw[FirstLetter(raw)] is '`' or '~' or '!' or '?' or '=' or '>' or ':' or '{'))
            {
                // No mark begins with any other letter: most lines need no pattern at all.
            }
            else if (Fence().Match(own) is { Success: true } opened)
            {
                fence = opened.Groups[1].Value;
            }
            else if (Note().Match(own) is { Success: true } note)
            {
                indents.Push(indent);
                plain.Append('\n').Append(note.Groups["title"].Value).Append("\n\n");
                continue;
            }
            else if (SiteMark().IsMatch(own))
            {
                plain.Append('\n');
                continue;
            }
            plain.Append(own).Append('\n');
        }
        return plain.ToString();
    }

    private static int FirstLetter(string line)
    {
        int at = 0;
        while (at < line.Length - 1 && char.IsWhiteSpace(line[at]))
        {
            at++;
        }
        return at;
    }

    [GeneratedRegex("""^\s*(?:(?:!!!|\?\?\?\+?)\s*(?:[\w-]+\s*)*(?:"(?<title>.*)")?|===\+?\s*".*")\s*$""")]
    private static partial Regex Note();

    [GeneratedRegex("^ *(`{3,}|~{3,})")]
    private static partial Regex Fence();

    // GitHub's "> [!NOTE]", Docusaurus' ":::tip", Hugo's "{{< tag >}}" and Jekyll's "{% tag %}" alone on a line.
    [GeneratedRegex(@"^\s*(?:>\s*\[!\w+\]|:::.*|\{\{[<%].*[>%]\}\}|\{%.*%\})\s*$")]
    private static partial Regex SiteMark();
}

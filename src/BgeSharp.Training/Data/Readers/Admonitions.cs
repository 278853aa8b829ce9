// Turns the notes and tabs of documentation sites into plain Markdown before parsing: Python-Markdown "!!! note", "??? note" and "=== tab" with
// their indented text, GitHub "[!NOTE]" quotes, Docusaurus ":::" fences, template tags. Without this their text would be taken for code.

using System.Text;
using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Rewrites site-specific blocks as plain Markdown.</summary>
internal static partial class Admonitions
{
    // Any other first letter of a line begins none of the marks: most lines need no pattern at all.
    private const string FirstLetters = "`~!?=>:{";

    /// <summary>Markdown with the titles of notes as paragraphs, the labels of tabs ("C++", "Linux") dropped, and their text at the level of the text around.</summary>
    public static string Flatten(string markdown)
    {
        var plain = new StringBuilder(markdown.Length + 1);
        var indents = new Stack<int>(); // columns of the open notes' markers
        string fence = "";
        int copied = 0;                 // lines that stay as they are, are copied together
        for (int start = 0; start <= markdown.Length;)
        {
            int end = markdown.IndexOf('\n', start) is int found and >= 0 ? found : markdown.Length;
            ReadOnlySpan<char> raw = markdown.AsSpan(start, end - start);
            ReadOnlySpan<char> line = raw.Contains('\t') ? raw.ToString().Replace("\t", "    ", StringComparison.Ordinal) : raw;
            int indent = line.Length - line.TrimStart().Length;
            bool blank = indent == line.Length;
            while (fence.Length == 0 && !blank && indents.Count > 0 && indent < indents.Peek() + 4)
            {
                indents.Pop();
            }
            ReadOnlySpan<char> own = line[Math.Min(indent, indents.Count > 0 ? indents.Peek() + 4 : 0)..];
            ReadOnlySpan<char> instead = own;
            if (fence.Length > 0)
            {
                fence = own.TrimStart().StartsWith(fence) ? "" : fence;
            }
            else if (!blank && FirstLetters.Contains(line[indent]))
            {
                string mark = own.ToString();
                if (Fence().Match(mark) is { Success: true } opened)
                {
                    fence = opened.Groups[1].Value;
                }
                else if (Note().Match(mark) is { Success: true } note)
                {
                    indents.Push(indent);
                    instead = "\n" + note.Groups["title"].Value + "\n";
                }
                else if (SiteMark().IsMatch(mark))
                {
                    instead = "";
                }
            }
            if (instead != raw)
            {
                plain.Append(markdown.AsSpan(copied, start - copied)).Append(instead).Append('\n');
                copied = end + 1;
            }
            start = end + 1;
        }
        return copied > markdown.Length ? plain.ToString() : plain.Append(markdown.AsSpan(copied)).Append('\n').ToString();
    }

    // Words and the space between them are one class that is never given back: as a repeat of repeats a line could be cut in 2^n ways.
    [GeneratedRegex("""^\s*(?:(?:!!!|\?\?\?\+?)(?>[\w\s-]*)(?:"(?<title>.*)"\s*)?|===\+?\s*".*"\s*)$""")]
    private static partial Regex Note();

    [GeneratedRegex("^ *(`{3,}|~{3,})")]
    private static partial Regex Fence();

    // GitHub's "> [!NOTE]", Docusaurus' ":::tip", Hugo's "{{< tag >}}" and Jekyll's "{% tag %}" alone on a line.
    [GeneratedRegex(@"^\s*(?:>\s*\[!\w+\]|:::.*|\{\{[<%].*[>%]\}\}|\{%.*%\})\s*$")]
    private static partial Regex SiteMark();
}

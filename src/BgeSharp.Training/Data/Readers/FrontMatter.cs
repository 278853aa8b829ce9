// What a page says about itself before its text: YAML between "---", TOML between "+++", or bare "key: value" lines (MultiMarkdown).
// Reads flat text values only; nested structures are passed over, which is all that title, language and summary need.

namespace BgeSharp.Training.Data.Readers;

/// <summary>Flat values at the head of a page.</summary>
internal sealed class FrontMatter
{
    // A bare "key: value" first line is front matter only when the key is one of these; "Note: ..." is text.
    private static readonly HashSet<string> BareKeys = new(StringComparer.OrdinalIgnoreCase)
        { "title", "author", "authors", "description", "summary", "date", "tags", "lang", "language", "keywords", "page_author", "copyright" };

    private readonly Dictionary<string, string> values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>First of the named values that is there and not empty; empty when none is.</summary>
    public string First(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (values.TryGetValue(key, out string? value) && value.Length > 0)
            {
                return value;
            }
        }
        return "";
    }

    /// <summary>Splits a page into its front matter (empty when there is none) and the text after it, line ends as '\n'.</summary>
    public static (FrontMatter Matter, string Text) Split(string page)
    {
        string text = page.ReplaceLineEndings("\n");
        string fence = text[..LineEnd(text, 0)].TrimEnd();
        return fence is "---" or "+++" ? Fenced(text, fence) : Bare(text);
    }

    private static (FrontMatter Matter, string Text) Fenced(string text, string fence)
    {
        var matter = new FrontMatter();
        List<string> lines = [];
        for (int start = LineEnd(text, 0) + 1; start <= text.Length; start = LineEnd(text, start) + 1)
        {
            string line = text[start..LineEnd(text, start)];
            if (line.TrimEnd() is var mark && (mark == fence || (fence == "---" && mark == "...")))
            {
                matter.Take(lines, fence == "---" ? ':' : '=');
                return (matter, After(text, start));
            }
            lines.Add(line);
        }
        return (matter, text);
    }

    private static (FrontMatter Matter, string Text) Bare(string text)
    {
        var matter = new FrontMatter();
        List<string> lines = [];
        int start = 0;
        while (start <= text.Length && text[start..LineEnd(text, start)] is var line && !string.IsNullOrWhiteSpace(line))
        {
            if (!(line.IndexOf(':') is int at && at > 0 && BareKeys.Contains(line[..at].Trim())))
            {
                return (matter, text);
            }
            lines.Add(line);
            start = LineEnd(text, start) + 1;
        }
        matter.Take(lines, ':');
        return (matter, start <= text.Length ? text[start..] : "");
    }

    private static int LineEnd(string text, int start) => text.IndexOf('\n', start) is int end and >= 0 ? end : text.Length;

    // What follows the line that begins at a place.
    private static string After(string text, int start) => LineEnd(text, start) is int end && end < text.Length ? text[(end + 1)..] : "";

    private void Take(List<string> lines, char separator)
    {
        string key = "";
        foreach (string line in lines)
        {
            bool nested = line.Length > 0 && char.IsWhiteSpace(line[0]);
            int at = line.IndexOf(separator);
            if (nested)
            {
                // Lines under "key: >" or "key: |", and long plain values that go on in the next line.
                string more = line.Trim();
                if (key.Length > 0 && !more.StartsWith("- ", StringComparison.Ordinal))
                {
                    values[key] = (values[key] + " " + more).Trim();
                }
                continue;
            }
            key = "";
            if (at > 0 && line[0] is not ('#' or '-'))
            {
                key = line[..at].Trim();
                string value = line[(at + 1)..].Trim();
                values[key] = value is ">" or ">-" or "|" or "|-" ? "" : Unquoted(value);
            }
        }
    }

    private static string Unquoted(string value)
    {
        if (value.Length < 2 || value[0] != value[^1] || value[0] is not ('"' or '\''))
        {
            return value;
        }
        string inner = value[1..^1];
        return value[0] == '"' ? inner.Replace("\\\"", "\"", StringComparison.Ordinal) : inner.Replace("''", "'", StringComparison.Ordinal);
    }
}

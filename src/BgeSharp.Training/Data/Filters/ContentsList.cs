// A passage that is a table of contents answers nothing, though it has every word of the title: short lines, most of them numbered.

using System.Text.RegularExpressions;

namespace BgeSharp.Training.Data.Filters;

/// <summary>Recognises tables of contents.</summary>
public static partial class ContentsList
{
    private const int LeastLines = 5, LongestLine = 60;

    /// <summary>Whether at least four fifths of the lines, five or more, are short and begin with a number of parts ("3.1.", "2.4.1 ", "Appendix A.").</summary>
    public static bool Is(string passage)
    {
        int lines = 0, entries = 0;
        foreach (ReadOnlySpan<char> line in passage.AsSpan().EnumerateLines())
        {
            lines++;
            entries += line.Length <= LongestLine && Entry().IsMatch(line) ? 1 : 0;
        }
        return lines >= LeastLines && entries * 5 >= lines * 4;
    }

    [GeneratedRegex(@"^\s*(?:\d+(?:\.\d+)+\.?|\d+\.|[A-Z]\.(?:\d+\.)*|附录|Appendix)\s*\S", RegexOptions.CultureInvariant)]
    private static partial Regex Entry();
}

// Rows of a small labelled file, whatever it is written in: JSONL with named fields, or tab-separated columns with or without a header line.
// Every reader says which fields it takes; a row that lacks one is named by file and line. A header is a first line that names all of them: it is no sample, and columns are found
// by it, so that a label in front of its text is not taken for the text.

using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Readers;

/// <summary>One row.</summary>
/// <param name="File">Path as the user gave it.</param>
/// <param name="Number">Line, from 1.</param>
/// <param name="Columns">Text by column, for tab-separated files; empty for JSONL.</param>
/// <param name="Json">The object, for JSONL; null for tab-separated files.</param>
internal readonly record struct TextRow(string File, long Number, string[] Columns, JsonLine? Json)
{
    /// <summary>Names of the columns in lower case, where the file's first line has them; else null.</summary>
    public string[]? Header { get; init; }

    /// <summary>The text of the first field that is there or that the header names, else the column from the front, or (negative) from the end.</summary>
    public string Require(int column, params ReadOnlySpan<string> fields)
    {
        if (Json is { } line)
        {
            return line.RequireId(fields);
        }
        int named = Named(fields), at = named >= 0 ? named : column < 0 ? Columns.Length + column : column;
        return at < Columns.Length && at >= 0 ? Columns[at] : throw Error($"{Columns.Length} columns, \"{fields[0]}\" is missing");
    }

    /// <summary>An error about this row.</summary>
    public BadInput Error(string message) => BadInput.At(File, Number, message);

    private int Named(ReadOnlySpan<string> fields)
    {
        foreach (string field in fields)
        {
            int at = Header is null ? -1 : Array.IndexOf(Header, field);
            if (at >= 0)
            {
                return at;
            }
        }
        return -1;
    }
}

/// <summary>Reads rows.</summary>
internal static class TextRows
{
    /// <summary>The rows of a file, plain or gzip; .jsonl and .json hold objects, everything else tab-separated columns. Blank lines are passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fields">Names of each field that the reader takes: line 1 is a header when every field is named in it. None: line 1 is a row.</param>
    public static IEnumerable<TextRow> Read(string path, params string[][] fields)
    {
        string name = TextFile.IsGzipName(path) ? path[..^3] : path;
        return name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonLines.Read(path).Select(line => new TextRow(path, line.Number, [], line))
            : Columns(path, fields);
    }

    private static IEnumerable<TextRow> Columns(string path, string[][] fields)
    {
        string[]? header = null;
        foreach ((long number, string line) in TextFile.ReadLines(path).Where(l => !string.IsNullOrWhiteSpace(l.Line)))
        {
            string[] columns = line.Split('\t');
            header = number == 1 ? HeaderOf(columns, fields) : header;
            if (number > 1 || header is null)
            {
                yield return new TextRow(path, number, columns, null) { Header = header };
            }
        }
    }

    private static string[]? HeaderOf(string[] columns, string[][] fields)
    {
        string[] names = [.. columns.Select(c => c.Trim().ToLowerInvariant())];
        return fields.Length > 0 && fields.All(field => field.Any(name => Array.IndexOf(names, name) >= 0)) ? names : null;
    }

    /// <summary>A name for reports: the file without folder and endings.</summary>
    public static string NameOf(string path)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
        foreach (string end in (string[])[".gz", ".jsonl", ".json", ".tsv", ".txt", ".csv"])
        {
            name = name.EndsWith(end, StringComparison.OrdinalIgnoreCase) && name.Length > end.Length ? name[..^end.Length] : name;
        }
        return name;
    }
}

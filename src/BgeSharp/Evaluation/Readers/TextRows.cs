// Rows of a small labelled file, whatever it is written in: JSONL with named fields, or tab-separated columns with or without a header line.
// Every reader below says which fields it takes; a row that lacks one is named by file and line.

using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Readers;

/// <summary>One row.</summary>
/// <param name="File">Path as the user gave it.</param>
/// <param name="Number">Line, from 1.</param>
/// <param name="Columns">Text by column, for tab-separated files; empty for JSONL.</param>
/// <param name="Json">The object, for JSONL; null for tab-separated files.</param>
internal readonly record struct TextRow(string File, long Number, string[] Columns, JsonLine? Json)
{
    /// <summary>The text of the first field that is there, or the column from the front, or (negative) from the end.</summary>
    public string Require(int column, params ReadOnlySpan<string> fields)
    {
        if (Json is { } line)
        {
            return line.RequireId(fields);
        }
        int at = column < 0 ? Columns.Length + column : column;
        return at < Columns.Length && at >= 0 ? Columns[at] : throw Error($"{Columns.Length} columns, \"{fields[0]}\" is missing");
    }

    /// <summary>An error about this row.</summary>
    public BadInput Error(string message) => BadInput.At(File, Number, message);
}

/// <summary>Reads rows.</summary>
internal static class TextRows
{
    /// <summary>The rows of a file, plain or gzip; .jsonl and .json hold objects, everything else tab-separated columns. Blank lines are passed over.</summary>
    public static IEnumerable<TextRow> Read(string path)
    {
        string name = TextFile.IsGzipName(path) ? path[..^3] : path;
        return name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonLines.Read(path).Select(line => new TextRow(path, line.Number, [], line))
            : TextFile.ReadLines(path).Where(l => !string.IsNullOrWhiteSpace(l.Line)).Select(l => new TextRow(path, l.Number, l.Line.Split('\t'), null));
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

// Translations: two files whose lines belong together (Tatoeba as LASER has it), or one tab-separated or JSONL file with both sentences.

using BgeSharp.Evaluation.Tasks;
using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads aligned sentences.</summary>
public static class BitextFiles
{
    private static readonly string[] FirstFields = ["sentence1", "first", "source"], SecondFields = ["sentence2", "second", "target"];

    /// <summary>Two files; line i of one is the translation of line i of the other.</summary>
    /// <exception cref="BadInput">The files have different numbers of lines, or none.</exception>
    public static BitextTask ReadAligned(string first, string second, string? name = null)
    {
        string[] one = Lines(first), other = Lines(second);
        return one.Length == other.Length && one.Length > 0
            ? new BitextTask(name ?? TextRows.NameOf(first), one, other)
            : throw new BadInput($"{first}: {one.Length} lines, and {other.Length} in {second}; line i of both must be translations of each other.");
    }

    /// <summary>One file with both: tab-separated (a header line with the names is allowed), or JSONL with sentence1 and sentence2.</summary>
    public static BitextTask Read(string path, string? name = null)
    {
        TextRow[] rows = [.. TextRows.Read(path, FirstFields, SecondFields)];
        return rows.Length > 0
            ? new BitextTask(name ?? TextRows.NameOf(path), [.. rows.Select(r => r.Require(0, FirstFields))], [.. rows.Select(r => r.Require(1, SecondFields))])
            : throw new BadInput($"{path}: there is no pair of sentences in it.");
    }

    // An empty last line is the end of the file, no sentence.
    private static string[] Lines(string path)
    {
        string[] lines = [.. TextFile.ReadLines(path).Select(l => l.Line.Trim())];
        return lines.Length > 0 && lines[^1].Length == 0 ? lines[..^1] : lines;
    }
}

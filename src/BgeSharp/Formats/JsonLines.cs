// Streams .jsonl and .jsonl.gz line by line: memory is one line, whatever the size of the file. Each yielded object owns its bytes,
// so callers may keep it; the price is one copy a line.

using System.Text.Json;
using System.Text.Unicode;

namespace BgeSharp.Formats;

/// <summary>Reads JSON Lines.</summary>
public static class JsonLines
{
    /// <summary>Longest line taken by default: 64 MiB.</summary>
    public const int DefaultMaxLineBytes = 64 << 20;

    /// <summary>The objects of a file; blank lines are passed over but counted.</summary>
    /// <param name="path">Plain or gzip (recognised by content), UTF-8, with or without byte order mark.</param>
    /// <param name="maxLineBytes">Longest line taken.</param>
    /// <exception cref="BadInput">No such file; a line is too long, not UTF-8, or not one JSON object; the gzip stream is damaged. File and line are named.</exception>
    public static IEnumerable<JsonLine> Read(string path, int maxLineBytes = DefaultMaxLineBytes)
    {
        using Stream stream = TextFile.OpenRead(path);
        var lines = new LineReader(path, stream, maxLineBytes);
        while (lines.Next(out ReadOnlyMemory<byte> bytes))
        {
            if (!IsBlank(bytes.Span))
            {
                yield return new JsonLine(path, lines.Number, Parse(path, lines.Number, bytes.Span));
            }
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;

    /// <summary>The object on one line.</summary>
    internal static JsonElement Parse(string path, long number, ReadOnlySpan<byte> line)
    {
        if (!Utf8.IsValid(line))
        {
            throw BadInput.At(path, number, "the line is not UTF-8; convert the file to UTF-8 and run again");
        }
        try
        {
            var reader = new Utf8JsonReader(line);
            JsonElement value = JsonElement.ParseValue(ref reader);
            if (reader.Read() || value.ValueKind != JsonValueKind.Object)
            {
                throw BadInput.At(path, number, $"the line is {JsonLine.Describe(value)}, a JSON object is needed");
            }
            return JsonLine.IsText(line, namesOnly: true) ? value : throw BadInput.At(path, number, "a field's name has a lone surrogate in it, so it is no text; mend or leave out the line");
        }
        catch (JsonException e)
        {
            throw BadInput.At(path, number, $"the line is not a JSON object (column {(e.BytePositionInLine ?? 0) + 1}: {Reason(e)})");
        }
    }

    // System.Text.Json ends its message with a position that counts within the line; the column above says it already.
    private static string Reason(JsonException e)
    {
        int end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (end < 0 ? e.Message : e.Message[..end]).TrimEnd('.');
    }
}

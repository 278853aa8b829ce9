// Text files as this room wants them: whole pages, lines, JSON objects; packed files checked to be whole, other encodings turned into UTF-8 where they are
// known, bytes that are neither refused by line.
// Holds one line, or one page of at most 64 MiB, at a time.

using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads text files, strict about what is text.</summary>
internal static class Utf8File
{
    private const int LongestPage = 64 << 20;
    private const string NotUtf8 = "not UTF-8; convert the file to UTF-8 and run again.";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Lines with their number from 1, blank ones too.</summary>
    public static IEnumerable<(long Number, string Line)> Lines(string path)
    {
        using Stream stream = TextSource.Open(path);
        var lines = new LineReader(path, stream, LongestPage);
        while (lines.Next(out ReadOnlyMemory<byte> line))
        {
            yield return (lines.Number, Decode(line.Span, path, lines.Number));
        }
    }

    /// <summary>Objects of a JSONL file; blank lines are passed over but counted.</summary>
    public static IEnumerable<JsonLine> Objects(string path)
    {
        using Stream stream = TextSource.Open(path);
        var lines = new LineReader(path, stream, LongestPage);
        while (lines.Next(out ReadOnlyMemory<byte> line))
        {
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) >= 0)
            {
                yield return new JsonLine(path, lines.Number, Parse(line, path, lines.Number));
            }
        }
    }

    /// <summary>The whole file as text.</summary>
    public static string Text(string path)
    {
        if (TextSource.TryReadPage(path) is { } page)
        {
            return Decode(WithoutMark(page), path, 1);
        }
        using Stream stream = TextSource.Open(path);
        using var whole = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        int read;
        while ((read = Fill(stream, buffer, path)) > 0)
        {
            whole.Write(buffer, 0, read);
            if (whole.Length > LongestPage)
            {
                throw new BadInput($"{path}: larger than 64 MiB; cut the file into pages, or give its documents as JSONL.");
            }
        }
        return Decode(WithoutMark(whole.GetBuffer().AsSpan(0, (int)whole.Length)), path, 1);
    }

    private static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[3..] : bytes;

    /// <summary>The object on a line.</summary>
    /// <exception cref="BadInput">It is none.</exception>
    internal static JsonElement Parse(ReadOnlyMemory<byte> line, string path, long number)
    {
        if (!Utf8.IsValid(line.Span))
        {
            throw BadInput.At(path, number, NotUtf8);
        }
        JsonElement value;
        try
        {
            var reader = new Utf8JsonReader(line.Span);
            value = JsonElement.ParseValue(ref reader);
            if (!reader.Read() && value.ValueKind == JsonValueKind.Object)
            {
                return JsonLine.IsText(line.Span, namesOnly: true) ? value
                    : throw BadInput.At(path, number, "a field's name has a lone surrogate in it, so it is no text; mend or leave out the line.");
            }
        }
        catch (JsonException e)
        {
            throw BadInput.At(path, number, $"not JSON at column {(e.BytePositionInLine ?? 0) + 1}; one JSON object a line is needed.");
        }
        throw BadInput.At(path, number, $"the line is {JsonLine.Describe(value)}, a JSON object is needed.");
    }

    private static string Decode(ReadOnlySpan<byte> bytes, string path, long firstLine)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException bad)
        {
            long line = firstLine + bytes[..Math.Clamp(bad.Index, 0, bytes.Length)].Count((byte)'\n');
            throw BadInput.At(path, line, NotUtf8);
        }
    }

    private static int Fill(Stream stream, Span<byte> room, string path)
    {
        try
        {
            return stream.Read(room);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new BadInput($"{path}: cannot be read to its end ({e.Message.TrimEnd('.')}); fetch or copy the file again.", e);
        }
    }
}

// CSV and TSV (RFC 4180: quoted fields may hold separators, line ends and doubled quotes) → documents, one row at a time. The first row names the fields.
// Rows go through the same field map as JSONL, so the two formats mean the same.

using System.Text;
using System.Text.Json;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads tables of text.</summary>
internal static class CsvReader
{
    private const int LongestRow = 64 << 20, MostFields = 100_000;

    /// <summary>Rows as objects, with the number of the line each begins on.</summary>
    /// <param name="file">File to read, packed or not.</param>
    /// <param name="separator">',' or a tab.</param>
    /// <exception cref="BadInput">A row is wrong, or the file cannot be read on.</exception>
    public static IEnumerable<JsonLine> Rows(DocumentFile file, char separator) => RowsAndProblems(file, separator).Select(r => r.Problem is null ? r.Row : throw new BadInput(r.Problem));

    /// <summary>The same with a sentence in place of each row that has too few or too many fields.</summary>
    /// <param name="file">File to read, packed or not.</param>
    /// <param name="separator">',' or a tab.</param>
    /// <exception cref="BadInput">The file cannot be read on.</exception>
    public static IEnumerable<(JsonLine Row, string? Problem)> RowsAndProblems(DocumentFile file, char separator)
    {
        string[]? names = null;
        foreach ((long line, List<string> fields) in Records(file.Path, separator))
        {
            if (names is null)
            {
                names = [.. fields.Select(f => f.Trim())];
                if (names.Distinct(StringComparer.Ordinal).Count() < names.Length)
                {
                    throw BadInput.At(file.Path, line, "two columns have one name; the first row must name the columns.");
                }
                continue;
            }
            if (fields.Count != names.Length)
            {
                yield return (default, BadInput.At(file.Path, line, $"the row has {fields.Count} fields and the first row {names.Length}; quote fields that hold separators or line ends.").Message);
                continue;
            }
            yield return (new JsonLine(file.Path, line, Object(names, fields)), null);
        }
    }

    /// <summary>A row as a JSON object; empty fields are left out.</summary>
    internal static JsonElement Object(IReadOnlyList<string> names, IReadOnlyList<string?> values)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            for (int i = 0; i < names.Count; i++)
            {
                if (!string.IsNullOrEmpty(values[i]))
                {
                    json.WriteString(names[i], values[i]);
                }
                else
                {
                    json.WriteNull(names[i]);
                }
            }
            json.WriteEndObject();
        }
        var reader = new Utf8JsonReader(stream.GetBuffer().AsSpan(0, (int)stream.Length));
        return JsonElement.ParseValue(ref reader);
    }

    private static IEnumerable<(long Line, List<string> Fields)> Records(string path, char separator)
    {
        using var text = new StreamReader(TextSource.Open(path), new UTF8Encoding(false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, 1 << 16);
        var fields = new List<string>();
        var field = new StringBuilder();
        long line = 1, began = 1;
        bool quoted = false, any = false;
        int length = 0; // characters of the row
        for (int c = Next(text, path, line); c >= 0; c = Next(text, path, line))
        {
            line += c == '\n' ? 1 : 0;
            if (quoted)
            {
                if (c == '"' && Next(text, path, line, peek: true) == '"')
                {
                    field.Append((char)text.Read());
                }
                else if (c == '"')
                {
                    quoted = false;
                }
                else
                {
                    field.Append((char)c);
                }
            }
            else if (c == '"' && field.Length == 0)
            {
                (quoted, any) = (true, true);
            }
            else if (c == separator)
            {
                fields.Add(Take(field));
                any = true;
            }
            else if (c == '\n')
            {
                if (any || field.Length > 0)
                {
                    fields.Add(Take(field));
                    yield return (began, fields);
                }
                (fields, any, began, length) = ([], false, line, 0);
            }
            else if (c != '\r' || Next(text, path, line, peek: true) != '\n')
            {
                field.Append((char)c);
            }
            if (length++ > LongestRow || fields.Count >= MostFields)
            {
                throw BadInput.At(path, began, fields.Count >= MostFields ? "the row has more than 100,000 fields; is this a table?" : "the row has more than 64 Mi characters; a quote may be missing.");
            }
        }
        if (quoted)
        {
            throw BadInput.At(path, began, "a quoted field is not closed before the end of the file; add the missing quote.");
        }
        if (any || field.Length > 0)
        {
            fields.Add(Take(field));
            yield return (began, fields);
        }
    }

    private static string Take(StringBuilder field)
    {
        string text = field.ToString();
        field.Clear();
        return text;
    }

    private static int Next(StreamReader text, string path, long line, bool peek = false)
    {
        try
        {
            return peek ? text.Peek() : text.Read();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or DecoderFallbackException)
        {
            throw BadInput.At(path, line, $"cannot be read on from about here ({(e is DecoderFallbackException ? "not UTF-8" : e.Message.TrimEnd('.'))}).");
        }
    }
}

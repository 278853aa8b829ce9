// One line of a JSONL file that knows where it stands, so that every error about it can say so.

using System.Text.Json;

namespace BgeSharp.Formats;

/// <summary>An object of a JSONL file.</summary>
/// <param name="File">Path as the user gave it.</param>
/// <param name="Number">Line number, from 1.</param>
/// <param name="Value">The object; owns its memory, valid as long as it is held.</param>
public readonly record struct JsonLine(string File, long Number, JsonElement Value)
{
    /// <summary>An error about this line: <c>file:line: message</c>.</summary>
    public BadInput Error(string message) => BadInput.At(File, Number, message);

    /// <summary>The string under a field.</summary>
    /// <exception cref="BadInput">The field is missing or not a string.</exception>
    public string RequireString(string field) =>
        Value.TryGetProperty(field, out JsonElement value)
            ? StringOf(value) ?? throw Error($"\"{field}\" is {Describe(value)}, a string is needed")
            : throw Error($"\"{field}\" is missing, a string is needed");

    /// <summary>The string under a field; null when the field is missing or null.</summary>
    /// <exception cref="BadInput">The field is there and neither string nor null.</exception>
    public string? OptionalString(string field) =>
        Value.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? StringOf(value) ?? throw Error($"\"{field}\" is {Describe(value)}, a string is needed")
            : null;

    /// <summary>The string under the first of several fields that is there; a number is taken by its digits (ids are sometimes numbers).</summary>
    /// <exception cref="BadInput">None is there, or it is neither string nor integer.</exception>
    public string RequireId(params ReadOnlySpan<string> fields)
        => OptionalId(fields) ?? throw Error($"\"{string.Join("\" or \"", fields.ToArray())}\" is missing; give it, as a string or an integer.");

    /// <summary>The same, null when none of the fields is there.</summary>
    /// <exception cref="BadInput">It is neither string nor integer.</exception>
    public string? OptionalId(params ReadOnlySpan<string> fields)
    {
        foreach (string field in fields)
        {
            if (Value.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
            {
                return IdOf(value) ?? throw Error($"\"{field}\" is {Describe(value)}, a string or an integer is needed");
            }
        }
        return null;
    }

    /// <summary>A string, or the digits of an integer; null for anything else.</summary>
    public static string? IdOf(JsonElement value)
        => StringOf(value) ?? (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _) ? value.GetRawText() : null);

    /// <summary>The integer under a field.</summary>
    /// <exception cref="BadInput">The field is missing or not an integer of 32 bits.</exception>
    public int RequireInt32(string field) =>
        !Value.TryGetProperty(field, out JsonElement value) ? throw Error($"\"{field}\" is missing, an integer is needed")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number
        : throw Error($"\"{field}\" is {Describe(value)}, an integer is needed");

    /// <summary>The text of a JSON string; null for anything else and for a string with a lone surrogate, which is no text.</summary>
    public static string? StringOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return null;
        }
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether the names in a JSON text, at any depth, are text. One with a lone surrogate is none, and every look for a field of its object would throw.</summary>
    /// <param name="json">Valid JSON; what has no escaped surrogate in it costs a search for one.</param>
    /// <param name="namesOnly">False asks the same of the strings.</param>
    public static bool IsText(ReadOnlySpan<byte> json, bool namesOnly)
    {
        if (json.IndexOf("\\ud"u8) < 0 && json.IndexOf("\\uD"u8) < 0)
        {
            return true;
        }
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped && (reader.TokenType == JsonTokenType.PropertyName || !namesOnly))
                {
                    reader.GetString();
                }
            }
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>What a value is, for messages: "a number", "null", "a string with a lone surrogate", ...</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => StringOf(value) is string text ? $"the string \"{(text.Length > 40 ? text[..40] + "..." : text)}\"" : "a string with a lone surrogate",
        JsonValueKind.Number => value.GetRawText() is { Length: <= 20 } digits ? $"the number {digits}" : "a number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}

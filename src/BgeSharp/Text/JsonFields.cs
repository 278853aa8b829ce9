// Small JSON files of a model folder, read whole and asked field by field; every error names the file and the field.

using System.Text.Json;

namespace BgeSharp.Text;

/// <summary>An object of a JSON file, with typed fields.</summary>
/// <param name="File">Path, for errors.</param>
/// <param name="Where">Path of this object inside the file, ending in a dot; empty at the top.</param>
/// <param name="Element">The object.</param>
internal readonly record struct JsonFields(string File, string Where, JsonElement Element)
{
    /// <summary>Reads a file that must hold one JSON object.</summary>
    public static JsonFields Read(string path)
    {
        BadInput.RequireFile(path, "tokenizer");
        try
        {
            byte[] bytes = System.IO.File.ReadAllBytes(path);
            RequireText(bytes, path);
            using JsonDocument document = JsonDocument.Parse(bytes);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new JsonFields(path, "", document.RootElement.Clone())
                : throw new BadInput($"{path}: an object is needed at the top, this is {Kind(document.RootElement)}.");
        }
        catch (JsonException fault)
        {
            throw new BadInput($"{path}:{fault.LineNumber + 1}: no valid JSON: {fault.Message}", fault);
        }
    }

    // A name or string with half a surrogate pair parses as JSON and throws only when it is compared or read: it is refused here.
    private static void RequireText(ReadOnlySpan<byte> json, string path)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
            {
                try
                {
                    reader.GetString();
                }
                catch (InvalidOperationException fault)
                {
                    long line = 1 + json[..(int)reader.TokenStartIndex].Count((byte)'\n');
                    throw new BadInput($"{path}:{line}: a string holds half a surrogate pair (\\ud800 to \\udfff alone), which is no text; correct the escape.", fault);
                }
            }
        }
    }

    /// <summary>The same, or an empty object when there is no such file.</summary>
    public static JsonFields ReadOrEmpty(string path) => System.IO.File.Exists(path) ? Read(path) : new(path, "", JsonDocument.Parse("{}").RootElement);

    /// <summary>A field, or null when it is absent or JSON null.</summary>
    public JsonElement? Get(string name) => Element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A field that is an object, or null.</summary>
    public JsonFields? Object(string name) => Get(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonFields(File, $"{Where}{name}.", value) : throw Wrong(name, value, "an object");

    /// <summary>The objects of an array field, none when it is absent.</summary>
    public IEnumerable<JsonFields> Objects(string name)
    {
        if (Get(name) is not { } value)
        {
            yield break;
        }
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Wrong(name, value, "an array");
        }
        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            string where = $"{name}[{index++}]";
            yield return item.ValueKind == JsonValueKind.Object ? new JsonFields(File, $"{Where}{where}.", item) : throw Wrong(where, item, "an object");
        }
    }

    /// <summary>A text field, or null.</summary>
    public string? Text(string name) => Get(name) is { } value ? TextOf(name, value) : null;

    /// <summary>A field that is true or false, or null.</summary>
    public bool? Flag(string name) => Get(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(name, value, "true or false");

    /// <summary>A whole number in a range, or null.</summary>
    public int? Number(string name, int least, long most) => Get(name) is { } value ? NumberOf(name, value, least, most) : null;

    /// <summary>A text value.</summary>
    public string TextOf(string name, JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(name, value, "a text");
        }
        catch (InvalidOperationException fault)
        {
            throw new BadInput($"{File}: \"{Where}{name}\" holds a lone surrogate, so it is no text.", fault);
        }
    }

    /// <summary>A whole number in a range.</summary>
    public int NumberOf(string name, JsonElement value, int least, long most) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= least && number <= most
            ? number
            : throw Wrong(name, value, $"a whole number from {least} to {most}");

    /// <summary>An error in a field.</summary>
    public BadInput Wrong(string name, JsonElement value, string wanted) => new($"{File}: \"{Where}{name}\" is {Kind(value)}, {wanted} is needed.");

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => value.GetRawText() is { Length: < 30 } number ? number : "a number",
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };
}

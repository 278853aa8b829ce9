// SQuAD-format question answering files as retrieval pairs: the question asks, its paragraph answers. One JSON object, so the file is held whole
// (at most 64 MiB). Questions marked impossible are left out: their paragraph does not answer them.

using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Pairs;

/// <summary>Reads SQuAD-format JSON (SQuAD, CMRC 2018, DRCD, XQuAD; .gz allowed).</summary>
public static class SquadPairs
{
    /// <summary>One example a question, in file order: query the question, positive the paragraph, group the article's title, source the file name, and the question's id as extra field "id".</summary>
    /// <exception cref="BadInput">The file is not in this format; the message names the place.</exception>
    public static IReadOnlyList<TrainingExample> Read(string path)
    {
        string text = Utf8File.Text(path);
        using JsonDocument json = Parse(text, path);
        var pairs = new List<TrainingExample>();
        string source = Path.GetFileName(path);
        foreach ((JsonElement article, string at) in Items(json.RootElement, "data", "", path))
        {
            string? title = Property(article, "title") is { } name ? JsonLine.StringOf(name) : null;
            foreach ((JsonElement paragraph, string inside) in Items(article, "paragraphs", at, path))
            {
                string context = Text(paragraph, "context", inside, path);
                foreach ((JsonElement question, string here) in Items(paragraph, "qas", inside, path))
                {
                    if (Property(question, "is_impossible") is { ValueKind: JsonValueKind.True })
                    {
                        continue;
                    }
                    if (Property(question, "question") is { } given && JsonLine.StringOf(given) is { } asked && string.IsNullOrWhiteSpace(asked))
                    {
                        continue; // CMRC 2018's trial file has such a question: an answer nobody asked for
                    }
                    string query = Text(question, "question", here, path);
                    Dictionary<string, JsonElement>? extra = Property(question, "id") is { } id && JsonLine.IsText(JsonMarshal.GetRawUtf8Value(id), namesOnly: false) ? new() { ["id"] = id.Clone() } : null;
                    pairs.Add(new TrainingExample(query, [context], []) { Group = title, Source = source, Extra = extra });
                }
            }
        }
        return pairs.Count > 0 ? pairs : throw new BadInput($"{path}: no questions in it; SQuAD format (data → paragraphs → qas) is needed.");
    }

    private static JsonDocument Parse(string text, string path)
    {
        try
        {
            if (text.Contains(@"\ud", StringComparison.OrdinalIgnoreCase) && !JsonLine.IsText(Encoding.UTF8.GetBytes(text), namesOnly: true))
            {
                throw new BadInput($"{path}: a field's name has a lone surrogate in it, so it is no text; one SQuAD-format object (data → paragraphs → qas) is needed.");
            }
            return JsonDocument.Parse(text);
        }
        catch (JsonException e)
        {
            throw BadInput.At(path, (e.LineNumber ?? 0) + 1, "not JSON; one SQuAD-format object (data → paragraphs → qas) is needed.");
        }
    }

    private static IEnumerable<(JsonElement Item, string At)> Items(JsonElement parent, string field, string at, string path)
    {
        string here = at.Length == 0 ? field : $"{at}.{field}";
        if (Property(parent, field) is not { ValueKind: JsonValueKind.Array } array)
        {
            throw new BadInput($"{path}: \"{here}\" is not an array; SQuAD format (data → paragraphs → qas) is needed.");
        }
        return array.EnumerateArray().Select((item, i) => (item, $"{here}[{i}]"));
    }

    private static string Text(JsonElement parent, string field, string at, string path)
    {
        string text = Property(parent, field) is { } value ? JsonLine.StringOf(value)?.Trim() ?? "" : "";
        return text.Length > 0 ? text : throw new BadInput($"{path}: \"{at}.{field}\" is missing or empty; a text is needed.");
    }

    private static JsonElement? Property(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out JsonElement value) ? value : null;
}

// One line of FlagEmbedding JSONL → an example, every field checked before it is believed.

using System.Runtime.InteropServices;
using System.Text.Json;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Pairs;

/// <summary>Parses one line of a pair file.</summary>
internal static class PairLine
{
    private static readonly HashSet<string> Known = ["query", "pos", "neg", "pos_scores", "neg_scores", "pos_ids", "neg_ids", "prompt", "passage_prompt", "type", "miner", "source", "group"]; // and "language", when it is a string

    /// <summary>The example of a line.</summary>
    public static TrainingExample Parse(JsonLine line)
    {
        string query = Text(line, "query") ?? throw Missing(line, "query", "the text to search with");
        if (string.IsNullOrWhiteSpace(query))
        {
            throw line.Error("\"query\" is empty; give the text to search with, or leave the line out.");
        }
        List<string> positives = Texts(line, "pos") ?? throw Missing(line, "pos", "an array with at least one text that answers the query");
        if (positives.Count == 0)
        {
            throw line.Error("\"pos\" is empty; at least one text that answers the query is needed.");
        }
        List<string> negatives = Texts(line, "neg") ?? [];
        return new TrainingExample(query, positives, negatives)
        {
            PositiveScores = Numbers(line, "pos_scores", "pos", positives.Count),
            NegativeScores = Numbers(line, "neg_scores", "neg", negatives.Count),
            PositiveIds = Ids(line, "pos_ids", "pos", positives.Count),
            NegativeIds = Ids(line, "neg_ids", "neg", negatives.Count),
            Prompt = Text(line, "prompt"),
            PassagePrompt = Text(line, "passage_prompt"),
            Type = Text(line, "type"),
            Miner = Text(line, "miner"),
            Source = Text(line, "source"),
            Group = Text(line, "group"),
            Language = line.Value.TryGetProperty("language", out JsonElement language) ? JsonLine.StringOf(language) : null,
            Extra = Extra(line),
        };
    }

    // Carried along, so it must be text that can be written again.
    private static Dictionary<string, JsonElement>? Extra(JsonLine line)
    {
        Dictionary<string, JsonElement>? extra = null;
        foreach (JsonProperty property in line.Value.EnumerateObject())
        {
            if (!Known.Contains(property.Name) && !(property.Name == "language" && JsonLine.StringOf(property.Value) is not null))
            {
                (extra ??= [])[property.Name] = JsonLine.IsText(JsonMarshal.GetRawUtf8Value(property.Value), namesOnly: false) ? property.Value.Clone()
                    : throw line.Error($"\"{property.Name}\" has a string with a lone surrogate in it, which is no text; mend it or leave the field out.");
            }
        }
        return extra;
    }

    private static BadInput Missing(JsonLine line, string field, string what) =>
        line.Error($"\"{field}\" is missing; {what} is needed.");

    private static bool Has(JsonLine line, string field, out JsonElement value) =>
        line.Value.TryGetProperty(field, out value) && value.ValueKind != JsonValueKind.Null;

    private static string? Text(JsonLine line, string field) => Has(line, field, out JsonElement value) ? String(line, value, field) : null;

    private static List<string>? Texts(JsonLine line, string field)
    {
        if (!Has(line, field, out JsonElement array))
        {
            return null;
        }
        if (array.ValueKind != JsonValueKind.Array)
        {
            throw line.Error($"\"{field}\" is {JsonLine.Describe(array)}, an array of strings is needed.");
        }
        var texts = new List<string>(array.GetArrayLength());
        foreach (JsonElement item in array.EnumerateArray())
        {
            string text = String(line, item, $"{field}[{texts.Count}]");
            if (string.IsNullOrWhiteSpace(text))
            {
                string instead = field == "neg" ? "give [] when there are no negatives." : "leave it out.";
                throw line.Error($"\"{field}[{texts.Count}]\" is empty; {instead}");
            }
            texts.Add(text);
        }
        return texts;
    }

    private static List<double>? Numbers(JsonLine line, string field, string of, int count) =>
        PerText<double?>(line, field, of, count, "number", item => item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out double value) && double.IsFinite(value) ? value : null)?.ConvertAll(n => n!.Value);

    private static List<string>? Ids(JsonLine line, string field, string of, int count) =>
        PerText(line, field, of, count, "id", JsonLine.IdOf);

    // An array with one value a text.
    private static List<T>? PerText<T>(JsonLine line, string field, string of, int count, string what, Func<JsonElement, T?> read)
    {
        if (!Has(line, field, out JsonElement array))
        {
            return null;
        }
        if (array.ValueKind != JsonValueKind.Array)
        {
            throw line.Error($"\"{field}\" is {JsonLine.Describe(array)}, an array of {what}s is needed.");
        }
        if (array.GetArrayLength() != count)
        {
            throw line.Error($"\"{field}\" has {array.GetArrayLength()} {what}s and \"{of}\" has {count} texts; one {what} a text is needed.");
        }
        var values = new List<T>(count);
        foreach (JsonElement item in array.EnumerateArray())
        {
            values.Add(read(item) ?? throw line.Error($"\"{field}[{values.Count}]\" is {JsonLine.Describe(item)}, {(what == "id" ? "a string or an integer" : "a finite number")} is needed."));
        }
        return values;
    }

    private static string String(JsonLine line, JsonElement value, string field) =>
        JsonLine.StringOf(value) ?? throw line.Error($"\"{field}\" is {JsonLine.Describe(value)}, a string is needed.");
}

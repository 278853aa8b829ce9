// The card of a mined set: what is in it, what was left out and why, with examples of both. JSON for programs, HTML for a person; written before the set's work
// folder goes, so that a set never lacks its card.

using System.Text.Encodings.Web;
using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Mining;

namespace BgeSharp.Cli.Reports;

/// <summary>Everything a card shows.</summary>
/// <param name="Name">Name of the set.</param>
/// <param name="File">Its pairs.</param>
/// <param name="RecipeJson">How it was made.</param>
/// <param name="Counts">What was counted.</param>
internal sealed record DataCard(string Name, string File, string RecipeJson, PairStatistics Counts)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <paramref name="path"/>.html and .json.</summary>
    public static void Write(string path, DataCard card)
    {
        AtomicFile.WriteText(path + ".html", DataCardPage.Render(card));
        AtomicFile.Write(path + ".json", card.WriteJson);
    }

    private void WriteJson(Stream stream)
    {
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteString("name", Name);
        json.WriteString("file", File);
        json.WriteNumber("pairs", Counts.PairCount - Counts.MixedOut.Values.Sum());
        json.WriteNumber("documents", Counts.DocumentCount);
        json.WriteNumber("held_out_pairs", Counts.Sources.Values.Sum(s => s.HeldOutPairs));
        Map(json, "sources", Counts.Sources, source =>
        {
            json.WriteStartObject();
            json.WriteNumber("documents_read", source.Read);
            json.WriteNumber("documents_kept", source.Kept);
            json.WriteNumber("characters", source.Characters);
            json.WriteNumber("pairs", source.Pairs);
            json.WriteNumber("held_out_pairs", source.HeldOutPairs);
            json.WriteEndObject();
        });
        Map(json, "pairs_by_miner_and_language", Counts.Pairs, languages => Numbers(json, languages));
        json.WritePropertyName("documents_by_language");
        Numbers(json, Counts.DocumentLanguages);
        json.WritePropertyName("left_out_by_mix");
        Numbers(json, Counts.MixedOut);
        Bins(json, "length_edges", PairStatistics.LengthEdges.Select(e => (long)e));
        Map(json, "query_lengths", Counts.QueryLengths, bins => Bins(json, null, bins));
        Map(json, "passage_lengths", Counts.PassageLengths, bins => Bins(json, null, bins));
        Map(json, "document_lengths", Counts.DocumentLengths, bins => Bins(json, null, bins));
        Map(json, "dropped", Counts.Dropped, drop =>
        {
            json.WriteStartObject();
            json.WriteString("what", drop.What);
            json.WriteNumber("count", drop.Count);
            Texts(json, "examples", drop.Examples);
            json.WriteEndObject();
        });
        json.WriteNumber("problems", Counts.Problems);
        Texts(json, "problem_examples", Counts.ProblemExamples);
        Map(json, "samples", Counts.Samples, samples =>
        {
            json.WriteStartArray();
            foreach (PairSample sample in samples)
            {
                json.WriteStartObject();
                json.WriteString("query", sample.Query);
                json.WriteString("passage", sample.Passage);
                json.WriteString("source", sample.Source);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
        json.WritePropertyName("recipe");
        using JsonDocument recipe = JsonDocument.Parse(RecipeJson);
        recipe.RootElement.WriteTo(json);
        json.WriteEndObject();
        json.Flush();
        stream.WriteByte((byte)'\n');
    }

    private static void Map<T>(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, T> map, Action<T> write)
    {
        json.WriteStartObject(name);
        foreach ((string key, T value) in map)
        {
            json.WritePropertyName(key);
            write(value);
        }
        json.WriteEndObject();
    }

    private static void Numbers(Utf8JsonWriter json, IReadOnlyDictionary<string, long> numbers)
    {
        json.WriteStartObject();
        foreach ((string key, long value) in numbers)
        {
            json.WriteNumber(key, value);
        }
        json.WriteEndObject();
    }

    private static void Bins(Utf8JsonWriter json, string? name, IEnumerable<long> bins)
    {
        if (name is not null)
        {
            json.WritePropertyName(name);
        }
        json.WriteStartArray();
        foreach (long bin in bins)
        {
            json.WriteNumberValue(bin);
        }
        json.WriteEndArray();
    }

    private static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}

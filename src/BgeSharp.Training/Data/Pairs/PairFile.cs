// FlagEmbedding's training format, one example a line, read and written without loss: fields we do not know are carried along. Streaming both ways;
// a file is written under a temporary name and renamed when it is whole.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Pairs;

/// <summary>Reads and writes FlagEmbedding JSONL.</summary>
public static class PairFile
{
    /// <summary>Examples of a file (.gz allowed), in order.</summary>
    /// <exception cref="BadInput">A line is wrong; the message names file, line and field.</exception>
    public static IEnumerable<TrainingExample> Read(string path)
    {
        BadInput.RequireFile(path, "training pairs");
        return Lines(path);
    }

    /// <summary>True for a file of examples line by line, whatever its name: its first object has a "query" before any "data". FlagEmbedding names such files .json too.</summary>
    public static bool HoldsLines(string path)
    {
        BadInput.RequireFile(path, "training pairs");
        var start = new byte[1 << 16];
        try
        {
            using Stream stream = TextFile.OpenRead(path);
            int read = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
            ReadOnlySpan<byte> text = start.AsSpan(0, read);
            var json = new Utf8JsonReader(text.StartsWith("\uFEFF"u8) ? text[3..] : text, isFinalBlock: false, state: default);
            while (json.Read())
            {
                if (json is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && (json.ValueTextEquals("query"u8) || json.ValueTextEquals("data"u8)))
                {
                    return json.ValueTextEquals("query"u8);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or IOException)
        {
            return false;       // its own reader says what is wrong with it
        }
        return false;
    }

    /// <summary>Writes examples, replacing the file only when all are written.</summary>
    /// <returns>How many were written.</returns>
    public static long Write(string path, IEnumerable<TrainingExample> examples)
    {
        using JsonLinesWriter lines = JsonLinesWriter.Create(path);
        foreach (TrainingExample example in examples)
        {
            lines.Write(json => WriteFields(json, example));
        }
        lines.Commit();
        return lines.Count;
    }

    private static IEnumerable<TrainingExample> Lines(string path)
    {
        long count = 0;
        foreach (JsonLine line in Utf8File.Objects(path))
        {
            yield return PairLine.Parse(line);
            count++;
        }
        if (count == 0)
        {
            throw new BadInput($"{path}: no training pairs in it; lines like {{\"query\": \"...\", \"pos\": [\"...\"]}} are needed.");
        }
    }

    /// <summary>Writes the fields of one line; the braces are the caller's.</summary>
    internal static void WriteFields(Utf8JsonWriter json, TrainingExample example)
    {
        json.WriteString("query", example.Query);
        Strings(json, "pos", example.Positives);
        Strings(json, "neg", example.Negatives);
        Numbers(json, "pos_scores", example.PositiveScores);
        Numbers(json, "neg_scores", example.NegativeScores);
        Strings(json, "pos_ids", example.PositiveIds);
        Strings(json, "neg_ids", example.NegativeIds);
        foreach ((string name, string? value) in (ReadOnlySpan<(string, string?)>)[("prompt", example.Prompt), ("passage_prompt", example.PassagePrompt), ("type", example.Type), ("miner", example.Miner), ("source", example.Source), ("language", example.Language), ("group", example.Group)])
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
        if (example.Extra is { } extra)
        {
            foreach ((string name, JsonElement value) in extra)
            {
                json.WritePropertyName(name);
                value.WriteTo(json);
            }
        }
    }

    private static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string>? values)
    {
        if (values is null)
        {
            return;
        }
        json.WriteStartArray(name);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }
        json.WriteEndArray();
    }

    private static void Numbers(Utf8JsonWriter json, string name, IReadOnlyList<double>? values)
    {
        if (values is null)
        {
            return;
        }
        json.WriteStartArray(name);
        foreach (double value in values)
        {
            json.WriteNumberValue(value);
        }
        json.WriteEndArray();
    }
}

// Reads the texts of evaluation sets in the formats they come in, to keep them out of training data.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Formats.Collections;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Loads evaluation text.</summary>
public static class EvaluationTexts
{
    /// <summary>The n-grams of all texts of some sets.</summary>
    /// <param name="paths">SQuAD-format JSON, BEIR-layout folders, JSONL (every string field and list of strings counts), or plain text; .gz allowed.</param>
    /// <exception cref="BadInput">A set cannot be read or holds no text.</exception>
    public static Decontamination Of(IEnumerable<string> paths)
    {
        var texts = new Decontamination();
        foreach (string path in paths)
        {
            long before = texts.Texts;
            foreach (string text in Read(path))
            {
                texts.Add(text);
            }
            if (texts.Texts == before)
            {
                throw new BadInput($"{path}: no evaluation text in it.");
            }
        }
        return texts;
    }

    private static IEnumerable<string> Read(string path)
    {
        if (Directory.Exists(path))
        {
            RetrievalSet set = BeirFolder.Load(path);
            return [.. set.Queries.Select(q => q.Text), .. set.Corpus.Select(p => p.FullText)];
        }
        string name = TextSource.Unpacked(path);
        bool lines = name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && PairFile.HoldsLines(path));
        return !lines && name.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? SquadPairs.Read(path).SelectMany(p => (string[])[p.Query, .. p.Positives]).Distinct()
            : lines ? Utf8File.Objects(path).SelectMany(l => Strings(l.Value))
            : Utf8File.Lines(path).SelectMany(l => l.Line.Split('\t'));
    }

    private static IEnumerable<string> Strings(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => JsonLine.StringOf(value) is { } text ? [text] : [],
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Strings),
        JsonValueKind.Object => value.EnumerateObject().Where(p => p.Name is not ("id" or "_id" or "pos_ids" or "neg_ids" or "group" or "source" or "miner" or "language" or "type")).SelectMany(p => Strings(p.Value)),
        _ => [],
    };
}

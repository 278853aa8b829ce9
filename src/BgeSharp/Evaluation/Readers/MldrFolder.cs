// MLDR (long documents): SPLIT.jsonl with query_id, query and positive_passages; corpus.jsonl with docid and text. Passages named as positive are relevant.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads MLDR folders.</summary>
public static class MldrFolder
{
    /// <exception cref="BadInput">A file or field is missing, or an id comes twice.</exception>
    public static TestCollection Load(string folder, string split)
    {
        var corpus = new Dictionary<string, Passage>(StringComparer.Ordinal);
        foreach (JsonLine line in JsonLines.Read(Find(folder, "corpus")))
        {
            string id = line.RequireId("docid", "id", "_id");
            if (!corpus.TryAdd(id, new Passage(id, line.OptionalString("title") ?? "", line.RequireString("text"))))
            {
                throw line.Error($"the id \"{id}\" comes a second time");
            }
        }
        var queries = new List<Query>();
        var qrels = new Qrels();
        foreach (JsonLine line in JsonLines.Read(Find(folder, split)))
        {
            string id = line.RequireId("query_id", "id");
            if (qrels.Contains(id))
            {
                throw line.Error($"the query id \"{id}\" comes a second time");
            }
            queries.Add(new Query(id, line.RequireString("query")));
            if (!line.Value.TryGetProperty("positive_passages", out JsonElement positives) || positives.ValueKind != JsonValueKind.Array || positives.GetArrayLength() == 0)
            {
                throw line.Error("a list \"positive_passages\" with one passage at least is missing");
            }
            foreach (JsonElement positive in positives.EnumerateArray())
            {
                qrels.Add(id, positive.ValueKind == JsonValueKind.Object ? new JsonLine(line.File, line.Number, positive).RequireId("docid", "id") : throw line.Error("\"positive_passages\" must hold objects with a \"docid\""), 1);
            }
        }
        return new TestCollection(new RetrievalSet(TextRows.NameOf(folder), [.. corpus.Values], queries, qrels));
    }

    private static string Find(string folder, string name) =>
        new[] { name + ".jsonl", name + ".jsonl.gz" }.Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists) ?? throw new BadInput($"{folder}: {name}.jsonl is missing (MLDR: corpus.jsonl and SPLIT.jsonl, each may end in .gz).");
}

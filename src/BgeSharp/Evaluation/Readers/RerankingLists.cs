// Lists to order: JSONL with query, positive and negative (MTEB, FlagEmbedding's pos and neg too).

using BgeSharp.Evaluation.Tasks;
using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads reranking lists.</summary>
public static class RerankingLists
{
    /// <summary>One list a line.</summary>
    /// <exception cref="BadInput">A field is missing or no list of strings, or there is no line.</exception>
    public static RerankingTask Read(string path, string? name = null)
    {
        List<RerankingList> lists = [.. JsonLines.Read(path).Select(line => new RerankingList(line.RequireString("query"), Texts(line, "positive", "pos"), Texts(line, "negative", "neg")))];
        return lists.Count > 0 ? new RerankingTask(name ?? TextRows.NameOf(path), lists) : throw new BadInput($"{path}: there is no list in it.");
    }

    private static string[] Texts(JsonLine line, string field, string other) => LabelledTexts.Strings(line, line.Value.TryGetProperty(field, out _) ? field : other);
}

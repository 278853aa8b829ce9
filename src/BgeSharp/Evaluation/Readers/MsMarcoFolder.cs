// MS MARCO passage ranking: collection.tsv (id, tab, passage), queries.SPLIT.tsv, qrels.SPLIT.tsv; "small" variants are found too.

using BgeSharp.Formats;
using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads MS MARCO folders.</summary>
public static class MsMarcoFolder
{
    /// <exception cref="BadInput">A file is missing, a line is malformed, or an id comes twice.</exception>
    public static TestCollection Load(string folder, string split)
    {
        string collection = Find(folder, "collection.tsv*"), queries = Find(folder, $"queries.{split}*.tsv*"), qrels = Find(folder, $"qrels.{split}*.tsv*");
        var corpus = new List<Passage>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach ((long number, string line) in TextFile.ReadLines(collection).Where(l => l.Line.Length > 0))
        {
            string[] columns = line.Split('\t', 3);
            if (columns.Length < 2)
            {
                throw BadInput.At(collection, number, "an id, a tab and a passage are needed");
            }
            // The documents' corpus has a title between; the passages' has not.
            corpus.Add(ids.Add(columns[0])
                ? columns.Length == 3 ? new Passage(columns[0], columns[1], columns[2]) : new Passage(columns[0], "", columns[1])
                : throw BadInput.At(collection, number, $"the id \"{columns[0]}\" comes a second time"));
        }
        return MiraclFolder.OfTopics(folder, queries, qrels, corpus);
    }

    private static string Find(string folder, string pattern) =>
        Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal).FirstOrDefault() ?? throw new BadInput($"{folder}: {pattern.TrimEnd('*')} is missing (MS MARCO: collection.tsv, queries.SPLIT.tsv, qrels.SPLIT.tsv).");
}

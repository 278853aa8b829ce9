// MIRACL and Mr.TyDi: topics (id, tab, question), TREC judgements, a corpus in shards of JSONL. Files are found by the names the two collections use.

using BgeSharp.Formats;
using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads MIRACL and Mr.TyDi folders.</summary>
public static class MiraclFolder
{
    /// <summary>topics/topics.*-SPLIT.tsv (or topics.*), qrels/qrels.*-SPLIT.tsv (or qrels.*), corpus/docs-*.jsonl[.gz] (or *.jsonl[.gz] in the folder).</summary>
    /// <exception cref="BadInput">A part is missing, a line is malformed, or an id comes twice.</exception>
    public static TestCollection Load(string folder, string split)
    {
        string topics = Find(folder, "topics", split), judgements = Find(folder, "qrels", split);
        string shards = Path.Combine(folder, "corpus");
        string[] files = [.. Directory.GetFiles(Directory.Exists(shards) ? shards : folder, "*.jsonl*").Order(StringComparer.Ordinal)];
        var corpus = new List<Passage>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonLine line in files.SelectMany(f => JsonLines.Read(f)))
        {
            var passage = new Passage(line.RequireId("docid", "_id", "id"), line.OptionalString("title") ?? "", line.RequireId("text", "contents"));
            corpus.Add(ids.Add(passage.Id) ? passage : throw line.Error($"the id \"{passage.Id}\" comes a second time"));
        }
        return OfTopics(folder, topics, judgements, corpus);
    }

    /// <summary>Questions from lines of "id, tab, question", of which those with judgements are kept.</summary>
    internal static TestCollection OfTopics(string folder, string topics, string judgements, IReadOnlyList<Passage> corpus)
    {
        var qrels = Qrels.Load(judgements);
        var queries = new Dictionary<string, Query>(StringComparer.Ordinal);
        foreach ((long number, string line) in TextFile.ReadLines(topics).Where(l => l.Line.Trim().Length > 0))
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab <= 0)
            {
                throw BadInput.At(topics, number, "an id, a tab and a question are needed");
            }
            if (!queries.TryAdd(line[..tab], new Query(line[..tab], line[(tab + 1)..])))
            {
                throw BadInput.At(topics, number, $"the id \"{line[..tab]}\" comes a second time");
            }
        }
        return qrels.Queries.FirstOrDefault(q => !queries.ContainsKey(q)) is { } missing
            ? throw new BadInput($"{judgements}: query \"{missing}\" is judged, but {topics} does not have it.")
            : new TestCollection(new RetrievalSet(TextRows.NameOf(folder), corpus, [.. queries.Values.Where(q => qrels.Contains(q.Id))], qrels));
    }

    private static string Find(string folder, string part, string split)
    {
        string inside = Path.Combine(folder, part);
        string[] found = [.. new[] { inside, folder }.Where(Directory.Exists).SelectMany(f => Directory.GetFiles(f, part + ".*")).Order(StringComparer.Ordinal)];
        return found.FirstOrDefault(f => Path.GetFileName(f).Contains(split, StringComparison.Ordinal)) ?? (found.Length == 1 ? found[0] : null)
            ?? throw new BadInput($"{folder}: {part}/{part}.*-{split}.tsv is missing (MIRACL and Mr.TyDi have topics, qrels and corpus shards).");
    }
}

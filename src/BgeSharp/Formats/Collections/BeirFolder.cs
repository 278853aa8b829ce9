// A retrieval set in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv. FlagEmbedding's layout of the same
// (id instead of _id, <split>_queries.jsonl, <split>_qrels.jsonl) is read too; every file may be gzip.

namespace BgeSharp.Formats.Collections;

/// <summary>Reads and writes BEIR folders.</summary>
public static class BeirFolder
{
    /// <summary>Reads a folder. Only queries with judgements in the split are kept, as BEIR's own loader does.</summary>
    /// <param name="folder">Holds corpus.jsonl[.gz], queries.jsonl[.gz] and qrels/test.tsv or qrels.tsv.</param>
    /// <param name="split">Name of the judgement file: test, dev, train.</param>
    /// <exception cref="BadInput">A file or field is missing, an id comes twice, or a judged query is not among the queries.</exception>
    public static RetrievalSet Load(string folder, string split = "test")
    {
        if (!Directory.Exists(folder))
        {
            throw new BadInput($"{folder}: no such folder (BEIR layout: corpus.jsonl, queries.jsonl, qrels/{split}.tsv).");
        }
        string corpusFile = Find(folder, "corpus.jsonl");
        string queryFile = Find(folder, $"{split}_queries.jsonl", "queries.jsonl");
        string qrelFile = Find(folder, $"qrels/{split}.tsv", $"{split}_qrels.jsonl", "qrels.tsv", $"qrels/{split}.jsonl", "qrels.jsonl");
        var qrels = Qrels.Load(qrelFile);
        List<Passage> corpus = ReadCorpus(corpusFile);
        List<Query> queries = ReadQueries(queryFile);
        var known = queries.Select(q => q.Id).ToHashSet(StringComparer.Ordinal);
        if (qrels.Queries.FirstOrDefault(q => !known.Contains(q)) is string missing)
        {
            throw new BadInput($"{qrelFile}: query \"{missing}\" is judged, but {queryFile} does not have it; add the query, or take its judgements out.");
        }
        queries.RemoveAll(q => !qrels.Contains(q.Id));
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new RetrievalSet(name, corpus, queries, qrels);
    }

    /// <summary>Passages of a corpus.jsonl[.gz]: <c>_id</c> (or <c>id</c>), <c>title</c> (may be missing), <c>text</c>.</summary>
    public static List<Passage> ReadCorpus(string path) =>
        ReadUnique(path, line => new Passage(line.RequireId("_id", "id"), line.OptionalString("title") ?? "", line.RequireString("text")), p => p.Id);

    /// <summary>Queries of a queries.jsonl[.gz]: <c>_id</c> (or <c>id</c>), <c>text</c>.</summary>
    public static List<Query> ReadQueries(string path) =>
        ReadUnique(path, line => new Query(line.RequireId("_id", "id"), line.RequireString("text")), q => q.Id);

    /// <summary>Writes a set as corpus.jsonl, queries.jsonl and qrels/&lt;split&gt;.tsv; each file is atomic.</summary>
    public static void Save(string folder, RetrievalSet set, string split = "test")
    {
        JsonLinesWriter.Write(Path.Combine(folder, "corpus.jsonl"), set.Corpus, (json, passage) =>
        {
            json.WriteString("_id", passage.Id);
            json.WriteString("title", passage.Title);
            json.WriteString("text", passage.Text);
        });
        JsonLinesWriter.Write(Path.Combine(folder, "queries.jsonl"), set.Queries, (json, query) =>
        {
            json.WriteString("_id", query.Id);
            json.WriteString("text", query.Text);
        });
        IEnumerable<string> judgements = set.Qrels.Queries.SelectMany(q => set.Qrels[q].Select(d => FormattableString.Invariant($"{q}\t{d.Key}\t{d.Value}\n")));
        AtomicFile.WriteText(Path.Combine(folder, "qrels", split + ".tsv"), string.Concat(judgements.Prepend("query-id\tcorpus-id\tscore\n")));
    }

    private static List<T> ReadUnique<T>(string path, Func<JsonLine, T> read, Func<T, string> idOf)
    {
        var result = new List<T>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonLine line in JsonLines.Read(path))
        {
            T item = read(line);
            if (!ids.Add(idOf(item)))
            {
                throw line.Error($"the id \"{idOf(item)}\" comes a second time");
            }
            result.Add(item);
        }
        return result;
    }

    private static string Find(string folder, params string[] names) =>
        names.SelectMany(n => new[] { n, n + ".gz" }).Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists)
        ?? throw new BadInput($"{folder}: {string.Join(" or ", names)} is missing (each may end in .gz).");
}

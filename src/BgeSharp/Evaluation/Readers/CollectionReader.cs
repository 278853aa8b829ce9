// The door to retrieval collections: looks at what a path is, reads it with the reader of its layout, and applies the options that hold for all.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads collections.</summary>
public static class CollectionReader
{
    /// <summary>Layouts that can be named.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["auto", "beir", "squad", "miracl", "mldr", "mkqa", "msmarco"];

    /// <summary>Reads a collection.</summary>
    /// <param name="path">A folder or a file.</param>
    /// <param name="options">Layout and what to take; defaults when null.</param>
    /// <exception cref="BadInput">Nothing there that can be read.</exception>
    public static TestCollection Load(string path, CollectionOptions? options = null)
    {
        options ??= new CollectionOptions();
        TestCollection collection = FormatOf(path, options.Format) switch
        {
            "squad" when options.Paragraphs.Count > 0 => CrossLingualSquad.Load(path, options.Paragraphs),
            "squad" => new TestCollection(SquadFile.Load(path)),
            "miracl" => MiraclFolder.Load(path, options.Split),
            "mldr" => MldrFolder.Load(path, options.Split),
            "mkqa" => MkqaFile.Load(path, options.Language, options.Corpus),
            "msmarco" => MsMarcoFolder.Load(path, options.Split),
            "beir" => new TestCollection(BeirFolder.Load(path, options.Split)),
            var other => throw new BadInput($"\"{other}\" is no layout of a collection; {string.Join(", ", Formats)} are."),
        };
        RetrievalSet set = collection.Set;
        if (options.TitleSeparator != " ")
        {
            set = set with { Corpus = [.. set.Corpus.Select(p => p.Title.Length == 0 ? p : new Passage(p.Id, "", p.Title + options.TitleSeparator + p.Text))] };
        }
        return collection with { Set = Fewer(set, options.MaxQueries), IgnoreIdenticalIds = options.IgnoreIdenticalIds };
    }

    /// <summary>The same set with fewer queries, evenly spaced in file order.</summary>
    public static RetrievalSet Fewer(RetrievalSet set, int queries)
    {
        if (queries <= 0 || queries >= set.Queries.Count)
        {
            return set;
        }
        Query[] asked = [.. Enumerable.Range(0, queries).Select(i => set.Queries[(int)((long)i * set.Queries.Count / queries)])];
        var qrels = new Qrels(); // a judged query that is not asked would count as one that found nothing
        foreach (Query query in asked)
        {
            foreach ((string document, int grade) in set.Qrels[query.Id])
            {
                qrels.Add(query.Id, document, grade);
            }
        }
        return set with { Queries = asked, Qrels = qrels };
    }

    private static string FormatOf(string path, string format)
    {
        if (format != "auto")
        {
            return format;
        }
        if (File.Exists(path))
        {
            return "squad";
        }
        if (!Directory.Exists(path))
        {
            throw new BadInput($"{path}: no such file or folder (a collection to measure on).");
        }
        return Directory.Exists(Path.Combine(path, "topics")) || Directory.GetFiles(path, "topics.*").Length > 0 ? "miracl"
            : Directory.GetFiles(path, "collection.tsv*").Length > 0 ? "msmarco"
            : "beir";
    }
}

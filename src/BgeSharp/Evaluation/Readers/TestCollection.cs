// A retrieval set as a test collection: what reports must say about it, and what is wrong with it. Nothing is averaged away in silence:
// what a reader of the figures has to know is a note, and what makes figures meaningless is an error.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation.Readers;

/// <summary>A set to measure retrieval on.</summary>
/// <param name="Set">Corpus, queries and judgements.</param>
public sealed record TestCollection(RetrievalSet Set)
{
    /// <summary>Language, or "zh-en" for questions in one and passages in another; empty when not known.</summary>
    public string Language { get; init; } = "";

    /// <summary>Leave out a passage with the id of its query (BEIR's sets whose queries are passages). Must stay off for MIRACL, where ids coincide by chance.</summary>
    public bool IgnoreIdenticalIds { get; init; }

    /// <summary>Query id → strings, any of which a passage must hold to answer (MKQA); null where judgements decide.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Answers { get; init; }

    /// <summary>What was seen and how it counts.</summary>
    /// <exception cref="BadInput">There is no passage, no query, or no relevant judgement at all.</exception>
    public IReadOnlyList<string> Check()
    {
        if (Set.Corpus.Count == 0)
        {
            throw new BadInput($"{Set.Name}: the corpus is empty.");
        }
        if (Set.Queries.Count == 0)
        {
            throw new BadInput($"{Set.Name}: there are no queries with judgements.");
        }
        if (Answers is not null)
        {
            int without = Set.Queries.Count(q => !Answers.ContainsKey(q.Id));
            return without > 0 ? [$"{without} queries have no answer strings and are left out."] : [];
        }
        var known = Set.Corpus.Select(p => p.Id).ToHashSet(StringComparer.Ordinal);
        (string Query, string Document, int Grade)[] judged = [.. Set.Qrels.Queries.SelectMany(q => Set.Qrels[q].Select(d => (q, d.Key, d.Value)))];
        int unknown = judged.Count(j => j.Grade > 0 && !known.Contains(j.Document)), negative = judged.Count(j => j.Grade < 0);
        int empty = Set.Qrels.Queries.Count(q => !Set.Qrels[q].Values.Any(g => g > 0)), blank = Set.Corpus.Count(p => p.FullText.Length == 0);
        if (empty == Set.Qrels.Queries.Count)
        {
            throw new BadInput($"{Set.Name}: no query has a relevant passage (a grade above 0); every figure would be 0.");
        }
        var notes = new List<string>();
        Note(notes, unknown, "relevant judgements name passages that the corpus does not have; they count as never found");
        Note(notes, negative, "judgements have a negative grade; they count as not judged");
        Note(notes, Set.Qrels.Repeated, "judgements come a second time with the same grade; they count once");
        Note(notes, empty, $"of {Set.Qrels.Queries.Count} queries have no relevant passage; they count with 0, as in trec_eval");
        Note(notes, blank, "passages have no text");
        return notes;
    }

    private static void Note(List<string> notes, int count, string what)
    {
        if (count > 0)
        {
            notes.Add(FormattableString.Invariant($"{count} {what}."));
        }
    }
}

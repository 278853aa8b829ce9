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

    /// <summary>What the reader left out, one sentence each.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

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
            return without > 0 ? [.. LeftOut, $"{without} queries have no answer strings and are left out."] : LeftOut;
        }
        var known = Set.Corpus.Select(p => p.Id).ToHashSet(StringComparer.Ordinal);
        if (JudgementNotes.WithNothing(Set.Qrels) == Set.Qrels.Queries.Count)
        {
            throw new BadInput($"{Set.Name}: no query has a relevant passage (a grade above 0); every figure would be 0.");
        }
        List<string> notes = [.. LeftOut];
        JudgementNotes.Add(notes, Set.Qrels.Queries.Sum(q => Set.Qrels[q].Count(d => d.Value > 0 && !known.Contains(d.Key))), "relevant judgements name passages that the corpus does not have; they count as never found");
        notes.AddRange(JudgementNotes.Of(Set.Qrels));
        JudgementNotes.Add(notes, Set.Corpus.Count(p => p.FullText.Length == 0), "passages have no text");
        return notes;
    }
}

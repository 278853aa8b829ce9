// What a reader of figures has to know about the judgements behind them.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation;

/// <summary>Counts what is odd about judgements, one sentence each.</summary>
internal static class JudgementNotes
{
    /// <summary>Queries without a relevant document.</summary>
    public static int WithNothing(Qrels qrels, int relevantFrom = 1) => qrels.Queries.Count(q => !qrels[q].Values.Any(g => g >= relevantFrom));

    /// <summary>Negative grades, repeated judgements, queries without a relevant document.</summary>
    public static List<string> Of(Qrels qrels, int relevantFrom = 1)
    {
        var notes = new List<string>();
        Add(notes, qrels.Queries.Sum(q => qrels[q].Values.Count(g => g < 0)), "judgements have a negative grade; they count as not judged");
        Add(notes, qrels.Repeated, "judgements come a second time with the same grade; they count once");
        Add(notes, WithNothing(qrels, relevantFrom), $"of {qrels.Queries.Count} queries have no relevant document; they count with 0, as in trec_eval");
        return notes;
    }

    /// <summary>Adds a sentence when there is something to say.</summary>
    public static void Add(List<string> notes, int count, string what)
    {
        if (count > 0)
        {
            notes.Add(FormattableString.Invariant($"{count} {what}."));
        }
    }
}

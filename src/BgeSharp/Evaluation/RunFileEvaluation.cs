// "bge eval --run RUN.trec --qrels QRELS": figures of a ranking that any tool wrote, no model needed. Same numbers as trec_eval.

using BgeSharp.Formats.Collections;

namespace BgeSharp.Evaluation;

/// <summary>Scores a TREC run file.</summary>
public static class RunFileEvaluation
{
    /// <summary>Reads both files and scores the run; equal scores are ordered by document id descending, as trec_eval does.</summary>
    /// <param name="runPath">query Q0 document rank score tag.</param>
    /// <param name="qrelsPath">TREC or BEIR judgements.</param>
    /// <param name="metrics">What to compute; <see cref="RetrievalMetric.Default"/> when null.</param>
    /// <param name="complete">Whether judged queries without a ranking count with 0 (trec_eval -c); by default they do not.</param>
    /// <param name="relevantFrom">Lowest relevant grade of the binary measures (trec_eval -l).</param>
    /// <param name="depth">Only the first so many documents of a ranking are looked at (trec_eval -M).</param>
    /// <param name="note">Told what a reader of the figures has to know, in whole sentences: queries that only one of the files has, odd judgements.</param>
    /// <exception cref="BadInput">A file is not what it should be, or run and judgements share no query.</exception>
    public static RetrievalReport Run(string runPath, string qrelsPath, IReadOnlyList<RetrievalMetric>? metrics = null,
        bool complete = false, int relevantFrom = 1, int depth = int.MaxValue, Action<string>? note = null)
    {
        var run = TrecRun.Load(runPath);
        var qrels = Qrels.Load(qrelsPath);
        if (!run.Rankings.Keys.Any(qrels.Contains))
        {
            throw new BadInput($"{runPath}: none of its {run.Rankings.Count} queries is judged in {qrelsPath}; do the query ids agree?");
        }
        if (note is not null)
        {
            Notes(run, qrels, complete, relevantFrom).ForEach(note);
        }
        var rankings = run.Rankings.ToDictionary(r => r.Key, r => (IReadOnlyList<string>)[.. r.Value.Select(d => d.Document)], StringComparer.Ordinal);
        return RetrievalEvaluation.Evaluate(qrels, rankings, metrics, complete, relevantFrom, depth);
    }

    private static List<string> Notes(TrecRun run, Qrels qrels, bool complete, int relevantFrom)
    {
        var notes = new List<string>();
        JudgementNotes.Add(notes, qrels.Queries.Count(q => !run.Rankings.ContainsKey(q)), complete ? "judged queries have no ranking; they count with 0" : "judged queries have no ranking; they do not count (--complete counts them with 0)");
        JudgementNotes.Add(notes, run.Rankings.Keys.Count(q => !qrels.Contains(q)), "ranked queries have no judgements; they do not count");
        notes.AddRange(JudgementNotes.Of(qrels, relevantFrom));
        return notes;
    }
}

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
    /// <exception cref="BadInput">A file is not what it should be, or run and judgements share no query.</exception>
    public static RetrievalReport Run(string runPath, string qrelsPath, IReadOnlyList<RetrievalMetric>? metrics = null,
        bool complete = false, int relevantFrom = 1, int depth = int.MaxValue)
    {
        (TrecRun run, Qrels qrels) = Load(runPath, qrelsPath);
        var rankings = run.Rankings.ToDictionary(r => r.Key, r => (IReadOnlyList<string>)[.. r.Value.Select(d => d.Document)], StringComparer.Ordinal);
        return RetrievalEvaluation.Evaluate(qrels, rankings, metrics, complete, relevantFrom, depth);
    }

    /// <summary>What a reader of the figures has to know, one sentence each: queries that only one of the files has, odd judgements.</summary>
    /// <param name="runPath">query Q0 document rank score tag.</param>
    /// <param name="qrelsPath">TREC or BEIR judgements.</param>
    /// <param name="complete">As in <see cref="Run(string, string, IReadOnlyList{RetrievalMetric}?, bool, int, int)"/>.</param>
    /// <param name="relevantFrom">Lowest relevant grade.</param>
    public static IReadOnlyList<string> Notes(string runPath, string qrelsPath, bool complete = false, int relevantFrom = 1)
    {
        (TrecRun run, Qrels qrels) = Load(runPath, qrelsPath);
        var notes = new List<string>();
        JudgementNotes.Add(notes, qrels.Queries.Count(q => !run.Rankings.ContainsKey(q)), complete ? "judged queries have no ranking; they count with 0" : "judged queries have no ranking; they do not count (--complete counts them with 0)");
        JudgementNotes.Add(notes, run.Rankings.Keys.Count(q => !qrels.Contains(q)), "ranked queries have no judgements; they do not count");
        notes.AddRange(JudgementNotes.Of(qrels, relevantFrom));
        return notes;
    }

    private static (TrecRun Run, Qrels Qrels) Load(string runPath, string qrelsPath)
    {
        var run = TrecRun.Load(runPath);
        var qrels = Qrels.Load(qrelsPath);
        return run.Rankings.Keys.Any(qrels.Contains)
            ? (run, qrels)
            : throw new BadInput($"{runPath}: none of its {run.Rankings.Count} queries is judged in {qrelsPath}; do the query ids agree?");
    }

    /// <summary>Scores a run and writes report.json under the mode "run".</summary>
    public static RetrievalReport Run(string runPath, string qrelsPath, string reportPath, bool perQuery, IReadOnlyList<RetrievalMetric>? metrics = null)
    {
        RetrievalReport report = Run(runPath, qrelsPath, metrics);
        RetrievalReport.Save(reportPath, new Dictionary<string, RetrievalReport> { ["run"] = report }, perQuery);
        return report;
    }
}

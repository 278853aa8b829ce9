// From a mode's outcome to a row of the report: interval, recall curve, and the queries that went worst with what was found instead.

using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Significance;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation.Reports;

/// <summary>Makes rows of retrieval.</summary>
public sealed class RetrievalRows
{
    private const int WorstShown = 8, HitsShown = 3, SnippetCharacters = 180, WordsShown = 12;
    private static readonly int[] CurveRanks = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000];
    private readonly TestCollection _collection;
    private readonly IReadOnlyList<string> _notes;
    private readonly BigramAnalyzer _analyzer = new();
    private readonly Dictionary<string, int> _rowOf;
    private readonly Lazy<Dictionary<string, int>> _textsWith;

    /// <param name="collection">What was measured.</param>
    public RetrievalRows(TestCollection collection)
    {
        _collection = collection;
        _notes = collection.Check();
        _rowOf = collection.Set.Corpus.Select((p, i) => (p.Id, i)).ToDictionary(p => p.Id, p => p.i, StringComparer.Ordinal);
        _textsWith = new Lazy<Dictionary<string, int>>(() => collection.Set.Corpus.SelectMany(p => _analyzer.Terms(p.FullText).Distinct()).CountBy(t => t).ToDictionary());
    }

    /// <summary>One row.</summary>
    /// <param name="stage">What was measured.</param>
    /// <param name="outcome">What came out.</param>
    /// <param name="settings">What it depends on.</param>
    /// <param name="seconds">Wall time.</param>
    public EvaluationResult Row(string stage, ModeOutcome outcome, string settings, double seconds)
    {
        RetrievalReport report = outcome.Report;
        string main = report.Metrics.ContainsKey("ndcg@10") ? "ndcg@10" : report.Metrics.Keys.First();
        int withNothing = _collection.Answers is null ? _collection.Set.Qrels.Queries.Count(q => !_collection.Set.Qrels[q].Values.Any(g => g > 0)) : 0;
        double[] judged = [.. report.PerQuery.Where(q => _collection.Set.Qrels[q.Key].Values.Any(g => g > 0)).Select(q => q.Value[main])];
        return new EvaluationResult
        {
            Stage = stage,
            Dataset = _collection.Set.Name,
            Task = "retrieval",
            Language = _collection.Language,
            Mode = outcome.Mode,
            Main = main,
            Metrics = report.Metrics,
            Interval = Bootstrap.OfMean([.. report.PerQuery.Values.Select(v => v[main])]),
            Count = report.QueryCount,
            Passages = _collection.Set.Corpus.Count,
            Seconds = seconds,
            Settings = settings,
            Notes = withNothing > 0 && judged.Length > 0 ? [.. _notes, FormattableString.Invariant($"Without those {withNothing} queries {main} is {judged.Average():0.0000}.")] : _notes,
            PerItem = report.PerQuery.ToDictionary(q => q.Key, q => q.Value[main]),
            RecallCurve = Curve(outcome),
            Worst = Worst(outcome, main),
        };
    }

    private List<RecallPoint> Curve(ModeOutcome outcome)
    {
        if (_collection.Answers is not null)
        {
            return [.. outcome.Report.Metrics.Select(m => new RecallPoint(int.Parse(m.Key[(m.Key.IndexOf('@', StringComparison.Ordinal) + 1)..], System.Globalization.CultureInfo.InvariantCulture), m.Value))];
        }
        int deepest = outcome.Hits.Select(h => h.Length).DefaultIfEmpty().Max();
        RetrievalMetric[] metrics = [.. CurveRanks.Where(k => k <= Math.Max(1, deepest)).Select(k => RetrievalMetric.Parse(FormattableString.Invariant($"recall@{k}")))];
        RetrievalReport report = RetrievalEvaluation.Evaluate(_collection.Set, outcome.Hits, metrics, _collection.IgnoreIdenticalIds);
        return [.. metrics.Select((m, i) => new RecallPoint(CurveRanks[i], report.Metrics[m.Name]))];
    }

    private List<WorstQuery> Worst(ModeOutcome outcome, string main)
    {
        var worst = new List<WorstQuery>();
        IEnumerable<int> order = Enumerable.Range(0, outcome.Hits.Length)
            .Where(q => outcome.Report.PerQuery.ContainsKey(_collection.Set.Queries[q].Id))
            .OrderBy(q => outcome.Report.PerQuery[_collection.Set.Queries[q].Id][main]).ThenBy(q => q);
        foreach (int q in order.Take(WorstShown))
        {
            Query query = _collection.Set.Queries[q];
            double value = outcome.Report.PerQuery[query.Id][main];
            if (value >= 1)
            {
                break;
            }
            string[] words = [.. _analyzer.Terms(query.Text).Distinct()];
            SearchHit[] hits = outcome.Hits[q];
            IReadOnlyDictionary<string, int> grades = _collection.Set.Qrels[query.Id];
            int missed = grades.Where(g => g.Value > 0 && _rowOf.ContainsKey(g.Key)).OrderByDescending(g => g.Value).Select(g => _rowOf[g.Key]).FirstOrDefault(-1);
            int at = Array.FindIndex(hits, h => h.Row == missed);
            worst.Add(new WorstQuery(query.Id, query.Text, value, [.. hits.Take(HitsShown).Select((h, i) => Shown(h.Row, i + 1, h.Score, grades, words))],
                missed < 0 ? null : Shown(missed, at + 1, at >= 0 ? hits[at].Score : 0, grades, words)));
        }
        return worst;
    }

    private ShownHit Shown(int row, int rank, double score, IReadOnlyDictionary<string, int> grades, string[] words)
    {
        Passage passage = _collection.Set.Corpus[row];
        var terms = _analyzer.Terms(passage.FullText).ToHashSet(StringComparer.Ordinal);
        string text = passage.FullText.ReplaceLineEndings(" ");
        // A pair of characters says more than its halves; with the pair the halves need not be named.
        string[] matched = [.. words.Where(terms.Contains).OrderBy(w => _textsWith.Value.GetValueOrDefault(w)).ThenByDescending(w => w.Length)];
        matched = [.. matched.Where(w => !matched.Any(o => o.Length > w.Length && o.Contains(w, StringComparison.Ordinal) && w.Length == 1)).Take(WordsShown)];
        int end = Math.Min(text.Length, SnippetCharacters);
        end -= end > 0 && end < text.Length && char.IsHighSurrogate(text[end - 1]) ? 1 : 0;
        return new ShownHit(passage.Id, rank, score, grades.TryGetValue(passage.Id, out int grade) ? grade : null, end < text.Length ? text[..end] + "…" : text, matched);
    }
}

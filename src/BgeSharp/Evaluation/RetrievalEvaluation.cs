// Rankings + judgements → figures. Conventions of trec_eval: a judged query whose documents are all irrelevant counts with 0;
// a query without judgements does not count; an unjudged document counts as irrelevant; duplicates in a ranking count once, at their best rank.

using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation;

/// <summary>Scores rankings against judgements.</summary>
public static class RetrievalEvaluation
{
    /// <summary>Scores rankings given as document ids.</summary>
    /// <param name="qrels">Judgements.</param>
    /// <param name="rankings">Query id → document ids, best first.</param>
    /// <param name="metrics">What to compute; <see cref="RetrievalMetric.Default"/> when null.</param>
    /// <param name="complete">True: every judged query counts, with 0 when it has no ranking (trec_eval -c). False: only ranked ones (trec_eval's default).</param>
    /// <param name="relevantFrom">Lowest relevant grade of the binary measures (trec_eval -l).</param>
    /// <param name="depth">Only the first so many documents of a ranking are looked at (trec_eval -M).</param>
    public static RetrievalReport Evaluate(Qrels qrels, IReadOnlyDictionary<string, IReadOnlyList<string>> rankings, IReadOnlyList<RetrievalMetric>? metrics = null,
        bool complete = true, int relevantFrom = 1, int depth = int.MaxValue)
    {
        metrics = [.. (metrics ?? RetrievalMetric.Default).DistinctBy(m => m.Name)];
        var perQuery = new Dictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);
        foreach (string query in qrels.Queries.Order(StringComparer.Ordinal))
        {
            if (!rankings.TryGetValue(query, out IReadOnlyList<string>? ranking) && !complete)
            {
                continue;
            }
            IReadOnlyDictionary<string, int> grades = qrels[query];
            var ranked = (ranking ?? []).Distinct(StringComparer.Ordinal).Take(depth).Select(d => grades.TryGetValue(d, out int grade) ? grade : -1);
            var values = new RankedGrades(ranked, grades.Values, relevantFrom);
            perQuery[query] = metrics.ToDictionary(m => m.Name, m => m.Of(values));
        }
        var means = metrics.ToDictionary(m => m.Name, m => perQuery.Count > 0 ? m.Mean(perQuery.Values.Select(v => v[m.Name])) : 0);
        return new RetrievalReport(means, perQuery);
    }

    /// <summary>Scores what a search found in a set; every judged query counts.</summary>
    /// <param name="set">Corpus, queries and judgements.</param>
    /// <param name="hits">Hits of query i of <see cref="RetrievalSet.Queries"/>; rows are positions in <see cref="RetrievalSet.Corpus"/>.</param>
    /// <param name="metrics">What to compute; <see cref="RetrievalMetric.Default"/> when null.</param>
    /// <param name="ignoreIdenticalIds">Leave out a passage with the id of its query, as BEIR does for sets whose queries are passages.</param>
    public static RetrievalReport Evaluate(RetrievalSet set, IReadOnlyList<SearchHit[]> hits, IReadOnlyList<RetrievalMetric>? metrics = null, bool ignoreIdenticalIds = false)
    {
        SearchHit[][] ordered = Ordered(set, hits, ignoreIdenticalIds);
        var rankings = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        for (int q = 0; q < set.Queries.Count; q++)
        {
            rankings[set.Queries[q].Id] = [.. ordered[q].Select(h => set.Corpus[h.Row].Id)];
        }
        return Evaluate(set.Qrels, rankings, metrics);
    }

    /// <summary>
    /// Hits in the order that counts: score descending, then document id descending by bytes, as trec_eval orders a run file. Searches order equal scores by row; figures must not
    /// depend on that, or a saved run would have others.
    /// </summary>
    /// <param name="set">Corpus and queries.</param>
    /// <param name="hits">Hits of query i of <see cref="RetrievalSet.Queries"/>.</param>
    /// <param name="ignoreIdenticalIds">Leave out a passage with the id of its query.</param>
    public static SearchHit[][] Ordered(RetrievalSet set, IReadOnlyList<SearchHit[]> hits, bool ignoreIdenticalIds = false)
    {
        var ordered = new SearchHit[hits.Count][];
        for (int q = 0; q < ordered.Length; q++)
        {
            string query = set.Queries[q].Id;
            ordered[q] = ignoreIdenticalIds ? [.. hits[q].Where(h => set.Corpus[h.Row].Id != query)] : [.. hits[q]];
            Array.Sort(ordered[q], (a, b) => TrecRun.Compare(new ScoredDocument(set.Corpus[a.Row].Id, a.Score), new ScoredDocument(set.Corpus[b.Row].Id, b.Score)));
        }
        return ordered;
    }

    /// <summary>The hits of a search as a TREC run.</summary>
    /// <param name="name">Tag of the run.</param>
    /// <param name="set">Corpus and queries.</param>
    /// <param name="hits">Hits of query i of <see cref="RetrievalSet.Queries"/>.</param>
    /// <param name="ignoreIdenticalIds">Leave out a passage with the id of its query.</param>
    public static TrecRun ToRun(string name, RetrievalSet set, IReadOnlyList<SearchHit[]> hits, bool ignoreIdenticalIds = false)
    {
        SearchHit[][] ordered = Ordered(set, hits, ignoreIdenticalIds);
        return new(name, set.Queries.Select((q, i) => (q.Id, Hits: ordered[i])).ToDictionary(
            q => q.Id,
            q => (IReadOnlyList<ScoredDocument>)[.. q.Hits.Select(h => new ScoredDocument(set.Corpus[h.Row].Id, h.Score))],
            StringComparer.Ordinal));
    }
}

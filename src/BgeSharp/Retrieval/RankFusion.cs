// Several rankings into one. By rank (RRF) nothing needs to be known about the scores; by weighted scores more is possible, if the scores are comparable:
// scores of unlike kinds (inner products and BM25) are brought to 0..1 within each query first, which loses how good the best one was.

namespace BgeSharp.Retrieval;

/// <summary>Fuses rankings of one query.</summary>
public static class RankFusion
{
    /// <summary>Added to each rank. 60 as in Cormack, Clarke and Büttcher 2009.</summary>
    public const double Constant = 60;

    /// <summary>Σ over rankings of 1 / (60 + rank): score descending, equal scores by row ascending.</summary>
    /// <param name="rankings">Best first.</param>
    /// <param name="top">At most this many.</param>
    public static SearchHit[] ByRank(IReadOnlyList<SearchHit[]> rankings, int top)
    {
        var scores = new Dictionary<int, double>();
        foreach (SearchHit[] ranking in rankings)
        {
            for (int rank = 0; rank < ranking.Length; rank++)
            {
                scores[ranking[rank].Row] = scores.GetValueOrDefault(ranking[rank].Row) + (1 / (Constant + rank + 1));
            }
        }
        return Best(scores, top);
    }

    /// <summary>Σ over rankings of weight · score. A row that a ranking lacks gets that ranking's lowest score there.</summary>
    /// <param name="rankings">Best first.</param>
    /// <param name="weights">One a ranking.</param>
    /// <param name="top">At most this many.</param>
    /// <param name="normalize">Scale the scores of each ranking to 0..1 first (lowest and highest of this query).</param>
    public static SearchHit[] ByScore(IReadOnlyList<SearchHit[]> rankings, IReadOnlyList<double> weights, int top, bool normalize = true)
    {
        if (rankings.Count != weights.Count)
        {
            throw new ArgumentException($"{weights.Count} weights for {rankings.Count} rankings", nameof(weights));
        }
        var scores = rankings.SelectMany(r => r).Select(h => h.Row).Distinct().ToDictionary(row => row, _ => 0.0);
        for (int i = 0; i < rankings.Count; i++)
        {
            if (rankings[i].Length == 0)
            {
                continue;
            }
            double low = rankings[i].Min(h => h.Score), high = rankings[i].Max(h => h.Score);
            (double from, double width) = normalize ? (low, high > low ? high - low : 1) : (0, 1);
            var found = rankings[i].ToDictionary(h => h.Row, h => (double)h.Score);
            foreach (int row in scores.Keys)
            {
                scores[row] += weights[i] * ((found.GetValueOrDefault(row, low) - from) / width);
            }
        }
        return Best(scores, top);
    }

    private static SearchHit[] Best(Dictionary<int, double> scores, int top) =>
        [.. scores.OrderByDescending(s => s.Value).ThenBy(s => s.Key).Take(top).Select(s => new SearchHit(s.Key, (float)s.Value))];
}

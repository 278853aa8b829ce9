// A measure with a name that reports and recipes use: "ndcg@10", "recall@100", "mrr@10", "map", ...

using System.Globalization;

namespace BgeSharp.Evaluation;

/// <summary>A named measure.</summary>
/// <param name="Name">The name, lower-case, cut-off behind "@".</param>
/// <param name="Of">The value for one query, 0 to 1.</param>
public sealed record RetrievalMetric(string Name, Func<RankedGrades, double> Of)
{
    private const string Known = "ndcg@K, recall@K, recall_cap@K, precision@K, mrr@K, map@K, success@K, ndcg, map, mrr, gm_map, rprec, bpref, gm_bpref, iprec@LEVEL, 11pt, f1, unjudged@K";

    // trec_eval: a query with 0 would make the product 0, so that values below this count as this.
    private const double LeastOfGeometricMean = 1e-5;

    /// <summary>From the values of the queries to one figure: their mean, or for gm_ measures the geometric mean.</summary>
    public Func<IEnumerable<double>, double> Mean { get; private init; } = values => values.Average();

    /// <summary>The measures of a report when nothing else is asked for.</summary>
    public static IReadOnlyList<RetrievalMetric> Default { get; } =
    [
        .. new[]
        {
            "ndcg@1", "ndcg@5", "ndcg@10", "ndcg@100", "recall@1", "recall@5", "recall@10", "recall@100", "recall@1000", "recall_cap@10", "recall_cap@100",
            "precision@1", "precision@10", "mrr@10", "mrr@100", "map", "map@100", "rprec", "success@1", "success@10",
        }.Select(Parse),
    ];

    /// <summary>The measure with a name. Without a cut-off the whole ranking counts; precision, success, recall_cap and unjudged need one.</summary>
    /// <param name="name">As the documentation lists them; K at least 1, LEVEL between 0 and 1.</param>
    /// <exception cref="BadInput">No such measure.</exception>
    public static RetrievalMetric Parse(string name)
    {
        string[] parts = name.Trim().ToLowerInvariant().Split('@');
        bool cut = parts.Length == 2;
        int k = int.MaxValue;
        double level = 0;
        bool valid = parts.Length == 1 || (cut && (parts[0] is "iprec" or "rprec"
            ? double.TryParse(parts[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out level) && level >= 0 && (parts[0] == "rprec" ? level > 0 : level <= 1)
            : int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out k) && k >= 1));
        bool geometric = parts[0] is "gm_map" or "gm_bpref";
        Func<RankedGrades, double>? of = parts[0] switch
        {
            "ndcg" => q => q.Ndcg(k),
            "recall" => q => q.Recall(k),
            "mrr" => q => q.ReciprocalRank(k),
            "map" or "gm_map" => q => q.AveragePrecision(k),
            "rprec" when cut => q => q.RPrecision(level),
            "iprec" when cut => q => q.InterpolatedPrecision(level),
            "precision" when cut => q => q.Precision(k),
            "recall_cap" when cut => q => q.CappedRecall(k),
            "success" or "hit" when cut => q => q.Success(k),
            "unjudged" when cut => q => q.Unjudged(k),
            "rprec" => q => q.RPrecision(),
            "bpref" or "gm_bpref" when !cut => q => q.BinaryPreference(),
            "11pt" when !cut => q => q.ElevenPointPrecision(),
            "f1" when !cut => q => q.SetF1(),
            _ => null,
        };
        if (!valid || of is null)
        {
            throw new BadInput($"\"{name}\" is not a measure; {Known} are.");
        }
        string canonical = string.Join('@', parts);
        return geometric
            ? new RetrievalMetric(canonical, of) { Mean = values => Math.Exp(values.Average(v => Math.Log(Math.Max(v, LeastOfGeometricMean)))) }
            : new RetrievalMetric(canonical, of);
    }
}

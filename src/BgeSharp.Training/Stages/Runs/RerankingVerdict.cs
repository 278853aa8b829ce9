// Whether a cross-encoder is any good: the search whose best passages it orders anew is measured on the same sets.

using System.Globalization;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Compares a cross-encoder with the search that it corrects.</summary>
internal static class RerankingVerdict
{
    private const string Metric = "ndcg@10";

    // What is printed as the same is the same.
    private const double Least = 0.001;

    /// <summary>A warning where re-ranking makes the search worse in the mean over all sets; null where it does not, or where there is nothing to compare.</summary>
    /// <param name="stage">The cross-encoder's stage.</param>
    /// <param name="reranked">Its results.</param>
    /// <param name="search">Results of the first search alone, for the same sets.</param>
    /// <param name="pupils">Names of later stages that learn from it, or take its word for what is an answer.</param>
    public static string? Of(string stage, IReadOnlyList<StageResult> reranked, IReadOnlyList<StageResult> search, IReadOnlyList<string> pupils)
    {
        // Nothing keeps two sets from having one name: the first of each is compared.
        Dictionary<string, double> alone = search.Where(r => r.Metrics.ContainsKey(Metric)).DistinctBy(r => r.Dataset).ToDictionary(r => r.Dataset, r => r.Metrics[Metric]);
        (double Judged, double Alone)[] both = [.. reranked.DistinctBy(r => r.Dataset).Where(r => alone.ContainsKey(r.Dataset) && r.Metrics.ContainsKey(Metric)).Select(r => (r.Metrics[Metric], alone[r.Dataset]))];
        if (both.Length == 0 || both.Average(b => b.Judged) > both.Average(b => b.Alone) - Least)
        {
            return null;
        }
        string harm = pupils.Count == 0 ? "" : $", and what {string.Join(" and ", pupils.Select(p => $"\"{p}\""))} takes from it is likely to do harm";
        return string.Create(CultureInfo.InvariantCulture, $"warning: the cross-encoder of stage \"{stage}\" orders the {RunEvaluation.RerankDepth} best of {search[0].Mode} worse than they stood ({Metric} {both.Average(b => b.Judged):0.000} against {both.Average(b => b.Alone):0.000}{(both.Length > 1 ? $" in the mean of {both.Length} sets" : "")}){harm}; train it longer or on more pairs.");
    }
}

// Given a query and a short list, do the right ones come first? Mean average precision over the list (MTEB's recipe).
// Equal similarities are ordered against us: irrelevant passages first, so that a model that says the same of everything gets nothing for free.

using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>A query with passages that are known to answer it or not.</summary>
/// <param name="Query">What is asked.</param>
/// <param name="Positives">Answer it.</param>
/// <param name="Negatives">Do not.</param>
public sealed record RerankingList(string Query, IReadOnlyList<string> Positives, IReadOnlyList<string> Negatives);

/// <summary>MAP and MRR over given lists.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Lists">Lists without a positive or without a negative say nothing; they are left out and counted in the notes.</param>
public sealed record RerankingTask(string Name, IReadOnlyList<RerankingList> Lists) : ITask
{
    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        (string[] texts, int[] rows) = VectorRows.Once(Lists.SelectMany(l => l.Positives.Concat(l.Negatives)));
        float[] passages = model.Dense(texts, TextSide.Passage), queries = model.Dense([.. Lists.Select(l => l.Query)], TextSide.Query);
        int at = 0;
        return Score(Name, Lists, (list, query) =>
        {
            int count = list.Positives.Count + list.Negatives.Count, first = at;
            at += count;
            return [.. Enumerable.Range(first, count).Select(i => VectorRows.Cosine(VectorRows.Of(queries, model.Dimension, query), VectorRows.Of(passages, model.Dimension, rows[i])))];
        });
    }

    /// <summary>Measures any scorer, a cross-encoder for example.</summary>
    /// <param name="name">For reports and errors.</param>
    /// <param name="lists">What to score.</param>
    /// <param name="scores">List and its position → scores of its positives, then of its negatives. Called in order.</param>
    public static TaskResult Score(string name, IReadOnlyList<RerankingList> lists, Func<RerankingList, int, double[]> scores)
    {
        RetrievalMetric[] metrics = [RetrievalMetric.Parse("map"), RetrievalMetric.Parse("mrr@10"), RetrievalMetric.Parse("ndcg@10")];
        var perQuery = new Dictionary<string, double[]>();
        int useless = 0;
        for (int i = 0; i < lists.Count; i++)
        {
            RerankingList list = lists[i];
            double[] given = scores(list, i);
            if (list.Positives.Count == 0 || list.Negatives.Count == 0)
            {
                useless++;
                continue;
            }
            int[] grades = [.. given.Select((score, p) => (score, Grade: p < list.Positives.Count ? 1 : 0)).OrderByDescending(s => s.score).ThenBy(s => s.Grade).Select(s => s.Grade)];
            var ranked = new RankedGrades(grades, grades);
            perQuery[FormattableString.Invariant($"{i}")] = [.. metrics.Select(m => m.Of(ranked))];
        }
        if (perQuery.Count == 0)
        {
            throw new BadInput($"{name}: none of {lists.Count} lists has a positive and a negative.");
        }
        return new TaskResult("reranking", "map", metrics.Select((m, i) => KeyValuePair.Create(m.Name, perQuery.Values.Average(v => v[i]))).ToDictionary(), perQuery.Count)
        {
            Interval = Bootstrap.OfMean([.. perQuery.Values.Select(v => v[0])]),
            PerItem = perQuery.ToDictionary(q => q.Key, q => q.Value[0]),
            Notes = useless > 0 ? [$"{useless} of {lists.Count} lists have no positive or no negative and are left out."] : [],
        };
    }
}

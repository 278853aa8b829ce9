// Equal or not? Average precision of the cosine over labelled pairs, and accuracy and F1 at the best threshold (LCQMC, AFQMC, PAWS-X, MTEB's pair classification).

using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Average precision of cosines over labelled pairs.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Pairs">Score above 0 means equal; both kinds are needed.</param>
public sealed record PairClassificationTask(string Name, IReadOnlyList<ScoredPair> Pairs) : ITask
{
    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        bool[] positive = [.. Pairs.Select(p => p.Score > 0)];
        if (positive.Distinct().Count() < 2)
        {
            throw new BadInput($"{Name}: all {Pairs.Count} pairs have the same label; pairs with label 0 and label 1 are needed.");
        }
        double[] cosines = StsTask.Cosines(model, Pairs);
        var decisions = PairDecisions.Of(cosines, positive);
        return new TaskResult("pairs", "ap", new Dictionary<string, double>
        {
            ["ap"] = decisions.AveragePrecision,
            ["accuracy"] = decisions.Accuracy,
            ["accuracy_threshold"] = decisions.AccuracyThreshold,
            ["f1"] = decisions.F1,
            ["f1_threshold"] = decisions.F1Threshold,
        }, Pairs.Count)
        {
            Interval = Bootstrap.Of(Pairs.Count, rows => PairDecisions.Of([.. rows.Select(r => cosines[r])], [.. rows.Select(r => positive[r])]).AveragePrecision, samples: 200),
        };
    }
}

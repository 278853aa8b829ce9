// Which sentence of the other language is the translation? Each sentence takes its nearest neighbour on the other side (Tatoeba, BUCC as MTEB does them).

using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Significance;
using BgeSharp.Retrieval;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Accuracy both ways and F1 of finding translations.</summary>
/// <param name="Name">For reports.</param>
/// <param name="First">Sentences of one language.</param>
/// <param name="Second">Sentence i is the translation of <paramref name="First"/> i. Equal sentences count as equal answers.</param>
public sealed record BitextTask(string Name, IReadOnlyList<string> First, IReadOnlyList<string> Second) : ITask
{
    /// <inheritdoc/>
    public TaskResult Run(EvaluatedModel model)
    {
        float[] first = model.Dense(First, TextSide.Either), second = model.Dense(Second, TextSide.Either);
        return Score(
            [.. new DenseIndex(second, model.Dimension).SearchAll(first, 1).Select(Best)],
            [.. new DenseIndex(first, model.Dimension).SearchAll(second, 1).Select(Best)]);
    }

    /// <summary>The same by shared words (BM25): how far names and numbers alone go.</summary>
    /// <param name="options">BM25's constants; the usual ones when null.</param>
    public TaskResult RunBm25(Bm25Options? options = null) => Score(
        [.. Bm25Index.Build(Second, options: options).SearchAll(First, 1).Select(Best)],
        [.. Bm25Index.Build(First, options: options).SearchAll(Second, 1).Select(Best)]);

    /// <param name="forth">For each first sentence the row of the second it takes; −1 for none.</param>
    /// <param name="back">For each second sentence the row of the first.</param>
    private TaskResult Score(int[] forth, int[] back)
    {
        if (First.Count != Second.Count || First.Count == 0)
        {
            throw new BadInput($"{Name}: {First.Count} and {Second.Count} sentences; as many on both sides, and one at least, are needed.");
        }
        double[] there = [.. forth.Select((row, i) => row >= 0 && Second[row] == Second[i] ? 1.0 : 0)], home = [.. back.Select((row, i) => row >= 0 && First[row] == First[i] ? 1.0 : 0)];
        double[] both = [.. there.Zip(home, (a, b) => (a + b) / 2)];
        double accuracy = there.Average(), other = home.Average();
        return new TaskResult("bitext", "accuracy", new Dictionary<string, double>
        {
            ["accuracy"] = (accuracy + other) / 2,
            ["accuracy_forth"] = accuracy,
            ["accuracy_back"] = other,
            ["f1"] = F1(forth),
        }, First.Count)
        {
            Interval = Bootstrap.OfMean(both),
            PerItem = both.Select((value, i) => (i, value)).ToDictionary(v => v.i.ToString(System.Globalization.CultureInfo.InvariantCulture), v => v.value),
        };
    }

    // Weighted over the sentences as classes: precision of a sentence is its share among those that took it. MTEB's F1 of bitext mining.
    private double F1(int[] forth)
    {
        int[] taken = new int[Second.Count];
        foreach (int row in forth.Where(r => r >= 0))
        {
            taken[row]++;
        }
        return forth.Select((row, i) => row == i ? 2.0 / (1 + taken[i]) : 0).Average();
    }

    private static int Best(SearchHit[] hits) => hits.Length > 0 ? hits[0].Row : -1;
}

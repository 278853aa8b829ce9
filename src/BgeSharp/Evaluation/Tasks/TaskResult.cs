// What every task gives: figures, the one that stands for the task, and its interval.

using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Result of one task.</summary>
/// <param name="Kind">"sts", "pairs", "classification", "clustering", "reranking", "bitext" or "retrieval".</param>
/// <param name="Main">Name of the figure that stands for the task.</param>
/// <param name="Metrics">Name → value.</param>
/// <param name="Count">Items the main figure is taken over.</param>
public sealed record TaskResult(string Kind, string Main, IReadOnlyDictionary<string, double> Metrics, int Count)
{
    /// <summary>Bootstrap interval of the main figure at 95 %; null when none was computed.</summary>
    public Interval? Interval { get; init; }

    /// <summary>Item → value of the main figure, where it is a mean over items; else empty.</summary>
    public IReadOnlyDictionary<string, double> PerItem { get; init; } = new Dictionary<string, double>();

    /// <summary>What a reader of the figures must know: what was left out, what counts with 0.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The main figure.</summary>
    public double MainValue => Metrics[Main];
}

// One line of metrics.jsonl.

namespace BgeSharp.Training.Stages.Logs;

/// <summary>Figures of one step of one stage.</summary>
/// <param name="Stage">The stage's label.</param>
/// <param name="Step">Optimizer steps done in the stage, from 0.</param>
/// <param name="Figures">Name to value; NaN where a value was not finite.</param>
public sealed record MetricsLine(string Stage, int Step, IReadOnlyDictionary<string, double> Figures)
{
    /// <summary>Running hash of the stage's batches, 16 hexadecimal digits; empty when the line has none.</summary>
    public string Batches { get; init; } = "";
}

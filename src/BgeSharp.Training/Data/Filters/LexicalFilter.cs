// The lexical band as a filter of finished pairs.

namespace BgeSharp.Training.Data.Filters;

/// <summary>Keeps pairs inside a <see cref="LexicalBand"/>.</summary>
public sealed class LexicalFilter(LexicalBand band) : IPairFilter
{
    /// <inheritdoc/>
    public string Name => "outside the lexical band";

    /// <inheritdoc/>
    public bool[] Keep(IReadOnlyList<TrainingExample> pairs) => [.. pairs.Select(p => band.Reason(p) is null)];
}

// A filter of finished pairs. Filters see pairs in batches, because those with a model embed many texts at once.

namespace BgeSharp.Training.Data.Filters;

/// <summary>Decides which pairs stay.</summary>
public interface IPairFilter
{
    /// <summary>Why the pairs it drops are dropped, in two or three words.</summary>
    string Name { get; }

    /// <summary>For each pair whether it stays.</summary>
    bool[] Keep(IReadOnlyList<TrainingExample> pairs);
}

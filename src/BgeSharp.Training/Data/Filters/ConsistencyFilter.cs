// Consistency filtering (Dai et al. 2022, "Promptagator"; E5, Wang et al. 2022, keeps pairs in the top 2 among a million): a pair stays when the model finds its own
// passage for its query within the first k among N passages drawn from the set. Memory: N vectors. With few N even weak pairs pass, so k goes with N.

using System.Numerics.Tensors;

namespace BgeSharp.Training.Data.Filters;

/// <summary>Keeps pairs that a model finds again.</summary>
public sealed class ConsistencyFilter : IPairFilter
{
    private readonly int _top;
    private readonly Func<IReadOnlyList<string>, bool, float[]> _embed;
    private readonly string[] _texts;
    private readonly float[] _passages; // [N, D]

    /// <param name="top">k, at least 1.</param>
    /// <param name="embed">Texts, true for queries → unit vectors [n, D] row-major.</param>
    /// <param name="sample">N distinct passages of the set.</param>
    public ConsistencyFilter(int top, Func<IReadOnlyList<string>, bool, float[]> embed, IReadOnlyList<string> sample)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        (_top, _embed, _texts, _passages) = (top, embed, [.. sample], embed(sample, false));
    }

    /// <inheritdoc/>
    public string Name => "not found again";

    /// <inheritdoc/>
    public bool[] Keep(IReadOnlyList<TrainingExample> pairs)
    {
        float[] queries = _embed([.. pairs.Select(p => p.Query)], true), own = _embed([.. pairs.Select(p => p.Positives[0])], false);
        int dimension = queries.Length / Math.Max(1, pairs.Count);
        var keep = new bool[pairs.Count];
        Parallel.For(0, pairs.Count, i =>
        {
            ReadOnlySpan<float> query = queries.AsSpan(i * dimension, dimension);
            float score = TensorPrimitives.Dot(query, own.AsSpan(i * dimension, dimension));
            int better = 0;
            for (int row = 0; row < _texts.Length && better < _top; row++)
            {
                // The passage itself may be in the sample; any other text that scores as much stands before it.
                better += TensorPrimitives.Dot(query, _passages.AsSpan(row * dimension, dimension)) >= score && _texts[row] != pairs[i].Positives[0] ? 1 : 0;
            }
            keep[i] = better < _top;
        });
        return keep;
    }

    /// <summary>At most <paramref name="count"/> distinct first positives, drawn by the seed: those with the smallest hashes. Holds that many texts.</summary>
    public static IReadOnlyList<string> Sample(IEnumerable<TrainingExample> pairs, int count, long seed)
    {
        var keys = new SortedSet<ulong>();
        var drawn = new Dictionary<ulong, string>();
        foreach (TrainingExample pair in pairs)
        {
            ulong key = System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(pair.Positives[0].AsSpan()), seed);
            if ((keys.Count < count || key < keys.Max) && keys.Add(key))
            {
                drawn[key] = pair.Positives[0];
                if (keys.Count > count)
                {
                    drawn.Remove(keys.Max);
                    keys.Remove(keys.Max);
                }
            }
        }
        return [.. keys.Select(k => drawn[k])];
    }
}

// Floating-point operations that RetroMAE asks for, padding and repetition not counted, and the rate at which this machine multiplies matrices.

using System.Diagnostics;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Counts and measures.</summary>
internal static class UsefulWork
{
    /// <summary>Operations of a training step a real token, on average over the texts: two a multiplication and addition, three times for forward and backward.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="store">The texts.</param>
    /// <param name="maskRatio">Share of tokens the encoder names.</param>
    public static double PerToken(ModelConfig config, TokenStore store, double maskRatio)
    {
        double hidden = config.HiddenSize, tokens = store.TokenCount, multiplications = 0;
        for (int row = 0; row < store.Count; row++)
        {
            double n = store.LengthOf(row);
            double layer = n * ((4 * hidden * hidden) + (2 * hidden * config.IntermediateSize) + (2 * n * hidden));
            double named = (maskRatio * (n - 2)) + (n - 2);
            multiplications += ((config.LayerCount + 1) * layer) + (named * ((hidden * hidden) + (hidden * config.VocabularySize)));
        }
        return 6 * multiplications / tokens;
    }

    /// <summary>Operations a second of a [2048, 768] × [768, 3072] product, median of 9.</summary>
    public static double ProductRate(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor a = randn(2048, 768).to_type(type), b = randn(768, 3072).to_type(type);
        a.matmul(b).Dispose();
        var seconds = new List<double>();
        for (int i = 0; i < 9; i++)
        {
            var clock = Stopwatch.StartNew();
            a.matmul(b).Dispose();
            seconds.Add(clock.Elapsed.TotalSeconds);
        }
        seconds.Sort();
        return 2.0 * 2048 * 768 * 3072 / seconds[4];
    }
}

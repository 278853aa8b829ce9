// Is the difference of two systems on the same queries more than chance? If they were equal, each query's difference could as well have the other sign:
// count how often random signs give a mean difference as large (Fisher's randomisation test; Smucker et al. 2007 compare it with others).

namespace BgeSharp.Evaluation.Significance;

/// <summary>Outcome of a paired test.</summary>
/// <param name="Difference">Mean of second − first.</param>
/// <param name="P">Two-sided probability of a difference at least as large if both were equal; never 0.</param>
/// <param name="Queries">Pairs compared.</param>
/// <param name="Better">Queries where the second is higher.</param>
/// <param name="Worse">Queries where it is lower.</param>
public readonly record struct PairedDifference(double Difference, double P, int Queries, int Better, int Worse);

/// <summary>Paired permutation test.</summary>
public static class PermutationTest
{
    // 2^16 sign patterns take a few milliseconds: exact there, sampled above.
    private const int ExactUpTo = 16;

    /// <summary>Compares two systems query by query.</summary>
    /// <param name="first">Values of one system.</param>
    /// <param name="second">Values of the other for the same queries.</param>
    /// <param name="samples">Random sign patterns; with up to 16 queries that differ all patterns are counted instead.</param>
    /// <param name="seed">The same seed gives the same P.</param>
    public static PairedDifference Paired(IReadOnlyList<double> first, IReadOnlyList<double> second, int samples = 10_000, long seed = 1)
    {
        if (first.Count != second.Count)
        {
            throw new ArgumentException($"{first.Count} and {second.Count} values are no pairs", nameof(second));
        }
        double[] all = [.. first.Zip(second, (a, b) => b - a)];
        double[] differences = [.. all.Where(d => d != 0)];
        double sum = differences.Sum();
        // Sums in another order differ by rounding: a hair below still counts as "as large".
        double bar = Math.Abs(sum) - (1e-12 * differences.Sum(Math.Abs));
        double p = differences.Length == 0 ? 1 : differences.Length <= ExactUpTo ? Exact(differences, bar) : Sampled(differences, bar, samples, seed);
        return new PairedDifference(all.Length > 0 ? sum / all.Length : 0, p, all.Length, differences.Count(d => d > 0), differences.Count(d => d < 0));
    }

    private static double Exact(double[] differences, double bar)
    {
        int patterns = 1 << differences.Length, asLarge = 0;
        for (int pattern = 0; pattern < patterns; pattern++)
        {
            double sum = 0;
            for (int i = 0; i < differences.Length; i++)
            {
                sum += (pattern >> i & 1) == 0 ? differences[i] : -differences[i];
            }
            asLarge += Math.Abs(sum) >= bar ? 1 : 0;
        }
        return (double)asLarge / patterns;
    }

    private static double Sampled(double[] differences, double bar, int samples, long seed)
    {
        var random = new SeededRandom(unchecked((ulong)seed));
        int asLarge = 0;
        for (int s = 0; s < samples; s++)
        {
            double sum = 0;
            ulong bits = 0;
            for (int i = 0; i < differences.Length; i++)
            {
                bits = (i & 63) == 0 ? random.NextBits() : bits >> 1;
                sum += (bits & 1) == 0 ? differences[i] : -differences[i];
            }
            asLarge += Math.Abs(sum) >= bar ? 1 : 0;
        }
        return (asLarge + 1.0) / (samples + 1.0);
    }
}

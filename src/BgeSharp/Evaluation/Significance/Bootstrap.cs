// How far a figure could be off because other queries might have been asked: resample the queries with replacement, take percentiles (Efron 1979).
// It knows nothing of how the queries were chosen; 1,000 samples give the ends of a 95 % interval to about a tenth of its width.

namespace BgeSharp.Evaluation.Significance;

/// <summary>Ends of an interval.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Low, double High);

/// <summary>Percentile bootstrap.</summary>
public static class Bootstrap
{
    /// <summary>Samples when nothing else is said.</summary>
    public const int DefaultSamples = 1000;

    /// <summary>Interval of a mean.</summary>
    /// <param name="values">One value a query; (NaN, NaN) when empty.</param>
    /// <param name="level">Share of samples inside, between 0 and 1.</param>
    /// <param name="samples">How often to resample.</param>
    /// <param name="seed">The same seed gives the same interval.</param>
    public static Interval OfMean(IReadOnlyList<double> values, double level = 0.95, int samples = DefaultSamples, long seed = 1) =>
        Of(values.Count, rows => Mean(values, rows), level, samples, seed);

    /// <summary>Interval of any statistic of a sample.</summary>
    /// <param name="count">Size of the sample; (NaN, NaN) for 0.</param>
    /// <param name="statistic">Value for rows drawn with replacement. Samples where it is NaN are left out.</param>
    /// <param name="level">Share of samples inside, between 0 and 1.</param>
    /// <param name="samples">How often to resample, at least 1.</param>
    /// <param name="seed">The same seed gives the same interval.</param>
    public static Interval Of(int count, Func<int[], double> statistic, double level = 0.95, int samples = DefaultSamples, long seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        if (level is not (> 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(level), level, "a level lies between 0 and 1");
        }
        if (count == 0)
        {
            return new Interval(double.NaN, double.NaN);
        }
        var random = new SeededRandom(unchecked((ulong)seed));
        var rows = new int[count];
        var found = new List<double>(samples);
        for (int s = 0; s < samples; s++)
        {
            for (int i = 0; i < count; i++)
            {
                rows[i] = random.Next(count);
            }
            double value = statistic(rows);
            if (!double.IsNaN(value))
            {
                found.Add(value);
            }
        }
        found.Sort();
        return found.Count == 0 ? new Interval(double.NaN, double.NaN) : new Interval(Quantile(found, (1 - level) / 2), Quantile(found, (1 + level) / 2));
    }

    private static double Mean(IReadOnlyList<double> values, int[] rows)
    {
        double sum = 0;
        foreach (int row in rows)
        {
            sum += values[row];
        }
        return sum / rows.Length;
    }

    // Linear between neighbours.
    private static double Quantile(List<double> sorted, double share)
    {
        double place = share * (sorted.Count - 1);
        int below = (int)place;
        int above = Math.Min(below + 1, sorted.Count - 1);
        return sorted[below] + ((place - below) * (sorted[above] - sorted[below]));
    }
}

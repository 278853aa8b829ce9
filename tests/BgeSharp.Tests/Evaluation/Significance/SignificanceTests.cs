using BgeSharp.Evaluation.Significance;
using CsCheck;

namespace BgeSharp.Tests.Evaluation.Significance;

public class SignificanceTests
{
    [Fact]
    public void The_same_seed_gives_the_same_interval_and_it_holds_the_mean() => Gen.Double[0, 1].Array[5, 60].Sample(values =>
    {
        Interval interval = Bootstrap.OfMean(values, samples: 200, seed: 3);
        Assert.Equal(interval, Bootstrap.OfMean(values, samples: 200, seed: 3));
        Assert.InRange(values.Average(), interval.Low - 0.05, interval.High + 0.05);
    }, iter: 30);

    [Fact]
    public void An_interval_of_a_mean_has_the_width_of_the_normal_approximation()
    {
        double[] values = [.. Enumerable.Range(0, 400).Select(i => (double)(i % 2))];
        Interval interval = Bootstrap.OfMean(values, samples: 4000);
        double expected = 2 * 1.96 * 0.5 / Math.Sqrt(400);
        Assert.InRange(interval.High - interval.Low, expected * 0.9, expected * 1.1);
    }

    [Fact]
    public void Constant_and_missing_values_have_clear_intervals()
    {
        Assert.Equal(new Interval(0.5, 0.5), Bootstrap.OfMean([0.5, 0.5, 0.5]));
        Assert.True(double.IsNaN(Bootstrap.OfMean([]).Low));
    }

    [Fact]
    public void Few_differences_are_counted_out()
    {
        // 3 differences of one sign: 2 of 8 patterns are as large.
        PairedDifference d = PermutationTest.Paired([0, 0, 0, 1], [0.1, 0.2, 0.3, 1]);
        Assert.Equal((0.25, 4, 3, 0), (d.P, d.Queries, d.Better, d.Worse));
        Assert.Equal(0.15, d.Difference, 12);
        Assert.Equal(1, PermutationTest.Paired([1, 2], [1, 2]).P);
        Assert.Equal(1, PermutationTest.Paired([], []).P);
    }

    [Fact]
    public void Noise_is_not_significant_and_a_shift_is()
    {
        var random = new Random(5);
        double[] a = [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble())];
        double[] noise = [.. a.Select(x => x + ((random.NextDouble() - 0.5) * 0.2))], shifted = [.. noise.Select(x => x + 0.05)];
        Assert.True(PermutationTest.Paired(a, noise, 2000).P > 0.05);
        Assert.True(PermutationTest.Paired(a, shifted, 2000).P < 0.01);
        Assert.Equal(PermutationTest.Paired(a, shifted, 2000, 9), PermutationTest.Paired(a, shifted, 2000, 9));
        Assert.Equal(PermutationTest.Paired(a, noise, 2000).P, PermutationTest.Paired(noise, a, 2000).P, 12);
    }
}

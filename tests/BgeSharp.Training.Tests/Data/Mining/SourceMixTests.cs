using BgeSharp.Training.Data.Splits;
using CsCheck;

namespace BgeSharp.Training.Tests.Data.Mining;

public class SourceMixTests
{
    [Theory]
    [InlineData(1.0, 0, 0, 10_000, 1000, 100)]
    [InlineData(0.0, 0, 0, 100, 100, 100)]
    [InlineData(0.5, 0, 0, 1000, 316, 100)]
    [InlineData(1.0, 5550, 0, 5000, 500, 50)]
    [InlineData(1.0, 0, 500, 500, 500, 100)]
    [InlineData(0.5, 3000, 0, 2204, 696, 100)]
    public void Shares_follow_the_power_of_the_sizes(double alpha, long total, long cap, long a, long b, long c) =>
        Assert.Equal([a, b, c], new SourceMix(alpha, total, cap).Shares([10_000, 1000, 100]));

    [Fact]
    public void No_source_gives_more_than_it_has_and_the_total_is_met_when_it_can_be() =>
        Gen.Select(Gen.Double[0, 1], Gen.Long[1, 5000], Gen.Long[0, 400], Gen.Long[0, 1000].Array[1, 6]).Sample((alpha, total, cap, counts) =>
        {
            long[] most = [.. counts.Select(c => cap > 0 ? Math.Min(c, cap) : c)];
            long[] shares = new SourceMix(alpha, total, cap).Shares(counts);
            return shares.Zip(most).All(s => s.First >= 0 && s.First <= s.Second) && shares.Sum() == Math.Min(total, most.Sum());
        });

    [Fact]
    public void As_many_keys_are_below_the_threshold_as_were_asked_for()
    {
        ulong[] keys = [.. Enumerable.Range(0, 1000).Select(i => HashCodes.Of(i, 2, 3))];
        Assert.Equal(137, keys.Count(k => k <= SourceMix.Threshold([.. keys], 137)));
        Assert.Equal(1000, keys.Count(k => k <= SourceMix.Threshold([.. keys], 1000)));
        Assert.Equal(0, keys.Count(k => k <= SourceMix.Threshold([.. keys], 0)));
    }
}

using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Training.Tests.Data.Batches;

public sealed class OrderTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public void Each_text_comes_once_a_pass_within_the_token_budget(int seed)
    {
        var random = new SeededRandom((ulong)seed);
        int[] lengths = [.. Enumerable.Range(0, 5000).Select(_ => 2 + random.Next(70))];
        lengths[17] = 400;      // longer than the budget: alone
        var order = new TokenBudgetOrder(seed, lengths, 256);
        int count = order.BatchesPerEpoch();
        foreach (int[][] pass in order.From(0).Chunk(count).Take(1))
        {
            Assert.Equal(Enumerable.Range(0, lengths.Length), pass.SelectMany(b => b).Order());
            Assert.All(pass, b => Assert.True(b.Length == 1 || b.Length * b.Max(r => lengths[r]) <= 256));
        }
        Assert.True(count * 256 < 1.2 * lengths.Sum(), "batches are well filled");
        Assert.NotEqual(order.From(0).First(), order.From(count).First());
    }

    [Fact]
    public void Beginning_at_a_batch_is_skipping_those_before_it()
    {
        int[] numbers = [.. Enumerable.Range(0, 100).Select(i => 2 + (i * 7 % 31))];
        var budget = new TokenBudgetOrder(5, numbers, 64);
        var pairs = new PairOrder(5, [.. numbers.Select(n => n % 3)], 8);
        foreach (int skipped in new[] { 1, budget.BatchesPerEpoch(), (2 * budget.BatchesPerEpoch()) + 3 })
        {
            Assert.Equal(budget.From(0).Skip(skipped).Take(60), budget.From(skipped).Take(60));
            Assert.Equal(pairs.From(0).Skip(skipped).Take(60), pairs.From(skipped).Take(60));
        }
    }

    [Theory, InlineData(1), InlineData(2)]
    public void A_batch_of_pairs_is_full_has_one_source_and_no_pair_twice_and_a_pass_has_every_pair(int seed)
    {
        int[] sources = [.. Enumerable.Range(0, 101).Select(i => i % 7 == 0 ? 4 : 1)];
        var order = new PairOrder(seed, sources, 8);
        int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
        Assert.All(pass, b =>
        {
            Assert.Equal(8, b.Distinct().Count());
            Assert.Equal(8, b.Length);
            Assert.Single(b.Select(r => sources[r]).Distinct());
        });
        Assert.Equal(Enumerable.Range(0, sources.Length), pass.SelectMany(b => b).Distinct().Order());
    }

    [Fact]
    public void A_budget_too_small_for_two_pairs_still_gives_two()
    {
        var order = new PairOrder(3, new int[40], 8) { Tokens = [.. Enumerable.Range(0, 40).Select(i => i < 20 ? 30 : 500)], Budget = 256 };
        int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
        Assert.Equal(Enumerable.Range(0, 40), pass.SelectMany(b => b).Distinct().Order());
        Assert.All(pass, b => Assert.Equal(b[0] < 20 ? 8 : 2, b.Length));
    }

    [Theory, InlineData(30, 60, 60, 500, 4000), InlineData(60, 30, 30, 30, 4000), InlineData(30, 60, 500, 4000, 9000), InlineData(30, 30, 500, 500, 500)]
    public void A_pair_of_a_length_of_its_own_is_not_left_alone(params int[] tokens)
    {
        var order = new PairOrder(3, new int[5], 4) { Tokens = tokens, Budget = 256 };
        int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
        Assert.Equal(Enumerable.Range(0, 5), pass.SelectMany(b => b).Distinct().Order());
        Assert.All(pass, b => Assert.InRange(b.Distinct().Count(), 2, 4));
        Assert.All(pass, b => Assert.Equal(b.Length, b.Distinct().Count()));
    }

    [Fact]
    public void Sources_may_be_mixed_by_a_power_of_their_size()
    {
        int[] sources = [.. Enumerable.Range(0, 1000).Select(i => i < 900 ? 0 : 1)];
        var order = new PairOrder(3, sources, 10) { Mixing = 0.5 };
        int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
        // √900 : √100 = 3 : 1 of as many pairs as there are.
        Assert.Equal([75, 25], new[] { 0, 1 }.Select(s => pass.Count(b => sources[b[0]] == s)));
        Assert.All(pass, b => Assert.Single(b.Select(r => sources[r]).Distinct()));
        Assert.Equal(750, pass.SelectMany(b => b).Where(r => sources[r] == 0).Distinct().Count());
        int[] often = [.. pass.SelectMany(b => b).Where(r => sources[r] == 1).GroupBy(r => r).Select(g => g.Count())];
        Assert.Equal(100, often.Length);
        Assert.All(often, n => Assert.InRange(n, 2, 3));
    }

    [Fact]
    public void A_source_smaller_than_a_batch_is_a_batch_by_itself()
        => Assert.Equal([0, 1, 2], new PairOrder(1, [0, 0, 0], 8).From(0).First().Order());
}

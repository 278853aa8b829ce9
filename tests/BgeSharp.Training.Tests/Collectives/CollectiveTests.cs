using BgeSharp.Training.Collectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class CollectiveTests
{
    [Fact]
    public void Gathered_rows_stand_in_the_order_of_ranks_also_where_a_rank_has_none()
    {
        float[][] all = ThreadGroup.Run(3, group =>
        {
            using var scope = NewDisposeScope();
            int count = group.Rank * 2;       // 0, 2, 4
            Tensor own = tensor(Enumerable.Repeat((float)group.Rank, count * 5).ToArray()).view(count, 5);
            return group.Gather(own).data<float>().ToArray();
        });
        Assert.All(all, rows => Assert.Equal([.. Enumerable.Repeat(1f, 10), .. Enumerable.Repeat(2f, 20)], rows));
    }

    [Fact]
    public void Small_talk_reaches_every_rank()
    {
        ThreadGroup.Run(3, group =>
        {
            Assert.Equal("found by rank 0", group.Agree(() => $"found by rank {group.Rank}"));
            Assert.Null(group.Agree<string?>(() => null));
            Assert.Equal(double.NaN, group.Agree(() => double.NaN));
            Assert.Equal([true, false, true], group.Any(group.Rank == 2, false, true));
            Assert.Equal([[], [1], [2, 2]], group.Collect([.. Enumerable.Repeat((byte)group.Rank, group.Rank)]));
            Assert.Equal([7, 8], group.Tell(group.Rank == 0 ? [7, 8] : null));
            group.RequireSame("number of legs", "two");
            Assert.Contains("rank 2 has another recipe", Assert.Throws<BadInput>(() => group.RequireSame("recipe", group.Rank < 2 ? "a" : "b")).Message, StringComparison.Ordinal);
            return 0;
        });
    }

    [Fact]
    public void A_rank_that_fails_fails_them_all()
        => Assert.Throws<InvalidOperationException>(() => ThreadGroup.Run(3, group => group.Rank == 1 ? throw new InvalidOperationException("rank 1") : group.Any(true)));

    [Fact]
    public void Work_is_dealt_out_once_and_evenly()
    {
        long[] costs = [9, 7, 6, 5, 4, 4, 3, 2];
        int[] owners = WorkShare.Balanced(costs, 3);
        long[] loads = [.. Enumerable.Range(0, 3).Select(r => costs.Where((_, i) => owners[i] == r).Sum())];
        Assert.True(loads.Max() - loads.Min() <= 2, string.Join(' ', loads));
        foreach (int count in new[] { 0, 1, 3, 10 })
        {
            (int Start, int Count)[] ranges = ThreadGroup.Run(4, group => group.RangeOf(count));
            Assert.Equal(Enumerable.Range(0, count), ranges.SelectMany(r => Enumerable.Range(r.Start, r.Count)));
            Assert.True(ranges.Max(r => r.Count) - ranges.Min(r => r.Count) <= 1);
        }
    }

    [Theory]
    [InlineData(0, 1, 1, 1)]
    [InlineData(0, 4, 2, 1)]
    [InlineData(0, 1, 4, 4)]
    [InlineData(0, 6, 4, 2)]
    [InlineData(0, 3, 2, 2)]
    [InlineData(5, 3, 2, 5)]
    public void Pieces_keep_every_rank_busy(int wanted, int batches, int ranks, int pieces) => Assert.Equal(pieces, WorkShare.Pieces(wanted, batches, ranks));
}

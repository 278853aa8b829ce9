// What each rank does when this program was started by mpirun: MpirunTests starts it so. One explicit test, since without mpirun there is nothing to test.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class UnderMpi
{
    // MPI starts once in a process; it is left in order when the process ends, after the last test.
    private static readonly Lazy<IProcessGroup> Started = new(() =>
    {
        IProcessGroup group = Launch.Join();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => group.Dispose();
        return group;
    });

    private static IProcessGroup Group => Started.Value;

    [Fact(Explicit = true)]
    public void Ranks_do_together_what_one_process_does()
    {
        set_num_threads(1);       // a thread a core for every rank would leave libtorch's threads spinning for each other
        Collectives_over_several_buckets_and_of_every_type();
        foreach (string kind in new[] { "plain", "cached", "unified", "parts", "retromae", "reranker" })
        {
            Gradients_are_those_of_the_joined_batch(kind);
        }
        foreach (string kind in new[] { "plain", "retromae" })
        {
            Fifty_steps_have_the_losses_of_one_process(kind);
        }
    }

    private static void Collectives_over_several_buckets_and_of_every_type()
    {
        using var scope = NewDisposeScope();
        Assert.True(Group.Size > 1, "started without mpirun");
        int all = Group.Size * (Group.Size + 1) / 2;
        const long many = (CpuProcessGroup.BucketBytes / sizeof(float)) + 1000;        // two buckets
        Tensor large = arange(many, ScalarType.Float32) % 1000 * (Group.Rank + 1);
        Group.Sum(large);
        Assert.True((large == arange(many, ScalarType.Float32) % 1000 * all).all().item<bool>());
        foreach (ScalarType type in new[] { ScalarType.BFloat16, ScalarType.Float64, ScalarType.Int64 })
        {
            Tensor small = arange(1, 40, ScalarType.Float32).to_type(type) * (Group.Rank + 1);
            Group.Sum(small);
            Tensor wanted = arange(1, 40, ScalarType.Float32) * all;
            Assert.True(((small.to_type(ScalarType.Float32) - wanted).abs() <= wanted.abs() * (type == ScalarType.BFloat16 ? 0.02 : 0)).all().item<bool>(), type.ToString());
        }
        Tensor rows = Group.Gather(full([Group.Rank, 3], (float)Group.Rank, ScalarType.Float32));
        Assert.Equal(Enumerable.Range(0, Group.Size).SelectMany(r => Enumerable.Repeat((float)r, r * 3)), rows.data<float>().ToArray());
        Tensor told = full([5], (double)Group.Rank, ScalarType.Float64);
        Group.Broadcast(told, Group.Size - 1);
        Assert.All(told.data<double>().ToArray(), t => Assert.Equal(Group.Size - 1, t));
        Assert.Equal("rank 0", Group.Agree(() => $"rank {Group.Rank}"));
        Assert.Equal([true, false], Group.Any(Group.Rank == Group.Size - 1, false));
    }

    private static void Gradients_are_those_of_the_joined_batch(string kind)
    {
        using var batch = new JoinedBatch(Compute.Float32, 1, 0);
        JoinedBatch.AssertSame(Steps(batch, kind, LocalProcessGroup.Instance), Steps(batch, kind, Group), 1e-6);
    }

    private static void Fifty_steps_have_the_losses_of_one_process(string kind)
    {
        using var batch = new JoinedBatch(Compute.Float32, 50, 1e-4);
        Outcome alone = Steps(batch, kind, LocalProcessGroup.Instance), shared = Steps(batch, kind, Group);
        Assert.Equal(50, shared.Losses.Count);
        Assert.Equal(alone.Batches, shared.Batches);
        double off = alone.Losses.Zip(shared.Losses).Max(l => Math.Abs(l.First - l.Second));
        Assert.True(off <= 1e-5 * alone.Losses.Max(), $"losses up to {alone.Losses.Max()} are off by {off}");
    }

    private static Outcome Steps(JoinedBatch batch, string kind, IProcessGroup group) => kind switch
    {
        "retromae" => batch.RetroMae(new RetroMaeStageOptions { Steps = 100, BatchTokens = 256, Accumulate = 2, Pieces = 4 }, group),
        "reranker" => batch.Reranker(new RerankerStageOptions { Steps = 100, BatchPairs = 7, GroupSize = 3, MaxLength = 24, QueryMaxLength = 10, Pieces = 4 }, group),
        _ => batch.Contrastive(JoinedBatch.Options(kind), group),
    };
}

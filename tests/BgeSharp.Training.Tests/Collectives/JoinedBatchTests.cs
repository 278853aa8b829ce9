// Any number of ranks computes what one process computes on the whole batch: losses, gradients, figures, batches.
// In float64, so that only a difference of meaning shows. Two steps, the second one from weights that the first has changed, with dropout.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class JoinedBatchTests : IDisposable
{
    private readonly JoinedBatch _batch = new(Compute.Float64, 2, 1e-4);

    public void Dispose() => _batch.Dispose();

    public static TheoryData<string, int> Contrastive()
    {
        var cases = new TheoryData<string, int>();
        foreach (string kind in new[] { "plain", "cached", "own group", "unified", "parts", "few", "parts of three", "distilled", "kl_div", "margin_mse", "cosent", "accumulated" })
        {
            cases.Add(kind, 2);
            cases.Add(kind, 5);
        }
        return cases;
    }

    [Theory, MemberData(nameof(Contrastive))]
    public void Contrastive_gradients_are_those_of_the_joined_batch(string kind, int ranks) => AssertSame(ranks, group => _batch.Contrastive(JoinedBatch.Options(kind), group));

    [Fact]
    public void Outputs_by_token_stay_on_their_rank_when_the_parts_of_a_batch_are_a_multiple_of_the_ranks()
    {
        ContrastiveStageOptions parts = JoinedBatch.Options("parts");
        Assert.All(ThreadGroup.Run(4, group => Gathered(parts, group)), rows => Assert.Equal([TinyModel.Config.HiddenSize], rows.Distinct()));
        Assert.All(ThreadGroup.Run(3, group => Gathered(parts, group)), rows => Assert.Equal([1, 8, TinyModel.Config.HiddenSize], rows.Distinct().Order()));

        // Numbers in a row of each tensor of floating numbers that was gathered.
        long[] Gathered(ContrastiveStageOptions options, IProcessGroup group)
        {
            var watched = new WatchedGroup(group);
            _batch.Contrastive(options, watched);
            return [.. watched.Rows];
        }
    }

    [Theory]
    [InlineData("retromae", 1, 2, 4)]
    [InlineData("retromae", 2, 2, 4)]
    [InlineData("dupmae", 3, 2, 4)]
    [InlineData("retromae", 2, 4, 4)]
    [InlineData("mlm", 1, 5, 4)]
    [InlineData("retromae", 5, 2, 1)]
    [InlineData("mlm", 2, 3, 1)]
    public void Pre_training_gradients_are_those_of_the_joined_batch(string objective, int accumulate, int ranks, int pieces)
        => AssertSame(ranks, group => _batch.RetroMae(new RetroMaeStageOptions { Steps = 5, BatchTokens = 128, Accumulate = accumulate, Objective = objective, Pieces = pieces }, group));

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    public void Reranker_gradients_are_those_of_the_joined_batch(int accumulate, int ranks)
        => AssertSame(ranks, group => _batch.Reranker(new RerankerStageOptions { Steps = 5, BatchPairs = 7, GroupSize = 3, MaxLength = 24, QueryMaxLength = 10, Accumulate = accumulate, Pieces = 3 }, group));

    // Notes what is gathered.
    private sealed class WatchedGroup(IProcessGroup group) : IProcessGroup
    {
        public List<long> Rows { get; } = [];

        public int Rank => group.Rank;

        public int Size => group.Size;

        public void Sum(Tensor values) => group.Sum(values);

        public Tensor Gather(Tensor rows)
        {
            if (rows.is_floating_point())
            {
                Rows.Add(rows.dim() == 1 ? 1 : rows.shape[1]);
            }
            return group.Gather(rows);
        }

        public void Broadcast(Tensor values, int root = 0) => group.Broadcast(values, root);

        public void Barrier() => group.Barrier();

        public void Abort(string? sentence, int exitCode) => group.Abort(sentence, exitCode);

        public void Dispose()
        {
        }
    }

    private static void AssertSame(int ranks, Func<IProcessGroup, Outcome> steps)
    {
        Outcome alone = steps(LocalProcessGroup.Instance);
        Outcome[] shared = ThreadGroup.Run(ranks, steps);
        foreach (Outcome one in shared)
        {
            JoinedBatch.AssertSame(alone, one, 1e-9);
            Assert.Equal(shared[0].Gradients, one.Gradients);     // to the bit among ranks
        }
    }
}

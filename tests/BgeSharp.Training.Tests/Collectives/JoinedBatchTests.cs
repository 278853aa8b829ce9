// Any number of ranks computes what one process computes on the whole batch: losses, gradients, figures, batches.
// In float64, so that only a difference of meaning shows. Two steps, the second one from weights that the first has changed, with dropout.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class JoinedBatchTests : IDisposable
{
    private readonly JoinedBatch _batch = new(Compute.Float64, 2, 1e-4);

    public void Dispose() => _batch.Dispose();

    public static TheoryData<string, int> Contrastive()
    {
        var cases = new TheoryData<string, int>();
        foreach (string kind in new[] { "plain", "cached", "own group", "unified", "distilled", "cosent", "accumulated" })
        {
            cases.Add(kind, 2);
            cases.Add(kind, 5);
        }
        return cases;
    }

    [Theory, MemberData(nameof(Contrastive))]
    public void Contrastive_gradients_are_those_of_the_joined_batch(string kind, int ranks) => AssertSame(ranks, group => _batch.Contrastive(JoinedBatch.Options(kind), group));

    [Theory]
    [InlineData("retromae", 1, 2)]
    [InlineData("retromae", 2, 2)]
    [InlineData("dupmae", 3, 2)]
    [InlineData("retromae", 2, 4)]
    [InlineData("mlm", 1, 5)]
    public void Pre_training_gradients_are_those_of_the_joined_batch(string objective, int accumulate, int ranks)
        => AssertSame(ranks, group => _batch.RetroMae(new RetroMaeStageOptions { Steps = 5, BatchTokens = 128, Accumulate = accumulate, Objective = objective, Pieces = 4 }, group));

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    public void Reranker_gradients_are_those_of_the_joined_batch(int accumulate, int ranks)
        => AssertSame(ranks, group => _batch.Reranker(new RerankerStageOptions { Steps = 5, BatchPairs = 7, GroupSize = 3, MaxLength = 24, QueryMaxLength = 10, Accumulate = accumulate, Pieces = 3 }, group));

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

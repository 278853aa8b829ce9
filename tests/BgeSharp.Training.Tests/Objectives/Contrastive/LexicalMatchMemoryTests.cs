// The sparse part of a step needs memory for its tokens and scores, whatever the vocabulary: the same texts spread over more ids cost the same. Its numbers would be right with rows as long as the vocabulary too.

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives.Contrastive;

public sealed class LexicalMatchMemoryTests
{
    private const int Queries = 96, Group = 2, Words = 900, Scores = Queries * Queries * Group;

    [Fact]
    public void Neither_tensors_nor_arrays_grow_with_the_vocabulary()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        Step(1_000);        // what is made once a process is made
        (double Loss, long Tensors, long Arrays) small = Step(1_000);
        (double Loss, long Tensors, long Arrays) large = Step(250_000);
        Assert.Equal(small.Loss, large.Loss, 1e-5);
        // A row of 250,000 numbers alone would be a megabyte; blocks may be a quarter larger than what is asked for.
        Assert.InRange(small.Tensors, Scores * sizeof(float), 4_000_000);
        Assert.InRange(large.Tensors, Scores * sizeof(float), small.Tensors * 5 / 4);
        Assert.InRange(large.Arrays, Scores * sizeof(double), small.Arrays * 3 / 2);
    }

    private static (double Loss, long Tensors, long Arrays) Step(int vocabulary)
    {
        using var scope = NewDisposeScope();
        TokenBatch queries = Texts(Queries, 16, vocabulary, 1), passages = Texts(Queries * Group, 64, vocabulary, 2);
        random.manual_seed(3);
        Tensor asked = rand(queries.TokenCount, ScalarType.Float32).requires_grad_(), answers = rand(passages.TokenCount, ScalarType.Float32).requires_grad_();
        var objective = new ContrastiveObjective { Contrast = new InfoNce(0.05), Outputs = EmbeddingModes.Sparse, WithoutWeight = new HashSet<int> { 0, 1 } };
        double loss = 0;
        long before = GC.GetTotalAllocatedBytes(precise: true);
        long tensors = TensorPeak.Of(() =>
        {
            using var inner = NewDisposeScope();
            Tensor value = objective.Loss(new M3Outputs(queries, null, asked, null), new M3Outputs(passages, null, answers, null), new ContrastiveTargets(Group, null, null), 0, Queries, []);
            BackwardPass.Run(value);
            loss = value.item<float>();
        });
        long arrays = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.True(asked.grad!.abs().sum().item<float>() > 0);
        Assert.True(answers.grad!.abs().sum().item<float>() > 0);
        return (loss, tensors, arrays);
    }

    // The same words for any vocabulary, as far from each other as it allows.
    private static TokenBatch Texts(int count, int length, int vocabulary, ulong seed)
    {
        var draws = new SeededRandom(seed);
        int apart = (vocabulary - 2) / Words;
        var texts = new int[count][];
        for (int i = 0; i < count; i++)
        {
            texts[i] = new int[length];
            for (int t = 1; t < length - 1; t++)
            {
                texts[i][t] = 2 + (apart * draws.Next(Words));
            }
            texts[i][^1] = 1;
        }
        return TokenBatch.Of(texts);
    }
}

// Late interaction in chunks: how passages, and where they are long queries too, are cut changes memory and no number.

using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives.Contrastive;

public sealed class LateInteractionChunkTests
{
    private const int Size = 6;
    private static readonly int[] s_queries = [0, 4, 5, 12, 14, 20], s_passages = [0, 9, 10, 13, 30, 38, 39, 44, 55, 58, 60];      // one text each of nothing but its first token

    [Theory]
    [InlineData(false, 1, long.MaxValue)]
    [InlineData(false, 200, long.MaxValue)]
    [InlineData(false, 1, 1)]
    [InlineData(false, 1, 230)]         // two queries at a time by a passage
    [InlineData(false, 400, 400)]
    [InlineData(true, 1, 1)]
    [InlineData(true, 40, long.MaxValue)]
    public void Scores_and_gradients_are_those_of_the_sums_over_tokens(bool ownGroupOnly, long chunkElements, long mostElements)
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        Tensor queries = randn([s_queries[^1], Size], ScalarType.Float64).requires_grad_(), passages = randn([s_passages[^1], Size], ScalarType.Float64).requires_grad_();
        Tensor scores = LateInteraction.Scores(queries, s_queries, passages, s_passages, 1, ownGroupOnly, ScalarType.Float64, chunkElements, mostElements);
        Tensor factor = randn(scores.shape, ScalarType.Float64);
        BackwardPass.Run((scores * factor).sum());
        Tensor ofQueries = queries.grad!.clone(), ofPassages = passages.grad!.clone();
        queries.grad!.zero_();
        passages.grad!.zero_();
        int group = (s_passages.Length - 1) / (s_queries.Length - 1);
        var rows = new List<Tensor>();
        for (int q = 0; q < s_queries.Length - 1; q++)
        {
            var row = new List<Tensor>();
            foreach (int p in ownGroupOnly ? Enumerable.Range(q * group, group) : Enumerable.Range(0, s_passages.Length - 1))
            {
                Tensor asked = queries[s_queries[q]..s_queries[q + 1]][1..], answer = passages[s_passages[p]..s_passages[p + 1]][1..];
                row.Add(asked.shape[0] == 0 || answer.shape[0] == 0 ? zeros(1, ScalarType.Float64) : asked.matmul(answer.t()).max(1).values.mean().view(1));
            }
            rows.Add(cat(row, 0));
        }
        Tensor expected = stack(rows, 0);
        (expected * factor).sum().backward();
        Assert.InRange((scores - expected).abs().max().item<double>(), 0, 1e-12);
        Assert.InRange((ofQueries - queries.grad!).abs().max().item<double>(), 0, 1e-12);
        Assert.InRange((ofPassages - passages.grad!).abs().max().item<double>(), 0, 1e-12);
        Assert.True(ofPassages.abs().max().item<double>() > 0.1);
    }

    [Fact]
    public void Long_texts_take_the_memory_of_a_chunk()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        // 32 queries by one passage of 512 tokens each: 8.4 M similarities, 34 MB; cut at 1 M they are 4.2.
        const int queries = 32, length = 512;
        long Peak(long most) => TensorPeak.Of(() =>
        {
            using var scope = NewDisposeScope();
            int[] offsets = [.. Enumerable.Range(0, queries + 1).Select(i => i * length)];
            Tensor rows = randn([queries * length, 8], ScalarType.Float32).requires_grad_(), passage = randn([length, 8], ScalarType.Float32).requires_grad_();
            BackwardPass.Run(LateInteraction.Scores(rows, offsets, passage, [0, length], 0, false, ScalarType.Float32, most, most).sum());
        });
        const long whole = 4L * queries * length * length;
        Assert.InRange(Peak(long.MaxValue), whole, 3 * whole);
        Assert.InRange(Peak(1 << 20), 1, whole * 3 / 4);
    }
}

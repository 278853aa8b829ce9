using BgeSharp.Text;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

public sealed class BagOfWordsTests
{
    private const int Vocabulary = 11;

    [Theory, InlineData(1), InlineData(2 * Vocabulary), InlineData(1 << 20)]
    public void Loss_and_gradients_are_those_of_max_pooled_logits_whatever_the_chunk(long chunkElements)
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        int[] offsets = [0, 5, 6, 6, 9];
        var bags = WordBags.Of(new TokenBatch([1, 4, 4, 5, 9, 2, 1, 10, 2, 1, 2, 1, 3, 7, 2], [0, 6, 9, 11, 15]));
        Assert.Equal([4, 5, 9, 10, 3, 7], bags.Ids);
        Assert.Equal([0.25, 1, 0, 0.5], bags.Weights);
        Tensor[] plain = [Leaf(9, 4), Leaf(Vocabulary, 4), Leaf(Vocabulary)];
        Tensor[] chunked = [.. plain.Select(t => t.detach().clone().requires_grad_())];

        Tensor expected = zeros(1, ScalarType.Float64);
        Tensor logits = nn.functional.linear(plain[0], plain[1], plain[2]);
        foreach (int b in (int[])[0, 1, 3])
        {
            Tensor pooled = logits.narrow(0, offsets[b], offsets[b + 1] - offsets[b]).max(dim: 0).values.log_softmax(0);
            expected = expected - (pooled.index_select(0, tensor(bags.Ids[bags.Offsets[b]..bags.Offsets[b + 1]])).sum() * bags.Weights[b] / 4);
        }
        (expected * 3).backward();
        Tensor actual = BagOfWords.Mean(chunked[0], offsets, chunked[1], chunked[2], bags, chunkElements);
        (actual * 3).backward();

        Assert.Equal(expected.item<double>(), actual.item<double>(), 1e-12);
        foreach ((Tensor one, Tensor other) in plain.Zip(chunked))
        {
            Assert.True((one.grad! - other.grad!).abs().max().item<double>() < 1e-12);
        }
    }

    [Fact]
    public void With_a_sum_the_weights_gradient_is_added_to_it_and_a_share_is_a_factor()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        int[] offsets = [0, 5, 8];
        var bags = WordBags.Of(new TokenBatch([1, 4, 4, 5, 9, 2, 1, 10, 3, 2], [0, 6, 10]));
        Tensor[] plain = [Leaf(8, 4), Leaf(Vocabulary, 4), Leaf(Vocabulary)];
        Tensor[] summed = [.. plain.Select(t => t.detach().clone().requires_grad_())];
        Tensor already = randn([Vocabulary, 4], ScalarType.Float64), sum = already.clone();
        Tensor expected = BagOfWords.Mean(plain[0], offsets, plain[1], plain[2], bags, 2 * Vocabulary) * 0.03;
        expected.backward();
        Tensor actual = BagOfWords.Mean(summed[0], offsets, summed[1], summed[2], bags, 2 * Vocabulary, 0.03, sum);
        actual.backward();
        Assert.Equal(expected.item<double>(), actual.item<double>(), 1e-12);
        Assert.True(summed[1].grad is null);
        foreach ((Tensor one, Tensor other) in new[] { (plain[0].grad!, summed[0].grad!), (plain[1].grad!, sum - already), (plain[2].grad!, summed[2].grad!) })
        {
            Assert.True(one.abs().max().item<double>() > 0);
            Assert.InRange((one - other).abs().max().item<double>(), 0, 1e-12);
        }
    }

    private static Tensor Leaf(params long[] shape) => randn(shape, ScalarType.Float64).requires_grad_();
}

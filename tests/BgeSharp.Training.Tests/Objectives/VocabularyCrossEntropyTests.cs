using BgeSharp.Formats;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

public sealed class VocabularyCrossEntropyTests
{
    private const int Vocabulary = 11;

    [Theory, InlineData(1), InlineData(Vocabulary), InlineData(3 * Vocabulary), InlineData(1 << 20)]
    public void Loss_and_gradients_are_those_of_plain_cross_entropy_whatever_the_chunk(long chunkElements)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        Tensor targets = tensor(new long[] { 0, 10, 3, 3, 7, 1, 5 });
        Tensor[] plain = [Leaf(7, 4), Leaf(Vocabulary, 4), Leaf(Vocabulary)];
        Tensor[] chunked = [.. plain.Select(t => t.detach().clone().requires_grad_())];

        Tensor logits = nn.functional.linear(plain[0], plain[1], plain[2]);
        Tensor expected = nn.functional.cross_entropy(logits, targets);
        (expected * 3).backward();
        var score = new NamingScore();
        Tensor actual = VocabularyCrossEntropy.Mean(chunked[0], chunked[1], chunked[2], targets, score, chunkElements);
        (actual * 3).backward();

        Assert.Equal(expected.item<double>(), actual.item<double>(), 1e-12);
        foreach ((Tensor one, Tensor other) in plain.Zip(chunked))
        {
            Assert.True((one.grad! - other.grad!).abs().max().item<double>() < 1e-12);
        }
        Assert.Equal(7, score.Count);
        Assert.Equal(logits.argmax(1).eq(targets).sum().item<long>(), score.Correct);
    }

    [Theory, InlineData(ScalarType.Float64), InlineData(ScalarType.BFloat16)]
    public void With_a_sum_the_weights_gradient_is_added_to_it_and_a_share_is_a_factor(ScalarType rowType)
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        Tensor targets = tensor(new long[] { 0, 10, 3, 3, 7, 1, 5 });
        Tensor Rows() => Leaf(7, 4).to_type(rowType).detach().requires_grad_();
        Tensor[] plain = [Rows(), Leaf(Vocabulary, 4), Leaf(Vocabulary)];
        Tensor[] summed = [.. plain.Select(t => t.detach().clone().requires_grad_())];
        Tensor already = randn([Vocabulary, 4], ScalarType.Float64), sum = already.clone();
        Tensor expected = VocabularyCrossEntropy.Mean(plain[0], plain[1], plain[2], targets, new NamingScore(), 3 * Vocabulary) * 0.3;
        expected.backward();
        Tensor actual = VocabularyCrossEntropy.Mean(summed[0], summed[1], summed[2], targets, new NamingScore(), 3 * Vocabulary, 0.3, sum);
        actual.backward();
        double tolerance = rowType == ScalarType.Float64 ? 1e-12 : 1e-3;
        Assert.Equal(expected.to_type(ScalarType.Float64).item<double>(), actual.to_type(ScalarType.Float64).item<double>(), tolerance);
        Assert.True(summed[1].grad is null);
        foreach ((Tensor one, Tensor other) in new[] { (plain[0].grad!, summed[0].grad!), (plain[1].grad!, sum - already), (plain[2].grad!, summed[2].grad!) })
        {
            Assert.InRange((one.to_type(ScalarType.Float64) - other.to_type(ScalarType.Float64)).abs().max().item<double>(), 0, tolerance);
        }
    }

    [Fact]
    public void A_factor_after_a_gradient_that_was_added_up_is_refused()
    {
        using var scope = NewDisposeScope();
        Tensor loss = VocabularyCrossEntropy.Mean(Leaf(1, 4), Leaf(Vocabulary, 4), Leaf(Vocabulary), tensor(new long[] { 3 }), new NamingScore(), sum: zeros([Vocabulary, 4], ScalarType.Float64));
        Assert.Contains("give it as its share", Assert.Throws<InvalidOperationException>(() => BackwardPass.Run(loss * 2)).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(20_000, 419), InlineData(100_000, 128)]
    public void The_logits_that_a_language_head_makes_are_a_chunk_at_a_time(int vocabulary, int rowsOfChunk)
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        ModelConfig config = TinyModel.Config with { VocabularySize = vocabulary };
        using var weights = new Weights(RetroMae.Shapes(config), Compute.Float32);
        weights.Initialize(0.1, seed: 1);
        MaskedLanguageHead head = new RetroMae(weights, config).Head;
        var score = new NamingScore();
        long count = 8L * rowsOfChunk, chunk = (long)rowsOfChunk * vocabulary * sizeof(float);      // 8 M logits, or those of 128 rows
        long peak = TensorPeak.Of(() =>
        {
            using var scope = NewDisposeScope();
            Tensor rows = randn([count, config.HiddenSize], ScalarType.Float32).requires_grad_();
            BackwardPass.Run(head.Loss(rows, zeros(count, ScalarType.Int64), score));
        });
        Assert.Equal(count, score.Count);
        Assert.InRange(peak, chunk, 3 * chunk);
    }

    [Fact]
    public void No_rows_cost_nothing()
    {
        using var scope = NewDisposeScope();
        Tensor rows = Leaf(0, 4), weight = Leaf(Vocabulary, 4), bias = Leaf(Vocabulary);
        var score = new NamingScore();
        Tensor loss = VocabularyCrossEntropy.Mean(rows, weight, bias, zeros(0, ScalarType.Int64), score);
        loss.backward();
        Assert.Equal(0, loss.item<double>());
        Assert.Equal(0, weight.grad!.abs().sum().item<double>());
        Assert.Equal(0, score.Accuracy);
    }

    private static Tensor Leaf(params long[] shape) => randn(shape, ScalarType.Float64).requires_grad_();
}

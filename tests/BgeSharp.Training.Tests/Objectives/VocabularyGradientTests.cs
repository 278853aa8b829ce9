using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

/// <summary>In bfloat16 the gradient of a vocabulary is added slice by slice: nothing of it is left out, and no second table of its size exists.</summary>
public sealed class VocabularyGradientTests
{
    [Theory, InlineData(ScalarType.BFloat16, 0.02), InlineData(ScalarType.Float32, 1e-5)]
    public void What_is_added_is_the_whole_product(ScalarType type, double tolerance)
    {
        const int vocabulary = 5000, size = 512, count = 7;      // two whole slices and a part of one
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor rows = randn([count, size], ScalarType.Float32).to_type(type), error = randn([count, vocabulary], ScalarType.Float32).to_type(type);
        Tensor already = randn([vocabulary, size], ScalarType.Float32), sum = already.clone();
        VocabularyGradient.Add(sum, error, rows);
        Tensor product = error.to_type(ScalarType.Float32).t().matmul(rows.to_type(ScalarType.Float32));
        Tensor difference = (sum - already - product).abs() / (product.abs() + 1);
        Assert.InRange(difference.max().item<float>(), 0, tolerance);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_loss_in_bfloat16_has_the_vocabulary_once_more_and_no_other_table_of_its_size(bool bag)
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        // Four rows of logits are 0.3 MB, the vocabulary's vectors 41.
        const int vocabulary = 20_000, size = 512, count = 8;
        const long chunk = 4 * vocabulary, table = 4L * vocabulary * size, copy = table / 2;
        using var scope = NewDisposeScope();
        manual_seed(4);
        Tensor weight = randn([vocabulary, size], ScalarType.Float32).requires_grad_(), bias = zeros([vocabulary], ScalarType.Float32).requires_grad_();
        Tensor sum = zeros([vocabulary, size], ScalarType.Float32), targets = tensor(new long[] { 0, 19_999, 3, 3, 7, 1, 5, 12_000 });
        var bags = WordBags.Of(new TokenBatch([1, 4, 4, 5, 9, 2, 1, 10, 3, 2], [0, 6, 10]));
        long peak = TensorPeak.Of(() =>
        {
            using var inner = NewDisposeScope();
            Tensor rows = randn([count, size], ScalarType.Float32).to_type(ScalarType.BFloat16).requires_grad_();
            BackwardPass.Run(bag
                ? BagOfWords.Mean(rows, [0, 5, 8], weight, bias, bags, chunk, sum: sum)
                : VocabularyCrossEntropy.Mean(rows, weight, bias, targets, new NamingScore(), chunk, sum: sum));
        });
        Assert.True(sum.abs().max().item<float>() > 0);
        Assert.True(weight.grad is null);
        // A product of the whole, and its copy in float32, would be one and a half tables beside the copy.
        Assert.InRange(peak, copy, copy + (table / 2));
    }
    [Fact]
    public void The_logits_of_a_text_s_bag_are_a_chunk_at_a_time()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        // Logits of the whole text are 41 MB, of a chunk 2.6; what is as long as the vocabulary is small beside them.
        const int vocabulary = 20_000, size = 16, count = 512;
        const long chunk = 32 * vocabulary;
        using var scope = NewDisposeScope();
        manual_seed(5);
        Tensor weight = randn([vocabulary, size], ScalarType.Float32).requires_grad_(), bias = zeros([vocabulary], ScalarType.Float32).requires_grad_();
        Tensor sum = zeros([vocabulary, size], ScalarType.Float32);
        var bags = WordBags.Of(new TokenBatch([1, 4, 4, 5, 9, 2], [0, 6]));
        long peak = TensorPeak.Of(() =>
        {
            using var inner = NewDisposeScope();
            Tensor rows = randn([count, size], ScalarType.Float32).requires_grad_();
            BackwardPass.Run(BagOfWords.Mean(rows, [0, count], weight, bias, bags, chunk, sum: sum));
        });
        Assert.True(sum.abs().max().item<float>() > 0);
        Assert.InRange(peak, 4 * chunk, 4 * chunk * 4);
    }
}

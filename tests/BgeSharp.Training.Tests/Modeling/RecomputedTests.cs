using BgeSharp.Formats;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using BgeSharp.Training.Tests.Stages;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

/// <summary>Recomputing layers and attention by blocks of rows change memory and time, and no number.</summary>
public sealed class RecomputedTests
{
    private static readonly ModelConfig s_config = TinyModel.Config with { InitializerRange = 0.3, HiddenDropout = 0.2, AttentionDropout = 0.1 };

    [Theory, InlineData("retromae", "enhanced", 1), InlineData("retromae", "enhanced", 2), InlineData("retromae", "plain", 1), InlineData("dupmae", "enhanced", 1), InlineData("mlm", "enhanced", 1)]
    public void Recomputed_layers_give_the_same_loss_and_gradients_with_dropout(string objective, string decoding, int layers)
    {
        var options = new RetroMaeStageOptions { Objective = objective, Decoding = decoding, DecoderLayers = layers, Steps = 10, BatchTokens = 256 };
        (double plain, float[] expected) = Pretraining.Step(options);
        (double again, float[] actual) = Pretraining.Step(options with { Recompute = true });
        Assert.Equal(plain, again);
        Assert.Contains(expected, g => g != 0);
        // Where one input feeds two layers, its two gradients are added in the other order.
        float largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-6f * largest));
    }

    [Theory]
    [InlineData("plain", "dense")]
    [InlineData("cached", "dense")]
    [InlineData("cached", "dense sparse multi")]
    [InlineData("plain", "dense", "embeddings")]
    [InlineData("cached", "dense", "layers:1")]
    public void A_contrastive_step_is_the_same_with_dropout(string memory, string outputs, params string[] freeze)
    {
        using var folder = new TemporaryFolder();
        var options = new ContrastiveStageOptions { Steps = 1, BatchPairs = 8, GroupSize = 2, Temperature = 0.1, SubBatchTokens = 64, Memory = memory, Outputs = outputs.Split(' '), Freeze = freeze };
        using PairStore store = Pairs(folder);
        (double Loss, float[] Gradient) Step(ContrastiveStageOptions o)
        {
            using Weights weights = RunModel.Create(o, s_config, Compute.Float32, 1, null).Weights;
            var encoder = new M3Encoder(new Encoder(weights, "", s_config), Pooling.Mean, new M3Heads(weights, new HashSet<int>()));
            using var stage = new ContrastiveStage(o, weights, encoder, store, 3, 0);
            return (stage.ForwardBackward(0).Loss, GradientOf(weights));
        }
        AssertSame(Step(options), Step(options with { Recompute = true }));
    }

    [Fact]
    public void A_cross_encoder_s_step_is_the_same_with_dropout()
    {
        using var folder = new TemporaryFolder();
        var options = new RerankerStageOptions { Steps = 1, BatchPairs = 8, GroupSize = 2, MaxLength = 32, QueryMaxLength = 16, SubBatchTokens = 128 };
        using PairStore store = Pairs(folder);
        (double Loss, float[] Gradient) Step(RerankerStageOptions o)
        {
            using Weights weights = RunModel.Create(o, s_config, Compute.Float32, 1, null).Weights;
            using var stage = new RerankerStage(o, weights, new CrossEncoder(new Encoder(weights, "", s_config), new RelevanceHead(weights), TinyModel.Tokenizer().Special), store, 3, 0);
            return (stage.ForwardBackward(0).Loss, GradientOf(weights));
        }
        AssertSame(Step(options), Step(options with { Recompute = true }));
    }

    private static PairStore Pairs(TemporaryFolder folder)
        => PairStore.Create(folder.Path, Enumerable.Range(0, 8).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + n, n + 50)], [TinyModel.Text(5, n + 99)])), TinyModel.Tokenizer(), 16, 32, "", negatives: true);

    private static float[] GradientOf(Weights weights) => weights.Gradients.data<float>().ToArray();

    private static void AssertSame((double Loss, float[] Gradient) expected, (double Loss, float[] Gradient) actual)
    {
        Assert.Equal(expected.Loss, actual.Loss);
        float largest = expected.Gradient.Max(Math.Abs);
        Assert.True(largest > 1e-3);
        Assert.All(expected.Gradient.Zip(actual.Gradient), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-6f * largest));
    }

    [Fact]
    public void A_piece_is_computed_without_a_graph_and_with_one_when_its_gradient_is_wanted()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        var graphs = new List<bool>();
        Tensor output = Recomputed.Of(t =>
        {
            Tensor twice = t[0] * 2;
            graphs.Add(twice.requires_grad);
            return twice;
        }, x).sum();
        Assert.Equal("False", string.Join(" ", graphs));
        BackwardPass.Run(output);
        Assert.Equal("False True", string.Join(" ", graphs));
        Assert.Equal([2, 2, 2], x.grad!.data<double>().ToArray());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Attention_by_blocks_of_rows_is_attention_whole(bool rowMasks)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        Tensor[] whole = [.. Enumerable.Range(0, 3).Select(_ => randn([2, 17, 12], ScalarType.Float64).requires_grad_())];
        Tensor[] blocks = [.. whole.Select(t => t.detach().clone().requires_grad_())];
        Tensor hidden = rand(2, 1, rowMasks ? 17 : 1, 17).lt(0.5);
        hidden.narrow(3, 0, 1).zero_();      // column 0 is always visible
        Tensor factor = randn([2, 17, 12], ScalarType.Float64);
        Tensor expected = Attention.Attend(whole[0], whole[1], whole[2], hidden, heads: 3, dropout: 0);
        Tensor actual = Attention.Attend(blocks[0], blocks[1], blocks[2], hidden, heads: 3, dropout: 0, wholeScores: 4 * 2 * 3 * 17 * 2);   // fewer than the 17 * 17 scores of each head: blocks of 2 rows
        Assert.True((expected - actual).abs().max().item<double>() < 1e-12);
        (expected * factor).sum().backward();
        (actual * factor).sum().backward();
        foreach ((Tensor one, Tensor other) in whole.Zip(blocks))
        {
            Assert.True((one.grad! - other.grad!).abs().max().item<double>() < 1e-12);
        }
    }

    [Fact]
    public void Blocks_draw_the_same_dropout_forward_and_backward()
    {
        using var scope = NewDisposeScope();
        Tensor value = randn([1, 16, 4], ScalarType.Float64).requires_grad_();
        Tensor zero = zeros([1, 16, 4], ScalarType.Float64);
        // Linear in the value: the gradient of a sum is what the outputs are made of, dropped weights included.
        Tensor output = Attention.Attend(zero, zero, value, null, heads: 1, dropout: 0.5, wholeScores: 4 * 16 * 2);      // blocks of 2 rows
        output.sum().backward();
        Assert.Equal(output.sum().item<double>(), (value.grad! * value).sum().item<double>(), 1e-9);
    }

    [Fact]
    public void Large_blocks_of_float32_draw_the_same_dropout_forward_and_backward()
    {
        using var scope = NewDisposeScope();
        Tensor value = rand([1, 1024, 8], ScalarType.Float32).requires_grad_();
        Tensor zero = zeros([1, 1024, 8], ScalarType.Float32);
        Tensor output = Attention.Attend(zero, zero, value, null, heads: 2, dropout: 0.3, wholeScores: 4 * 128 * 2 * 1024);      // blocks of 128 rows, 262,144 weights each
        output.sum().backward();
        Assert.Equal(1, (value.grad! * value).sum().item<float>() / output.sum().item<float>(), 1e-4);
        Assert.InRange(value.grad!.std().item<float>(), 1e-4, 1);      // rows are not all seen alike
    }
}

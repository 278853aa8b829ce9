using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

/// <summary>Every arm of pre-training: its gradient is that of its loss, and its loss falls.</summary>
public sealed class RetroMaeDesignTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public static TheoryData<string> Arms => ["mlm", "retromae", "retromae position", "retromae plain", "retromae two layers", "retromae plain two layers", "retromae pool", "retromae mean", "dupmae"];

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Arms))]
    public void The_gradient_is_the_difference_quotient_of_the_loss(string arm)
    {
        using TokenStore store = Store();
        using Weights weights = Weights(arm, Compute.Float64);
        using RetroMaeStage stage = Stage(arm, weights, store);
        weights.Zero();
        stage.ForwardBackward(0);
        using Tensor start = weights.Values.clone();
        using Tensor direction = randn_like(start);
        double slope = (weights.Gradients * direction).sum().item<double>();

        const double step = 1e-6;
        double Loss(double along)
        {
            using (no_grad())
            {
                weights.Values.copy_(start + (direction * along));
            }
            using RetroMaeStage again = Stage(arm, weights, store);      // begins with the same batch and the same masks
            return again.ForwardBackward(0).Loss;
        }
        double quotient = (Loss(step) - Loss(-step)) / (2 * step);
        Assert.True(Math.Abs(slope - quotient) <= 1e-3 * Math.Max(1, Math.Abs(slope)), $"{slope} and {quotient}");
    }

    [Theory, MemberData(nameof(Arms))]
    public void The_loss_falls(string arm)
    {
        using TokenStore store = Store();
        using Weights weights = Weights(arm, Compute.Float32);
        using RetroMaeStage stage = Stage(arm, weights, store);
        using var optimizer = new AdamW(weights, 0);
        var losses = new List<double>();
        for (int i = 0; i < 90; i++)
        {
            weights.Zero();
            StepFigures figures = stage.ForwardBackward(i);
            losses.Add(figures.Loss);
            Assert.Equal(arm != "mlm", figures.Figures.ContainsKey("decoder_loss"));
            Assert.Equal(arm == "dupmae", figures.Figures.ContainsKey("bag_loss"));
            optimizer.Step(5e-3);
        }
        Assert.True(losses.TakeLast(10).Average() < 0.95 * losses.Take(5).Average(), string.Join(' ', losses));
    }

    private TokenStore Store() => TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(3, 24).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(n, n), 40)));

    private static RetroMaeStageOptions Options(string arm) => new()
    {
        Objective = arm.Split(' ')[0],
        Decoding = arm.Contains("plain", StringComparison.Ordinal) ? "plain" : "enhanced",
        DecoderQuery = arm.Contains("position", StringComparison.Ordinal) ? "position" : "embedded",
        DecoderLayers = arm.Contains("two layers", StringComparison.Ordinal) ? 2 : 1,
        DecoderMaskPool = arm.Contains("pool", StringComparison.Ordinal) ? 4 : 0,
        Sentence = arm.Contains("mean", StringComparison.Ordinal) ? "mean" : "cls",
        Steps = 60,
        BatchTokens = 256,
    };

    private static Weights Weights(string arm, Compute compute)
    {
        var weights = new Weights(RetroMae.Shapes(TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 }, Options(arm).Design), compute);
        weights.Initialize(0.1, seed: 1);
        return weights;
    }

    private RetroMaeStage Stage(string arm, Weights weights, TokenStore store)
        => new(Options(arm), weights, TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 }, PoolingExtensions.Parse(Options(arm).Sentence), _tokenizer, store, 3, 0);
}

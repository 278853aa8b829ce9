using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

public class PrecisionTests
{
    // The long run is a benchmark (retromae precision); this one shows in a second that weights stay in float32 and learn as well.
    [Fact]
    public void A_short_pre_training_run_in_bfloat16_follows_the_one_in_float32()
    {
        using var folder = new TemporaryFolder();
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using TokenStore texts = TokenStore.Create(Path.Combine(folder.Path, "ids"), Enumerable.Range(0, 200).Select(n => tokenizer.EncodeWithSpecial(Alphabet(n), 40)));
        using TokenStore heldOut = TokenStore.Create(Path.Combine(folder.Path, "held"), Enumerable.Range(1000, 40).Select(n => tokenizer.EncodeWithSpecial(Alphabet(n), 40)));
        double[] plain = Losses(Compute.Float32, tokenizer, texts, heldOut), brain = Losses(Compute.BFloat16, tokenizer, texts, heldOut);
        Assert.True(plain[^1] < 0.9 * plain[0], $"{plain[0]} became {plain[^1]}: nothing was learnt, so nothing is shown");
        for (int i = 0; i < plain.Length; i++)
        {
            Assert.InRange(brain[i] / plain[i], 0.99, 1.01);
        }
        Assert.NotEqual(plain[^1], brain[^1]);
    }

    // A stretch of the alphabet: what is hidden follows from what is not.
    private static string Alphabet(int n) => string.Join(' ', Enumerable.Range(n, 8 + (n % 20)).Select(i => (char)('a' + (i % 26))));

    // Loss on held-out text at the start and after every tenth step.
    private static double[] Losses(Compute compute, WordPieceTokenizer tokenizer, TokenStore texts, TokenStore heldOut)
    {
        const int steps = 60;
        ModelConfig config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
        var options = new RetroMaeStageOptions { Steps = steps, BatchTokens = 256, MaxLength = 40, LearningRate = 1e-2 };
        using var weights = new Weights(RetroMae.Shapes(config, options.Design), compute);
        weights.Initialize(0.1, seed: 1);
        using var stage = new RetroMaeStage(options, weights, config, Pooling.Cls, tokenizer, texts, 3, 0);
        using var optimizer = new AdamW(weights, options.WeightDecay);
        Schedule schedule = Trainer.ScheduleOf(options, steps);
        var losses = new List<double> { stage.HeldOut(heldOut)["dev_loss"] };
        for (int step = 0; step < steps; step++)
        {
            weights.Zero();
            stage.ForwardBackward(step);
            weights.ClipTo(weights.Norm(), options.MaxGradientNorm);
            optimizer.Step(schedule.At(step));
            if (step % 10 == 9)
            {
                losses.Add(stage.HeldOut(heldOut)["dev_loss"]);
            }
        }
        return [.. losses];
    }
}

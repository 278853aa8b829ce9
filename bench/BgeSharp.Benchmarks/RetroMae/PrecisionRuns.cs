// "retromae precision [--steps 1000] [--control]": the same small pre-training run in float32 and in bfloat16, and their losses on held-out text. They must stay within 1 % of each other, past the first
// plateau as before it. --control takes float32 in place of bfloat16, from a start that was rounded to bfloat16 once: how far two runs of one precision come apart from so little.

using System.Globalization;
using BgeSharp.Benchmarks.Modeling;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Trains both and compares.</summary>
internal static class PrecisionRuns
{
    private const double Allowed = 0.01;
    private const int HeldOut = 200, Longest = 128;

    /// <param name="steps">Optimizer steps.</param>
    /// <param name="control">True compares float32 with float32 from a start rounded to bfloat16.</param>
    /// <returns>The exit code: 1 when the held-out losses differ by more than 1 % anywhere.</returns>
    public static int Run(int steps, bool control)
    {
        WordPieceTokenizer tokenizer = PretrainingTexts.Tokenizer();
        ModelConfig config = Batches.Bert(128, 2, tokenizer.VocabularySize) with { StartsWithSines = true };
        int[][] texts = [.. PretrainingTexts.Sections().Select(t => tokenizer.EncodeWithSpecial(t, Longest)).Where(ids => ids.Length >= 8)];
        new SeededRandom(6).Shuffle<int[]>(texts);
        string folder = Directory.CreateTempSubdirectory("bge-precision").FullName;
        try
        {
            using TokenStore heldOut = TokenStore.Create(Path.Combine(folder, "heldout.ids"), texts[..HeldOut]);
            using TokenStore training = TokenStore.Create(Path.Combine(folder, "training.ids"), texts[HeldOut..]);
            (Compute Compute, bool Rounded)[] arms = [(Compute.Float32, false), control ? (Compute.Float32, true) : (Compute.BFloat16, false)];
            var losses = arms.Select(arm => Losses(arm.Compute, arm.Rounded, config, tokenizer, training, heldOut, steps)).ToArray();
            string other = control ? "float32 from a rounded start" : "bfloat16";
            for (int i = 0; i < losses[0].Count; i++)
            {
                Print($"step {losses[0][i].Step,5}: float32 {losses[0][i].Loss:0.0000}, {other} {losses[1][i].Loss:0.0000}, {(losses[1][i].Loss / losses[0][i].Loss) - 1:+0.000%;-0.000%}");
            }
            return losses[0].Zip(losses[1]).All(pair => Math.Abs((pair.Second.Loss / pair.First.Loss) - 1) <= Allowed) ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<(int Step, double Loss)> Losses(Compute compute, bool rounded, ModelConfig config, ITokenizer tokenizer, TokenStore training, TokenStore heldOut, int steps)
    {
        var options = new RetroMaeStageOptions { Steps = steps, BatchTokens = 1024, MaxLength = Longest, LearningRate = 2e-3 };
        using var weights = new Weights(Training.Objectives.RetroMae.Shapes(config, options.Design), compute);
        weights.Initialize(0.02, 1);
        if (rounded)
        {
            using var noGrad = no_grad();
            using Tensor start = weights.Values.to_type(ScalarType.BFloat16).to_type(ScalarType.Float32);
            weights.Values.copy_(start);
        }
        using var stage = new RetroMaeStage(options, weights, config, Pooling.Cls, tokenizer, training, 1, 0);
        using var optimizer = new AdamW(weights, options.WeightDecay);
        Schedule schedule = Trainer.ScheduleOf(options, steps);
        var seen = new List<(int, double)> { (0, stage.HeldOut(heldOut)["dev_loss"]) };
        for (int step = 0; step < steps; step++)
        {
            weights.Zero();
            stage.ForwardBackward(step);
            weights.ClipTo(weights.Norm(), options.MaxGradientNorm);
            optimizer.Step(schedule.At(step));
            if ((step + 1) % Math.Max(1, steps / 10) == 0)
            {
                seen.Add((step + 1, stage.HeldOut(heldOut)["dev_loss"]));
                Console.Error.WriteLine($"{compute.Type} {step + 1}/{steps}");
            }
        }
        return seen;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

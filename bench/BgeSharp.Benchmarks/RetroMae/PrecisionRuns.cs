// "retromae precision [--steps 1000] [--learning-rate 0.001]": the same small pre-training run in float32 and in bfloat16, and their losses on held-out text, which should stay within 1 %. A third run is in
// float32 from a start rounded to bfloat16 once: on a steep slope two runs of one precision come apart from so little, and no precision can be told to be better than that.

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
    /// <param name="learningRate">Peak learning rate.</param>
    /// <returns>The exit code: 1 when bfloat16 differs from float32 by more than 1 % somewhere, or when a run left the finite numbers. What the rounded start does is shown beside it and decides nothing.</returns>
    public static int Run(int steps, double learningRate)
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
            List<(int Step, double Loss)> Losses(Compute compute, bool rounded) => Arm(compute, rounded, learningRate, config, tokenizer, training, heldOut, steps);
            List<(int Step, double Loss)> plain = Losses(Compute.Float32, rounded: false), brain = Losses(Compute.BFloat16, rounded: false), control = Losses(Compute.Float32, rounded: true);
            double OffBy(double loss, int i) => (loss / plain[i].Loss) - 1;
            for (int i = 0; i < plain.Count; i++)
            {
                Print($"step {plain[i].Step,5}: float32 {plain[i].Loss:0.0000}, bfloat16 {OffBy(brain[i].Loss, i):+0.000%;-0.000%}, float32 from a rounded start {OffBy(control[i].Loss, i):+0.000%;-0.000%}");
            }
            double Largest(List<(int Step, double Loss)> losses) => losses.Select((l, i) => Math.Abs(OffBy(l.Loss, i))).Max();
            Print($"largest difference: bfloat16 {Largest(brain):0.000%}, float32 from a rounded start {Largest(control):0.000%}");
            return new[] { plain, brain, control }.All(arm => arm.All(l => double.IsFinite(l.Loss))) && Largest(brain) <= Allowed ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static List<(int Step, double Loss)> Arm(Compute compute, bool rounded, double learningRate, ModelConfig config, ITokenizer tokenizer, TokenStore training, TokenStore heldOut, int steps)
    {
        var options = new RetroMaeStageOptions { Steps = steps, BatchTokens = 1024, MaxLength = Longest, LearningRate = learningRate };
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
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{compute.Type}{(rounded ? " from a rounded start" : "")} {step + 1}/{steps}: {seen[^1].Item2:0.0000}"));
            }
        }
        return seen;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

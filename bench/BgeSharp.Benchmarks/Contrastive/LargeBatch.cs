// Not a pair: one cached step of many pairs, as a stage of a run makes it (pairs from disk, batches ahead, clip, AdamW), and how far resident memory rises.
//   --large-batch small|base [pairs] [groupSize] [subBatchTokens] [recompute]; 8,192 pairs, no negatives of their own and sub-batches of 8,192 tokens when left out

using System.Diagnostics;
using System.Globalization;
using BgeSharp.Benchmarks.RetroMae;
using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>Time and memory of one large step.</summary>
internal static class LargeBatch
{
    /// <summary>First argument.</summary>
    public const string Argument = "--large-batch";

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public static int Print(IReadOnlyList<string> arguments)
    {
        Shape shape = arguments.Count > 0 && arguments[0] == "base" ? Shape.Base : Shape.Small;
        int Number(int at, int otherwise) => arguments.Count > at ? int.Parse(arguments[at], CultureInfo.InvariantCulture) : otherwise;
        var options = new ContrastiveStageOptions { Steps = 1, BatchPairs = Number(1, 8192), GroupSize = Number(2, 1), QueryMaxLength = 64, PassageMaxLength = 256, Memory = "cached", SubBatchTokens = Number(3, 8192), Recompute = arguments.Contains("recompute") };
        string folder = Directory.CreateTempSubdirectory("bge-large").FullName;
        try
        {
            WordPieceTokenizer tokenizer = PretrainingTexts.Tokenizer();
            using PairStore store = PairStore.Create(folder, ContrastiveInputs.Examples(options.BatchPairs), tokenizer, options.QueryMaxLength, options.PassageMaxLength, "", negatives: options.GroupSize > 1);
            M3Encoder encoder = ContrastiveInputs.Encoder(shape, Precision.Choose("auto", CPU), EmbeddingModes.Dense, dropout: 0.1);
            using Weights weights = encoder.Encoder.Weights;
            using var stage = new ContrastiveStage(options, weights, encoder, store, 1, 0);
            using var optimizer = new AdamW(weights, options.WeightDecay);
            var clock = Stopwatch.StartNew();
            StepFigures step = stage.ForwardBackward(0);
            weights.ClipTo(weights.Norm(), options.MaxGradientNorm);
            optimizer.Step(options.LearningRate);
            Console.WriteLine($"{Machine.Line}");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{shape}: {options.BatchPairs} pairs, groups of {options.GroupSize}, sub-batches of {options.SubBatchTokens}{(options.Recompute ? ", layers recomputed" : "")}, {step.Tokens} tokens, loss {step.Loss:f3}: {clock.Elapsed.TotalSeconds:f1} s, at most {Machine.PeakResidentBytes / 1e9:f2} GB resident, weights, gradients and moments ({weights.Count / 1e6:f1} M weights) included"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

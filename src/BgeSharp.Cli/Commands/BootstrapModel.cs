// A first model of the pairs themselves, for the first round of consistency filtering when there is no other: vocabulary and a short contrastive stage.
// Kept beside the output, so that a second start finds it.

using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Commands;

/// <summary>Trains a small model on pairs.</summary>
internal static class BootstrapModel
{
    /// <summary>The recipe of a first model.</summary>
    /// <param name="pairs">Pair file.</param>
    /// <param name="texts">Its passages as JSONL, for the vocabulary.</param>
    /// <param name="steps">Optimizer steps.</param>
    /// <param name="seed">Seed.</param>
    public static Recipe RecipeOf(string pairs, string texts, int steps, int seed) => new()
    {
        Name = "first-model",
        Seed = seed,
        Data = new DataOptions { Documents = [new DocumentSourceOptions { Name = "passages", Path = texts, Format = "jsonl", Evaluate = false, Limit = 50_000 }], HeldOut = 0 },
        Tokenizer = new TokenizerOptions { Size = 8000 },
        Model = new ModelOptions { HiddenSize = 256, Layers = 2, Heads = 4, MaxLength = 256, Dropout = 0, Pooling = "mean" },
        Stages = [new ContrastiveStageOptions { Steps = steps, BatchPairs = 64, QueryMaxLength = 40, PassageMaxLength = 112, LearningRate = 1e-3, Pairs = [new PairSourceOptions { Path = pairs, Limit = 100_000 }] }],
    };

    /// <summary>Trains it, or takes the one that an earlier start left.</summary>
    /// <returns>The model folder.</returns>
    public static string Train(string pairs, string folder, int steps, int seed, Compute compute, Terminal terminal, CancellationToken cancellation)
    {
        string model = Path.Combine(folder, "model");
        if (Directory.Exists(model))
        {
            return model;
        }
        string texts = Path.Combine(folder, "passages.jsonl");
        JsonLinesWriter.Write(texts, PairFile.Read(pairs).Select(p => p.Positives[0]), (json, text) => json.WriteString("text", text));
        Recipe recipe = RecipeOf(pairs, texts, steps, seed);
        RecipeFile.Check(recipe);
        using RunProgress progress = terminal.Progress();
        var run = new RecipeRun(recipe, new RunOptions(folder, compute, progress, TimeProvider.System, Directory.Exists(Path.Combine(folder, "checkpoints"))));
        return run.Run(cancellation) is null ? throw new OperationCanceledException(cancellation) : run.Folder.Model;
    }
}

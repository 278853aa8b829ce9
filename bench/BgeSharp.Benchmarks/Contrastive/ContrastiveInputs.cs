// Queries, passages and a model for the contrastive pairs: those mined from the sample documents, under a public vocabulary; for scores alone texts of random ids.

using BgeSharp.Benchmarks.Modeling;
using BgeSharp.Benchmarks.RetroMae;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>Sizes that are timed.</summary>
public enum Shape
{
    /// <summary>4 layers of 256.</summary>
    Small,

    /// <summary>12 layers of 768.</summary>
    Base,
}

/// <summary>Makes inputs.</summary>
internal static class ContrastiveInputs
{
    /// <summary>V.</summary>
    public const int Vocabulary = 21128;

    /// <summary>The model's sizes, without dropout.</summary>
    public static ModelConfig Config(Shape shape) => shape == Shape.Small ? Batches.Bert(256, 4, Vocabulary) : Batches.Bert(768, 12, Vocabulary);

    /// <summary>Encoder with heads of 64 numbers a token.</summary>
    public static M3Encoder Encoder(Shape shape, Compute compute, EmbeddingModes modes, double dropout = 0)
    {
        ModelConfig config = Config(shape) with { HiddenDropout = dropout, AttentionDropout = dropout };
        var weights = new Weights(Training.Modeling.Encoder.Shapes("", config).Concat(M3Heads.Shapes(config, modes, 64)), compute);
        weights.Initialize(0.02, 1);
        return new M3Encoder(new Encoder(weights, "", config), Pooling.Cls, new M3Heads(weights, [0, 1, 2, 3]));
    }

    /// <summary>Real pairs: as the quick start mines them from the sample documents, in a random order, again from the first when there are too few.</summary>
    /// <param name="count">Q.</param>
    /// <param name="queryLength">Longest query in tokens.</param>
    /// <param name="passageLength">Longest passage in tokens.</param>
    public static (TokenBatch Queries, TokenBatch Passages) Pairs(int count, int queryLength, int passageLength)
    {
        WordPieceTokenizer tokenizer = PretrainingTexts.Tokenizer();
        TrainingExample[] taken = Examples(count);
        return (TokenBatch.Of([.. taken.Select(e => tokenizer.EncodeWithSpecial(e.Query, queryLength))]), TokenBatch.Of([.. taken.Select(e => tokenizer.EncodeWithSpecial(e.Positives[0], passageLength))]));
    }

    /// <summary>The same pairs as texts.</summary>
    /// <param name="count">Q.</param>
    public static TrainingExample[] Examples(int count)
    {
        TrainingExample[] mined = [.. new RecipeDocuments(RecipeFile.Load(Checkout.File("recipes/quickstart.json"), [])).TrainingPairs()];
        new SeededRandom(7).Shuffle<TrainingExample>(mined);
        return [.. Enumerable.Range(0, count).Select(i => mined[i % mined.Length] with { Source = "samples" })];       // one source, so that they may be one batch
    }

    /// <summary>Texts whose lengths fall off as those of real ones do: many short, few of the longest.</summary>
    /// <param name="count">B.</param>
    /// <param name="longest">In tokens.</param>
    /// <param name="seed">Seed.</param>
    public static TokenBatch Texts(int count, int longest, ulong seed)
    {
        var random = new SeededRandom(seed);
        var texts = new int[count][];
        for (int i = 0; i < count; i++)
        {
            double share = random.NextDouble();
            texts[i] = new int[i == 0 ? longest : Math.Max(4, (int)(longest * (0.1 + (0.9 * share * share))))];
            for (int j = 0; j < texts[i].Length; j++)
            {
                texts[i][j] = 10 + random.Next(Vocabulary - 10);
            }
        }
        return TokenBatch.Of(texts);
    }
}

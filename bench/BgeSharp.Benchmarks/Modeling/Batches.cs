// Batches and small encoders for timing. Ids are drawn at random: no time here depends on which they are, only on how long the texts are.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Benchmarks.Modeling;

/// <summary>How the lengths of a batch spread.</summary>
public enum Lengths
{
    /// <summary>7/8 of the longest to the longest: as after sorting by length.</summary>
    Alike,

    /// <summary>An eighth of the longest to the longest, evenly: about what short queries and passages of all sizes give.</summary>
    Mixed,
}

/// <summary>Makes inputs.</summary>
internal static class Batches
{
    /// <summary>Lowest id that is drawn; those below stand for special tokens.</summary>
    private const int FirstId = 10;

    /// <summary>Texts of random ids.</summary>
    /// <param name="count">B.</param>
    /// <param name="longest">L; one text has it.</param>
    /// <param name="lengths">Spread.</param>
    /// <param name="vocabulary">Ids are below it.</param>
    public static TokenBatch Texts(int count, int longest, Lengths lengths, int vocabulary)
    {
        var random = new SeededRandom(11);
        int shortest = lengths == Lengths.Alike ? longest * 7 / 8 : longest / 8;
        var texts = new int[count][];
        for (int i = 0; i < count; i++)
        {
            texts[i] = new int[longest - ((longest - shortest) * i / Math.Max(1, count - 1))];
            for (int j = 0; j < texts[i].Length; j++)
            {
                texts[i][j] = FirstId + random.Next(vocabulary - FirstId);
            }
        }
        random.Shuffle<int[]>(texts);
        return TokenBatch.Of(texts);
    }

    /// <summary>The same texts all filled up to the longest. The filling is an ordinary id, so that the pad id's own rules do not count.</summary>
    public static TokenBatch Padded(TokenBatch texts) => TokenBatch.Of([.. Enumerable.Range(0, texts.Count).Select(i =>
    {
        int[] ids = new int[texts.MaxLength];
        ids.AsSpan().Fill(FirstId);
        texts[i].CopyTo(ids);
        return ids;
    })]);

    /// <summary>A BERT of heads of 64, without dropout.</summary>
    public static ModelConfig Bert(int hidden, int layers, int vocabulary) => new()
    {
        Kind = ModelKind.Bert,
        Architecture = "BertModel",
        VocabularySize = vocabulary,
        HiddenSize = hidden,
        LayerCount = layers,
        HeadCount = hidden / 64,
        IntermediateSize = 4 * hidden,
        MaxPositions = 512,
        TypeVocabularySize = 2,
        LayerNormEpsilon = 1e-12,
        PadTokenId = 0,
        HiddenDropout = 0,
        AttentionDropout = 0,
    };

    /// <summary>An encoder with weights of seed 1.</summary>
    public static Encoder Encoder(ModelConfig config, Compute compute)
    {
        var weights = new Weights(Training.Modeling.Encoder.Shapes("", config), compute);
        weights.Initialize(0.02, 1);
        return new Encoder(weights, "", config);
    }
}

// A cross-encoder opened for use. Pairs are sorted by length and cut by a token budget, so a few hundred of them are a few passes. Not thread-safe.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>A model folder with reranker.safetensors.</summary>
public sealed class TorchReranker : IReranker, IDisposable
{
    private readonly Weights _weights;
    private readonly CrossEncoder _model;

    private TorchReranker(string folder, Weights weights, ModelConfig config, ITokenizer tokenizer, ModelCard card)
    {
        (Folder, _weights, Tokenizer, Card) = (folder, weights, tokenizer, card);
        _model = new CrossEncoder(new Encoder(weights, "", config), new RelevanceHead(weights), tokenizer.Special);
        // 512 is what public rerankers were trained with, where nothing is said.
        MaxLength = Math.Min(config.MaxLength, card.PassageMaxLength > 0 ? card.PassageMaxLength : 512);
    }

    /// <summary>Where it came from.</summary>
    public string Folder { get; }

    /// <summary>Vocabulary.</summary>
    public ITokenizer Tokenizer { get; }

    /// <summary>What bge.json says.</summary>
    public ModelCard Card { get; }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <summary>Most padded tokens of one pass.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>True when a folder holds a cross-encoder.</summary>
    public static bool IsReranker(string folder) => File.Exists(Path.Combine(folder, ModelFiles.Reranker));

    /// <summary>Opens a model folder.</summary>
    /// <exception cref="BadInput">It is no cross-encoder, or a file is missing or malformed.</exception>
    public static TorchReranker Load(string folder, Compute compute)
    {
        if (!IsReranker(folder))
        {
            throw new BadInput($"{folder}: no {ModelFiles.Reranker} in it, so this is no cross-encoder; train one with a stage of type \"reranker\", or bring a bge-reranker folder in with \"bge import\".");
        }
        ModelConfig config = ModelConfig.Load(folder);
        ITokenizer tokenizer = TokenizerFile.Load(folder);
        ModelFiles.CheckVocabulary(folder, tokenizer, config);
        var weights = new Weights(CrossEncoder.Shapes(config), compute, frozen: _ => true);
        try
        {
            IReadOnlyList<string> missing = ModelFolder.ReadWeights(folder, weights, "", config);
            return missing.Count == 0
                ? new TorchReranker(folder, weights, config, tokenizer, ModelCard.Load(folder))
                : throw new BadInput($"{Path.Combine(folder, ModelFiles.Reranker)}: there is no \"{missing[0]}\"; this is not a whole cross-encoder.");
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public float[] Score(IReadOnlyList<TextPair> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        var joined = new int[pairs.Count][];
        Parallel.For(0, joined.Length, i => joined[i] = _model.Join(
            Tokenizer.EncodeWithSpecial(pairs[i].Query, MaxLength), Tokenizer.EncodeWithSpecial(pairs[i].Passage, MaxLength), MaxLength));
        return ScoreJoined(joined);
    }

    /// <summary>Relevance of texts that are ids of this model's vocabulary already.</summary>
    /// <param name="pairs">Query and passage, each with its special tokens.</param>
    public float[] Score(IReadOnlyList<(int[] Query, int[] Passage)> pairs) => ScoreJoined([.. pairs.Select(p => _model.Join(p.Query, p.Passage, MaxLength))]);

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    private float[] ScoreJoined(int[][] pairs)
    {
        var scores = new float[pairs.Length];
        int[] order = [.. Enumerable.Range(0, pairs.Length).OrderByDescending(i => pairs[i].Length).ThenBy(i => i)];
        using var noGrad = no_grad();
        for (int start = 0; start < order.Length;)
        {
            using var scope = NewDisposeScope();
            int count = Math.Clamp(BatchTokens / pairs[order[start]].Length, 1, order.Length - start);
            float[] logits = _model.Logits([.. order[start..(start + count)].Select(i => pairs[i])], training: false).to_type(ScalarType.Float32).cpu().data<float>().ToArray();
            for (int i = 0; i < count; i++)
            {
                scores[order[start + i]] = logits[i];
            }
            start += count;
        }
        return scores;
    }
}

// A cross-encoder opened for use. Pairs are sorted by length and cut by a token budget, so a few hundred of them are a few passes. Not thread-safe.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>A model folder with reranker.safetensors.</summary>
public sealed class TorchReranker : IReranker, IDisposable
{
    private readonly CrossEncoder _model;
    private Weights? _owned;

    /// <param name="model">A model whose weights the caller keeps, for example one that is being trained.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="maxLength">Longest pair in tokens, special tokens included.</param>
    public TorchReranker(CrossEncoder model, ITokenizer tokenizer, int maxLength)
    {
        (_model, Tokenizer, MaxLength) = (model, tokenizer, maxLength);
    }

    /// <summary>Vocabulary.</summary>
    public ITokenizer Tokenizer { get; }

    /// <inheritdoc/>
    public int MaxLength { get; }

    /// <summary>Longest query in tokens, special tokens included, as it was trained: a query is cut first, so that the passage keeps its room.</summary>
    public int QueryMaxLength { get; init; } = int.MaxValue;

    /// <summary>Most padded tokens of one pass.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>True when a folder holds a cross-encoder.</summary>
    public static bool IsReranker(string folder) => File.Exists(Path.Combine(folder, ModelFiles.Reranker));

    /// <summary>Throws unless a folder holds a cross-encoder.</summary>
    /// <exception cref="BadInput">It does not.</exception>
    public static void Require(string folder)
    {
        if (!IsReranker(folder))
        {
            throw new BadInput($"{folder}: no {ModelFiles.Reranker} in it, so this is no cross-encoder; train one with a stage of type \"reranker\", or bring a bge-reranker folder in with \"bge import\".");
        }
    }

    /// <summary>Opens a model folder.</summary>
    /// <exception cref="BadInput">It is no cross-encoder, or a file is missing or malformed.</exception>
    public static TorchReranker Load(string folder, Compute compute)
    {
        Require(folder);
        ModelConfig config = ModelConfig.Load(folder);
        ITokenizer tokenizer = TokenizerFile.Load(folder);
        ModelFiles.CheckVocabulary(folder, tokenizer, config);
        var weights = new Weights(CrossEncoder.Shapes(config), compute, frozen: _ => true);
        try
        {
            IReadOnlyList<string> missing = ModelFolder.ReadWeights(folder, weights, "", config);
            if (missing.Count > 0)
            {
                throw new BadInput($"{Path.Combine(folder, ModelFiles.Reranker)}: there is no \"{missing[0]}\"; this is not a whole cross-encoder.");
            }
            (int queryLength, int pairLength) = LengthsOf(folder);
            return new TorchReranker(new CrossEncoder(new Encoder(weights, "", config), new RelevanceHead(weights), tokenizer.Special), tokenizer, pairLength)
            {
                QueryMaxLength = queryLength,
                _owned = weights,
            };
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Longest query and longest pair that the cross-encoder of a folder reads, special tokens included.</summary>
    /// <exception cref="BadInput">A file is missing or malformed.</exception>
    public static (int Query, int Pair) LengthsOf(string folder)
    {
        ModelCard card = ModelCard.Load(folder);
        // 512 is what public rerankers were trained with, where nothing is said. Imported ones say one length for both: then nothing is cut before the pair is.
        int pair = Math.Min(ModelConfig.Load(folder).MaxLength, card.PassageMaxLength is > 0 and int given ? given : 512);
        return (card.QueryMaxLength > 0 && card.QueryMaxLength < pair ? card.QueryMaxLength : pair, pair);
    }

    /// <inheritdoc/>
    public float[] Score(IReadOnlyList<TextPair> pairs) => Score(pairs, null);

    /// <summary>Relevance of each pair, in order.</summary>
    /// <param name="pairs">Query and passage.</param>
    /// <param name="progress">Called after each pass with the number of pairs scored so far; what it throws ends the scoring.</param>
    public float[] Score(IReadOnlyList<TextPair> pairs, Action<int>? progress)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        var joined = new int[pairs.Count][];
        Parallel.For(0, joined.Length, i => joined[i] = _model.Join(
            Tokenizer.EncodeWithSpecial(pairs[i].Query, Math.Min(QueryMaxLength, MaxLength)), Tokenizer.EncodeWithSpecial(pairs[i].Passage, MaxLength), MaxLength));
        return ScoreJoined(joined, progress);
    }

    /// <summary>Relevance of texts that are ids of this model's vocabulary already.</summary>
    /// <param name="pairs">Query and passage, each with its special tokens.</param>
    /// <param name="progress">Called after each pass with the number of pairs scored so far; what it throws ends the scoring.</param>
    public float[] Score(IReadOnlyList<(int[] Query, int[] Passage)> pairs, Action<int>? progress = null)
        => ScoreJoined([.. pairs.Select(p => _model.Join(p.Query.Length <= QueryMaxLength ? p.Query : [.. p.Query[..(QueryMaxLength - 1)], p.Query[^1]], p.Passage, MaxLength))], progress);

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();

    private float[] ScoreJoined(int[][] pairs, Action<int>? progress)
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
            progress?.Invoke(start);
        }
        return scores;
    }
}

// The embedding layer: LN(word[id] + type[0] + position[p]).                       Devlin et al. 2019, section 3
// The word row of the pad id and the position row of XLM-R's pad get no gradient through the look-up, as in the reference (padding_idx).

using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>Ids to vectors.</summary>
public sealed class TokenEmbeddings(Weights weights, string prefix, ModelConfig config)
{
    private string Root => $"{prefix}embeddings";

    /// <summary>The weights of the layer.</summary>
    public static IEnumerable<WeightShape> Shapes(string prefix, ModelConfig config)
    {
        string root = $"{prefix}embeddings";
        yield return new($"{root}.word_embeddings.weight", [config.VocabularySize, config.HiddenSize], WeightStart.Normal);
        yield return new($"{root}.position_embeddings.weight", [config.MaxPositions, config.HiddenSize], config.StartsWithSines ? WeightStart.Sines : WeightStart.Normal);
        yield return new($"{root}.token_type_embeddings.weight", [config.TypeVocabularySize, config.HiddenSize], WeightStart.Normal);
        yield return new($"{root}.LayerNorm.weight", [config.HiddenSize], WeightStart.One);
        yield return new($"{root}.LayerNorm.bias", [config.HiddenSize], WeightStart.Zero);
    }

    /// <summary>Name of the word embedding, which the MLM head shares.</summary>
    public string WordName => $"{Root}.word_embeddings.weight";

    /// <param name="text">The batch.</param>
    /// <param name="dropout">0 outside training.</param>
    /// <param name="tokenTypes">[T] segment ids; null for all 0.</param>
    /// <returns>[T, D] in the compute type.</returns>
    public Tensor Forward(PackedText text, double dropout, Tensor? tokenTypes = null)
    {
        using var scope = NewDisposeScope();
        Tensor words = EmbeddingRows.Of(weights, WordName, text.Ids);                                   // [T, D]
        Tensor positions = EmbeddingRows.Of(weights, $"{Root}.position_embeddings.weight", text.Positions);
        if (text.HasPadId)
        {
            Tensor pad = text.Ids.EqualTo(config.PadTokenId).unsqueeze(1);                                      // [T, 1]
            words = where(pad, words.detach(), words);
            positions = config.Kind == ModelKind.XlmRoberta ? where(pad, positions.detach(), positions) : positions;
        }
        Tensor types = weights[$"{Root}.token_type_embeddings.weight"];
        Tensor typeRows = tokenTypes is null ? types[0] : types.index_select(0, tokenTypes);          // [D] or [T, D]
        return Finish(words.Plus(positions).Plus(typeRows), dropout).MoveToOuterDisposeScope();
    }

    /// <summary>The RetroMAE decoder's query as BGE's code makes it: the embedding layer applied to h in place of every word.</summary>
    /// <param name="text">The batch.</param>
    /// <param name="sentence">[B, D], the sentence vector h of each text.</param>
    /// <param name="dropout">0 outside training.</param>
    /// <returns>[T, D] in the compute type: LN(h + type[0] + position).</returns>
    public Tensor OfSentence(PackedText text, Tensor sentence, double dropout)
    {
        using var scope = NewDisposeScope();
        Tensor types = weights[$"{Root}.token_type_embeddings.weight"][0];
        return Finish(SentenceRows(text, sentence).Plus(types).Plus(PlainPositions(text)), dropout).MoveToOuterDisposeScope();
    }

    /// <summary>The query of the RetroMAE repository's version 1: position + h, without LayerNorm, type or dropout.</summary>
    public Tensor PositionPlusSentence(PackedText text, Tensor sentence)
        => SentenceRows(text, sentence).Plus(PlainPositions(text)).to_type(weights.Compute.Type);

    // h of each token's text, in the master type.
    private Tensor SentenceRows(PackedText text, Tensor sentence)
    {
        Tensor repeated = sentence.unsqueeze(1).expand(text.Count, text.Length, sentence.shape[1]);   // [B, L, D]
        return UnpadRows.Of(text, repeated).to_type(weights.Compute.MasterType);                      // [T, D]
    }

    // Positions counted from the start whatever the ids are: what the reference uses when it is given vectors instead of ids.
    private Tensor PlainPositions(PackedText text)
    {
        Tensor within = text.ToPacked.Modulo(text.Length);                                                  // [T]
        if (config.Kind == ModelKind.XlmRoberta)
        {
            within = within.Plus(config.PadTokenId + 1L);
        }
        return EmbeddingRows.Of(weights, $"{Root}.position_embeddings.weight", within);
    }

    private Tensor Finish(Tensor sum, double dropout)
    {
        Tensor normal = nn.functional.layer_norm(sum, [config.HiddenSize], weights[$"{Root}.LayerNorm.weight"], weights[$"{Root}.LayerNorm.bias"], config.LayerNormEpsilon);
        normal = normal.to_type(weights.Compute.Type);
        return Dropout.Of(normal, dropout);
    }
}

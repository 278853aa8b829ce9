// The RetroMAE decoder: one layer (more if asked) that rebuilds the text from the sentence vector h and the few tokens it may see.
// Enhanced decoding, every token from a draw of its own:                                          Xiao et al. 2022, section 3.3, eq. 5-7
//   H1 = [h + p0, h + p1, ...] (queries)      H2 = [h, e1 + p1, ...] (keys and values)      A = softmax(Q Kᵀ/√d + M) V
//   M_ij = 0 where row i may see column j; never j = i; column 0 (h) always for i > 0.
// Further layers ask with the rows that the layer before gave, and see H2 and M as the first does: row i never meets token i on the way.
// Plain decoding, the masked tokens only: self-attention over [h, masked text].                    section 3.2

using System.Globalization;
using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>What a decoder row asks with.</summary>
public enum DecoderQuery
{
    /// <summary>The embedding layer applied to h: LN(h + type + position). What BGE and BGE-M3 were trained with.</summary>
    EmbeddedSentence,

    /// <summary>position + h, as in the RetroMAE repository.</summary>
    PositionPlusSentence,
}

/// <summary>The decoder; its layer's weights are named "c_head.*" as in the public checkpoints, those of further layers "c_head.1.*" and so on.</summary>
/// <param name="weights">Hold the weights of <see cref="Shapes"/>.</param>
/// <param name="config">Sizes.</param>
/// <param name="embeddings">The encoder's embedding layer.</param>
/// <param name="layers">Number of layers; 0 for a decoder that is not used.</param>
/// <param name="recompute">True keeps the inputs of each layer only and computes the layer again in the backward pass.</param>
public sealed class RetroMaeDecoder(Weights weights, ModelConfig config, TokenEmbeddings embeddings, int layers = 1, bool recompute = false)
{
    private readonly TransformerLayer[] _layers = [.. Enumerable.Range(0, layers).Select(i => new TransformerLayer(weights, Prefix(i), config.HeadCount, config.LayerNormEpsilon))];

    /// <summary>The weights of the decoder.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="layers">Number of layers, at least 1.</param>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config, int layers = 1)
        => Enumerable.Range(0, layers).SelectMany(i => TransformerLayer.Shapes(Prefix(i), config.HiddenSize, config.IntermediateSize));

    /// <summary>Enhanced decoding.</summary>
    /// <param name="text">The unmasked batch.</param>
    /// <param name="sentence">[B, D]: h, the encoder's first vector of each masked text.</param>
    /// <param name="hidden">[B, 1, L, L]; true where a row may not see a column.</param>
    /// <param name="query">Which query.</param>
    /// <param name="training">True applies the configuration's dropout.</param>
    /// <param name="trace">Receives query and key-value rows, for tests; null for none.</param>
    /// <returns>[T, D].</returns>
    public Tensor Forward(PackedText text, Tensor sentence, Tensor hidden, DecoderQuery query, bool training, Action<Tensor, Tensor>? trace = null)
    {
        double dropout = training ? config.HiddenDropout : 0;
        Tensor queries = query == DecoderQuery.EmbeddedSentence
            ? embeddings.OfSentence(text, sentence, dropout)
            : embeddings.PositionPlusSentence(text, sentence);                               // [T, D]
        Tensor tokens = embeddings.Forward(text, dropout);                                   // [T, D]
        Tensor rows = tokens.index_copy(0, text.Firsts, sentence.to_type(tokens.dtype));     // row 0 of each text is h
        trace?.Invoke(queries, rows);
        foreach (TransformerLayer layer in _layers)
        {
            queries = Run(x => layer.Forward(text, x[0], x[1], hidden, dropout, training ? config.AttentionDropout : 0), queries, rows);
        }
        return queries;
    }

    /// <summary>Plain decoding.</summary>
    /// <param name="masked">The batch as the decoder sees it.</param>
    /// <param name="sentence">[B, D]: h, which stands where the first token was.</param>
    /// <param name="training">True applies the configuration's dropout.</param>
    /// <returns>[T, D].</returns>
    public Tensor ForwardPlain(PackedText masked, Tensor sentence, bool training)
    {
        double dropout = training ? config.HiddenDropout : 0;
        Tensor tokens = embeddings.Forward(masked, dropout);                                 // [T, D]
        Tensor rows = tokens.index_copy(0, masked.Firsts, sentence.to_type(tokens.dtype));
        foreach (TransformerLayer layer in _layers)
        {
            rows = Run(x => layer.Forward(masked, x[0], dropout, training ? config.AttentionDropout : 0), rows);
        }
        return rows;
    }

    private Tensor Run(Func<Tensor[], Tensor> layer, params Tensor[] inputs) => recompute ? Recomputed.Of(layer, inputs) : layer(inputs);

    private static string Prefix(int layer) => layer == 0 ? "c_head" : string.Create(CultureInfo.InvariantCulture, $"c_head.{layer}");
}

// BERT and XLM-RoBERTa encoders: embeddings, then layers. One class for both: they differ in positions, epsilon, pad id and the prefix of their names.

using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>Packed tokens to hidden vectors.</summary>
public sealed class Encoder
{
    private readonly TransformerLayer[] _layers;
    private readonly bool[] _learns;

    /// <param name="weights">Holds every weight of <see cref="Shapes"/>.</param>
    /// <param name="prefix">Before every name: "" for an encoder alone, "bert." or "roberta." beside an MLM head.</param>
    /// <param name="config">Sizes.</param>
    public Encoder(Weights weights, string prefix, ModelConfig config)
    {
        Config = config;
        Weights = weights;
        Embeddings = new TokenEmbeddings(weights, prefix, config);
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(i => new TransformerLayer(weights, $"{prefix}encoder.layer.{i}", config.HeadCount, config.LayerNormEpsilon))];
        _learns = [.. Enumerable.Range(0, config.LayerCount).Select(i => weights.Shapes.Any(s => s.Name.StartsWith($"{prefix}encoder.layer.{i}.", StringComparison.Ordinal) && weights[s.Name].requires_grad))];
    }

    /// <summary>Sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>The weights.</summary>
    public Weights Weights { get; }

    /// <summary>The embedding layer, which the RetroMAE decoder shares.</summary>
    public TokenEmbeddings Embeddings { get; }

    /// <summary>The weights of an encoder.</summary>
    public static IEnumerable<WeightShape> Shapes(string prefix, ModelConfig config)
        => TokenEmbeddings.Shapes(prefix, config)
            .Concat(Enumerable.Range(0, config.LayerCount).SelectMany(i => TransformerLayer.Shapes($"{prefix}encoder.layer.{i}", config.HiddenSize, config.IntermediateSize)));

    /// <summary>"bert." or "roberta.": the prefix beside an MLM head.</summary>
    public static string PrefixOf(ModelConfig config) => config.Kind == ModelKind.Bert ? "bert." : "roberta.";

    /// <param name="text">The batch.</param>
    /// <param name="training">True applies the configuration's dropout.</param>
    /// <param name="tokenTypes">[T] segment ids; null for all 0.</param>
    /// <param name="eachLayer">Called with the embedding output and each layer's output; null for none.</param>
    /// <param name="recompute">True keeps the input of each layer only and computes the layer again in the backward pass.</param>
    /// <returns>[T, D], last hidden vectors in the compute type.</returns>
    public Tensor Forward(PackedText text, bool training, Tensor? tokenTypes = null, Action<Tensor>? eachLayer = null, bool recompute = false)
    {
        double dropout = training ? Config.HiddenDropout : 0;
        double attentionDropout = training ? Config.AttentionDropout : 0;
        Tensor rows = Embeddings.Forward(text, dropout, tokenTypes);          // [T, D]
        eachLayer?.Invoke(rows);
        for (int i = 0; i < _layers.Length; i++)
        {
            TransformerLayer layer = _layers[i];
            if (recompute && _learns[i] && !rows.requires_grad && is_grad_enabled())
            {
                rows = rows.detach().requires_grad_();        // over frozen parts: only a piece whose input wants a gradient is computed again
            }
            rows = recompute
                ? Recomputed.Of(x => layer.Forward(text, x[0], dropout, attentionDropout), rows)
                : layer.Forward(text, rows, dropout, attentionDropout);       // [T, D]
            eachLayer?.Invoke(rows);
        }
        return rows;
    }
}

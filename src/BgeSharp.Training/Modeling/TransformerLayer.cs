// One post-norm transformer layer, as BERT and XLM-RoBERTa have it:
//   a = LN(Wo · Attention(x) + x)        y = LN(W2 · gelu(W1 a) + a)                Devlin et al. 2019; gelu with erf
// The RetroMAE decoder is the same layer with queries of its own, which are also its residual.

namespace BgeSharp.Training.Modeling;

/// <summary>A layer named by its prefix in the weights ("bert.encoder.layer.0").</summary>
public sealed class TransformerLayer(Weights weights, string prefix, int heads, double epsilon)
{
    /// <summary>The weights of a layer.</summary>
    /// <param name="prefix">Such as "bert.encoder.layer.0".</param>
    /// <param name="size">D.</param>
    /// <param name="inner">F, inner size of the feed-forward part.</param>
    public static IEnumerable<WeightShape> Shapes(string prefix, long size, long inner)
    {
        foreach (string name in new[] { "query", "key", "value" })
        {
            yield return new($"{prefix}.attention.self.{name}.weight", [size, size], WeightStart.Normal);
            yield return new($"{prefix}.attention.self.{name}.bias", [size], WeightStart.Zero);
        }
        yield return new($"{prefix}.attention.output.dense.weight", [size, size], WeightStart.Normal);
        yield return new($"{prefix}.attention.output.dense.bias", [size], WeightStart.Zero);
        yield return new($"{prefix}.attention.output.LayerNorm.weight", [size], WeightStart.One);
        yield return new($"{prefix}.attention.output.LayerNorm.bias", [size], WeightStart.Zero);
        yield return new($"{prefix}.intermediate.dense.weight", [inner, size], WeightStart.Normal);
        yield return new($"{prefix}.intermediate.dense.bias", [inner], WeightStart.Zero);
        yield return new($"{prefix}.output.dense.weight", [size, inner], WeightStart.Normal);
        yield return new($"{prefix}.output.dense.bias", [size], WeightStart.Zero);
        yield return new($"{prefix}.output.LayerNorm.weight", [size], WeightStart.One);
        yield return new($"{prefix}.output.LayerNorm.bias", [size], WeightStart.Zero);
    }

    /// <summary>Self-attention: queries, keys and values from the same rows.</summary>
    /// <param name="text">The batch.</param>
    /// <param name="rows">[T, D], packed.</param>
    /// <param name="dropout">Dropout of hidden vectors; 0 outside training.</param>
    /// <param name="attentionDropout">Dropout of attention weights; 0 outside training.</param>
    public Tensor Forward(PackedText text, Tensor rows, double dropout, double attentionDropout)
    {
        using var scope = NewDisposeScope();      // what the gradient does not need goes at once, not at the end of the batch
        Tensor weight = cat([weights[$"{prefix}.attention.self.query.weight"], weights[$"{prefix}.attention.self.key.weight"], weights[$"{prefix}.attention.self.value.weight"]], 0);
        Tensor bias = cat([weights[$"{prefix}.attention.self.query.bias"], weights[$"{prefix}.attention.self.key.bias"], weights[$"{prefix}.attention.self.value.bias"]], 0);
        Tensor projected = nn.functional.linear(rows, weight.to_type(rows.dtype), bias.to_type(rows.dtype));   // [T, 3D]
        projected = Adapters(rows) is { } more ? projected.Plus(more) : projected;
        Tensor[] parts = PadRows.Of(text, projected).chunk(3, -1);                                              // 3 × [B, L, D]
        Tensor? hidden = text.IsRectangular ? null : text.Padding.view(text.Count, 1, 1, text.Length);
        Tensor context = Attention.Attend(parts[0], parts[1], parts[2], hidden, heads, attentionDropout);       // [B, L, D]
        return Finish(UnpadRows.Of(text, context), rows, dropout).MoveToOuterDisposeScope();
    }

    /// <summary>Attention with queries of their own (the RetroMAE decoder).</summary>
    /// <param name="text">The batch.</param>
    /// <param name="queries">[T, D], packed; also the residual.</param>
    /// <param name="rows">[T, D], packed: what keys and values are made of.</param>
    /// <param name="hidden">[B, 1, L, L]; true where a query may not see a key.</param>
    /// <param name="dropout">Dropout of hidden vectors; 0 outside training.</param>
    /// <param name="attentionDropout">Dropout of attention weights; 0 outside training.</param>
    public Tensor Forward(PackedText text, Tensor queries, Tensor rows, Tensor hidden, double dropout, double attentionDropout)
    {
        using var scope = NewDisposeScope();
        Tensor query = PadRows.Of(text, Linear(queries, "attention.self.query"));                               // [B, L, D]
        Tensor key = PadRows.Of(text, Linear(rows, "attention.self.key"));
        Tensor value = PadRows.Of(text, Linear(rows, "attention.self.value"));
        Tensor context = Attention.Attend(query, key, value, hidden, heads, attentionDropout);
        return Finish(UnpadRows.Of(text, context), queries, dropout).MoveToOuterDisposeScope();
    }

    private Tensor Finish(Tensor context, Tensor residual, double dropout)
    {
        Tensor attended = Normalize(Dropout.Of(Linear(context, "attention.output.dense"), dropout).Plus(residual), "attention.output.LayerNorm");
        Tensor inner = nn.functional.gelu(Linear(attended, "intermediate.dense"));                              // [T, F]
        return Normalize(Dropout.Of(Linear(inner, "output.dense"), dropout).Plus(attended), "output.LayerNorm");
    }

    private Tensor Linear(Tensor x, string name) => weights.Linear(x, $"{prefix}.{name}");

    // [T, 3D], or null when none of the three has an adapter.
    private Tensor? Adapters(Tensor rows)
    {
        Tensor?[] parts = [weights.Adapted(rows, $"{prefix}.attention.self.query"), weights.Adapted(rows, $"{prefix}.attention.self.key"), weights.Adapted(rows, $"{prefix}.attention.self.value")];
        return parts.All(p => p is null) ? null : cat([.. parts.Select(p => p ?? zeros_like(rows))], 1);
    }

    private Tensor Normalize(Tensor x, string name)
        => nn.functional.layer_norm(x, [x.shape[^1]], weights[$"{prefix}.{name}.weight"].to_type(x.dtype), weights[$"{prefix}.{name}.bias"].to_type(x.dtype), epsilon);
}

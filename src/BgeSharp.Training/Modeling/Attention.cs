// Multi-head attention over padded cells: softmax(Q Kᵀ / √d + M) V.                Vaswani et al. 2017, section 3.2
// Two batched products with a softmax between: measured faster than libtorch's fused CPU kernel at these lengths (design notes), at the price
// of one [B, H, L, L] matrix a layer. Where that would be large (long texts), block by block of query rows, each computed again in the backward pass.

namespace BgeSharp.Training.Modeling;

/// <summary>The attention of BERT-type layers.</summary>
public static class Attention
{
    /// <summary>Most scores (B·H·L·L) that are kept whole: 32 M are 128 MB in float32.</summary>
    public const long WholeScores = 32 << 20;

    /// <param name="query">[B, L, D].</param>
    /// <param name="key">[B, L, D].</param>
    /// <param name="value">[B, L, D].</param>
    /// <param name="hidden">Broadcastable to [B, H, L, L]; true where a query may not see a key.</param>
    /// <param name="heads">H; divides D.</param>
    /// <param name="dropout">Share of attention weights dropped; 0 outside training.</param>
    /// <param name="wholeScores">Above so many scores block by block, in blocks of about a quarter of them.</param>
    /// <returns>[B, L, D].</returns>
    public static Tensor Attend(Tensor query, Tensor key, Tensor value, Tensor? hidden, int heads, double dropout, long wholeScores = WholeScores)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0];
        long length = query.shape[1];
        long size = query.shape[2] / heads;
        Tensor q = Split(query.Times(1 / Math.Sqrt(size)));                    // [B, H, L, d]
        Tensor k = Split(key);
        Tensor v = Split(value);
        Tensor context = batch * heads * length * length <= wholeScores
            ? Rows(q, k, v, hidden, dropout)
            : Blocks(q, k, v, hidden, dropout, Math.Max(1, wholeScores / 4 / (batch * heads * length)));
        return context.transpose(1, 2).reshape(batch, length, heads * size).MoveToOuterDisposeScope();

        Tensor Split(Tensor x) => x.view(batch, length, heads, size).transpose(1, 2).contiguous();
    }

    // R rows of queries against all keys: [B, H, R, d].
    private static Tensor Rows(Tensor query, Tensor key, Tensor value, Tensor? hidden, double dropout)
    {
        using var scope = NewDisposeScope();
        Tensor scores = query.matmul(key.transpose(2, 3));                     // [B, H, R, L]
        if (hidden is not null)
        {
            // A finite minimum, not −∞: a row with every key hidden becomes a uniform average instead of NaN. Added, not filled in: no copy of the scores, and
            // no pass in the backward pass, since a weight of 0 has no gradient.
            scores.AddInPlace(zeros(hidden.shape, scores.dtype, scores.device).MaskInPlace(hidden, Lowest(scores.dtype)));
        }
        Tensor weights = scores.softmax(-1);
        return DroppedProduct.Of(weights, value, dropout).MoveToOuterDisposeScope();
    }

    private static Tensor Blocks(Tensor query, Tensor key, Tensor value, Tensor? hidden, double dropout, long rows)
    {
        var blocks = new List<Tensor>();
        for (long start = 0; start < query.shape[2]; start += rows)
        {
            long count = Math.Min(rows, query.shape[2] - start);
            // The mask is an input too: by the time the block is computed again, nobody else holds it.
            Tensor[] mask = hidden is null ? [] : [hidden.shape[2] == 1 ? hidden : hidden.narrow(2, start, count)];
            blocks.Add(Recomputed.Of(x => Rows(x[0], x[1], x[2], x.Length > 3 ? x[3] : null, dropout), [query.narrow(2, start, count), key, value, .. mask]));
        }
        return cat(blocks, 2);
    }

    private static double Lowest(ScalarType type) => type switch
    {
        ScalarType.Float64 => double.MinValue,
        ScalarType.Float16 => -65504,
        ScalarType.BFloat16 => -3.3895313892515355e38,
        _ => float.MinValue,
    };
}

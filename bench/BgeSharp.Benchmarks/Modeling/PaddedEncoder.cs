// The plain side of PackedRows: the same encoder as most programs write it, every operation over [B·L, D] with padding in it.
// Line by line what TransformerLayer does, so that padding is the only difference.

using BgeSharp.Training.Modeling;

namespace BgeSharp.Benchmarks.Modeling;

/// <summary>An encoder over padded cells.</summary>
/// <param name="encoder">Whose weights and sizes.</param>
/// <param name="cells">The texts, all of one length.</param>
/// <param name="padding">[B, L], true where a cell is filling.</param>
/// <param name="dropout">Share of numbers that libtorch's dropout drops where BERT has it.</param>
internal sealed class PaddedEncoder(Encoder encoder, PackedText cells, Tensor padding, double dropout = 0)
{
    /// <returns>[B·L, D], last hidden vectors.</returns>
    public Tensor Forward()
    {
        Tensor rows = Drop(encoder.Embeddings.Forward(cells, dropout: 0));
        for (int i = 0; i < encoder.Config.LayerCount; i++)
        {
            rows = Layer(rows, $"encoder.layer.{i}");
        }
        return rows;
    }

    private Tensor Layer(Tensor rows, string prefix)
    {
        (long batch, long length, Weights weights) = (cells.Count, cells.Length, encoder.Weights);
        string[] names = [$"{prefix}.attention.self.query", $"{prefix}.attention.self.key", $"{prefix}.attention.self.value"];
        Tensor weight = cat([.. names.Select(n => weights[$"{n}.weight"])], 0);
        Tensor bias = cat([.. names.Select(n => weights[$"{n}.bias"])], 0);
        Tensor projected = nn.functional.linear(rows, weight.to_type(rows.dtype), bias.to_type(rows.dtype));       // [B·L, 3D]
        Tensor[] parts = projected.view(batch, length, -1).chunk(3, -1);                                            // 3 × [B, L, D]
        Tensor[] heads = [.. parts.Select(p => p.view(batch, length, encoder.Config.HeadCount, -1).transpose(1, 2).contiguous())];   // 3 × [B, H, L, d]
        Tensor scores = (heads[0] * (1 / Math.Sqrt(heads[0].shape[3]))).matmul(heads[1].transpose(2, 3));                            // [B, H, L, L]
        scores = scores + zeros([batch, 1, 1, length], scores.dtype).masked_fill_(padding.view(batch, 1, 1, length), -1e30f);
        Tensor context = Drop(scores.softmax(-1)).matmul(heads[2]).transpose(1, 2);                                                  // [B, L, H, d]
        Tensor attended = Normalize(Drop(Linear(context.reshape(batch * length, -1), "attention.output.dense")) + rows, "attention.output.LayerNorm");
        Tensor inner = nn.functional.gelu(Linear(attended, "intermediate.dense"));                                  // [B·L, F]
        return Normalize(Drop(Linear(inner, "output.dense")) + attended, "output.LayerNorm");

        Tensor Linear(Tensor x, string name)
            => nn.functional.linear(x, weights[$"{prefix}.{name}.weight"].to_type(x.dtype), weights[$"{prefix}.{name}.bias"].to_type(x.dtype));

        Tensor Normalize(Tensor x, string name)
            => nn.functional.layer_norm(x, [x.shape[^1]], weights[$"{prefix}.{name}.weight"].to_type(x.dtype), weights[$"{prefix}.{name}.bias"].to_type(x.dtype), encoder.Config.LayerNormEpsilon);
    }

    private Tensor Drop(Tensor x) => dropout > 0 ? nn.functional.dropout(x, dropout, training: true) : x;
}

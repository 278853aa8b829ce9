// Rows from packed to padded and back. The gradient of padding is the packing of the gradient, a parallel copy; autograd would add padding's rows up one by one.
// The other way libtorch's own gradient is the faster one (docs/benchmarks.md), and a function of our own would hold a second output.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>Packed rows to padded cells.</summary>
public sealed class PadRows : OwnFunction<PadRows>
{
    /// <inheritdoc/>
    public override string Name => nameof(PadRows);

    /// <param name="text">The batch.</param>
    /// <param name="rows">[T, C], packed.</param>
    /// <returns>[B, L, C]; padding cells hold row 0, which no unmasked cell reads.</returns>
    public static Tensor Of(PackedText text, Tensor rows)
        => text.IsRectangular ? rows.view(text.Count, text.Length, -1) : apply(rows, text.ToPadded, text.ToPacked).view(text.Count, text.Length, -1);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        ctx.save_for_backward([(Tensor)vars[2]]);
        return ((Tensor)vars[0]).index_select(0, (Tensor)vars[1]);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        return BackwardResult.Of(gradient.index_select(0, ctx.get_saved_variables()[0]), null, null);
    }
}

/// <summary>Padded cells to packed rows.</summary>
public static class UnpadRows
{
    /// <param name="text">The batch.</param>
    /// <param name="cells">[B, L, C].</param>
    /// <returns>[T, C], packed.</returns>
    public static Tensor Of(PackedText text, Tensor cells)
    {
        Tensor flat = cells.reshape(text.Count * (long)text.Length, -1);
        return text.IsRectangular ? flat : flat.index_select(0, text.ToPacked);
    }
}

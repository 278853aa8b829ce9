// Dropout (Srivastava et al. 2014): in training a share of numbers is 0, the others are scaled up so that the mean stays. The backward pass does the same to the gradient.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>Drops numbers.</summary>
public sealed class Dropout : OwnFunction<Dropout>
{
    private const string Share = "share";

    /// <inheritdoc/>
    public override string Name => nameof(Dropout);

    /// <param name="x">Any shape.</param>
    /// <param name="share">Of numbers to drop, in [0, 1); 0 outside training.</param>
    public static Tensor Of(Tensor x, double share)
        => share <= 0 ? x : DropoutBits.Fits(x) ? apply(x, share) : nn.functional.dropout(x, share, training: true);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        using Tensor x = ((Tensor)vars[0]).contiguous();
        (Tensor left, Tensor bits) = DropoutBits.Draw(x, (double)vars[1], DropoutBits.Seed());
        ctx.save_data(Share, vars[1]);
        ctx.save_for_backward([bits]);
        return left;
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        return BackwardResult.Of(DropoutBits.Apply(gradient.contiguous(), ctx.get_saved_variables()[0], (double)ctx.get_data(Share)), null);
    }
}

/// <summary>Drops weights and multiplies what is left with values: what dropout of attention and the product after it do, without keeping the dropped weights.</summary>
public sealed class DroppedProduct : OwnFunction<DroppedProduct>
{
    private const string Share = "share";

    /// <inheritdoc/>
    public override string Name => nameof(DroppedProduct);

    /// <param name="weights">[..., R, L].</param>
    /// <param name="values">[..., L, d].</param>
    /// <param name="share">Of weights to drop, in [0, 1); 0 outside training.</param>
    /// <returns>[..., R, d].</returns>
    public static Tensor Of(Tensor weights, Tensor values, double share)
    {
        if (share > 0 && DropoutBits.Fits(weights))
        {
            return apply(weights, values, share);
        }
        using var scope = NewDisposeScope();
        return Dropout.Of(weights, share).matmul(values).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        (Tensor weights, Tensor values) = ((Tensor)vars[0], (Tensor)vars[1]);
        using Tensor whole = weights.contiguous();
        (Tensor left, Tensor bits) = DropoutBits.Draw(whole, (double)vars[2], DropoutBits.Seed());
        using Tensor dropped = left;
        ctx.save_data(Share, vars[2]);
        ctx.save_for_backward([weights, values, bits]);
        return dropped.matmul(values);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        double share = (double)ctx.get_data(Share);
        Tensor ofValues = DropoutBits.Apply(saved[0].contiguous(), saved[2], share).transpose(-2, -1).matmul(gradient);
        Tensor ofWeights = gradient.matmul(saved[1].transpose(-2, -1));
        return BackwardResult.Of(DropoutBits.Apply(ofWeights, saved[2], share, into: ofWeights), ofValues, null);
    }
}

// Activation checkpointing: a piece of the model keeps its inputs only, and is computed again, with the same dropout, when its gradient is wanted.
//   Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"
// For one more forward pass of the piece, what lies between its inputs and its output is in memory for one piece at a time. The numbers
// do not change, but for the order in which the gradients of an input of several pieces are added up.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>Runs pieces of a model without keeping what they compute on the way.</summary>
public sealed class Recomputed : OwnFunction<Recomputed>
{
    private const string Piece = "piece";

    /// <inheritdoc/>
    public override string Name => nameof(Recomputed);

    /// <param name="piece">Given the inputs it computes one tensor; it is called again in the backward pass, so it must be a function of its inputs, of weights and of torch's random numbers.</param>
    /// <param name="inputs">Every tensor with a gradient that is not a weight must be among them.</param>
    public static Tensor Of(Func<Tensor[], Tensor> piece, params Tensor[] inputs)
    {
        // Without an input that wants a gradient there would be no node, and the weights inside would learn nothing.
        if (is_grad_enabled() && inputs.Any(i => i.requires_grad))
        {
            return apply([.. inputs, piece]);
        }
        using var scope = NewDisposeScope();
        if (inputs[0].device.type != TorchSharp.DeviceType.CPU)
        {
            Draws(inputs[0].device);        // the same draws as with a node: what a gradient cache computes twice must be one computation
        }
        return piece(inputs).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        Tensor[] inputs = [.. vars[..^1].Cast<Tensor>()];
        var piece = (Func<Tensor[], Tensor>)vars[^1];
        ctx.save_data(Piece, piece);
        ctx.save_for_backward([.. inputs, Draws(inputs[0].device)]);
        using var scope = NewDisposeScope();
        return piece(inputs).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        var piece = (Func<Tensor[], Tensor>)ctx.get_data(Piece);
        Tensor now = get_rng_state();
        Repeat(saved[^1], gradient.device);
        Tensor[] inputs = [.. saved[..^1].Select(s => s.requires_grad ? s.detach().requires_grad_() : s)];
        try
        {
            using var grad = enable_grad();
            Tensor output = piece(inputs);
            autograd.backward([output], [gradient]);
        }
        finally
        {
            set_rng_state(now);
        }
        return [.. inputs.Select(i => i.requires_grad ? i.grad?.MoveToOuterDisposeScope()! : null!), null!];
    }

    // The state of the processor's generator before the piece. A graphics card has a generator of its own whose state TorchSharp cannot read: the processor's draws a seed for it.
    private static Tensor Draws(Device device)
    {
        Tensor before = get_rng_state();
        Begin(device);
        return before;
    }

    private static void Repeat(Tensor before, Device device)
    {
        set_rng_state(before);
        Begin(device);
    }

    // The processor's generator goes on behind its draw: pieces within the piece draw their seeds from it, the same ones when it is computed again.
    private static void Begin(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU)
        {
            return;
        }
        using Tensor seed = rand([1], ScalarType.Float64);
        using Tensor after = get_rng_state();
        manual_seed((long)(seed.item<double>() * (1L << 62)));
        set_rng_state(after);
    }
}

// What functions of our own share. An exception that leaves the backward function of one would have to pass through libtorch's stack frames, which ends the process on the spot:
// no sentence, no exit code. BackwardPass keeps it instead and throws it when libtorch has returned.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>A function with a gradient of our own making; losses over such functions go through <see cref="BackwardPass"/>.</summary>
/// <typeparam name="T">The function itself.</typeparam>
public abstract class OwnFunction<T> : SingleTensorFunction<T> where T : OwnFunction<T>, new()
{
    private const string InputCount = "inputs";

    /// <summary>Computes the output and saves what the gradient needs.</summary>
    /// <param name="ctx">Where to save.</param>
    /// <param name="vars">Inputs, tensors and others.</param>
    protected abstract Tensor Evaluate(AutogradContext ctx, object[] vars);

    /// <summary>Computes gradients of the inputs.</summary>
    /// <param name="ctx">What was saved.</param>
    /// <param name="gradient">Of the output, in its shape.</param>
    /// <returns>One an input, null where there is none.</returns>
    protected abstract List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient);

    /// <inheritdoc/>
    public sealed override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(InputCount, vars.Length);
        ctx.set_materialize_grads(false);       // below a function that failed TorchSharp would make zeros where nothing guards
        return Evaluate(ctx, vars);
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        int inputs = (int)ctx.get_data(InputCount);
        return grad_output is null || grad_output.IsInvalid ? BackwardPass.None(inputs) : BackwardPass.Guard(inputs, grad_output.device_type, () => Differentiate(ctx, grad_output));
    }
}

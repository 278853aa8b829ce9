// Losses that compute their gradients in the forward pass (they are needed exactly once) have only to scale them in the backward pass.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>The backward pass of such a loss.</summary>
internal static class EarlyGradients
{
    /// <param name="ctx">Holds the gradients of the first inputs of the function, in their order.</param>
    /// <param name="gradient">Scalar, gradient of the loss.</param>
    /// <param name="inputs">Inputs of the function; those without a saved gradient get none.</param>
    public static List<Tensor> Scale(AutogradContext ctx, Tensor gradient, int inputs)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        return [.. saved.Select(s => s.mul_(gradient)), .. Enumerable.Repeat<Tensor>(null!, inputs - saved.Count)];
    }
}

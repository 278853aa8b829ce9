// Losses over the vocabulary compute their gradients in the forward pass (they are needed exactly once) and have only to scale them in the backward pass.

using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>What such a loss keeps, and its backward pass.</summary>
internal static class EarlyGradients
{
    private const string Summed = "summed";

    /// <param name="ctx">Of the function, whose first inputs are rows, weight and bias.</param>
    /// <param name="rows">Gradient of the rows.</param>
    /// <param name="weight">Of the weight; null when it was added where it belongs, with the factor that was told.</param>
    /// <param name="bias">Of the bias.</param>
    public static void Keep(AutogradContext ctx, Tensor rows, Tensor? weight, Tensor bias)
    {
        ctx.save_data(Summed, weight is null);
        ctx.save_for_backward(weight is null ? [rows, bias] : [rows, weight, bias]);
    }

    /// <param name="ctx">What was kept.</param>
    /// <param name="gradient">Scalar, gradient of the loss.</param>
    /// <param name="inputs">Inputs of the function.</param>
    public static List<Tensor> Scale(AutogradContext ctx, Tensor gradient, int inputs)
    {
        List<Tensor> kept = ctx.get_saved_variables();
        bool summed = (bool)ctx.get_data(Summed);
        if (summed && gradient.to_type(ScalarType.Float64).item<double>() != 1)
        {
            throw new InvalidOperationException("A loss whose gradient was added up in the forward pass got a factor after it; give it as its share.");
        }
        foreach (Tensor one in kept)
        {
            one.mul_(gradient);
        }
        return [kept[0], summed ? null! : kept[1], kept[^1], .. BackwardPass.None(inputs - 3)];
    }
}

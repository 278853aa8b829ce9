// A linear layer by name, with a low-rank adapter beside it where the weights have one.
//   y = W x + b + (α/r) · B A x         A [r, in] random, B [out, r] zero at the start, W and b frozen            LoRA, Hu et al. 2022, section 4.1
// The adapter's two thin products cost r/D of the layer's own; no gradient of W is computed at all.

namespace BgeSharp.Training.Modeling;

/// <summary>Linear layers with or without an adapter.</summary>
public static class LinearLayer
{
    /// <summary>Behind a layer's name: A of its adapter, [r, in].</summary>
    public const string AdapterDown = ".lora_a";

    /// <summary>Behind a layer's name: B of its adapter, [out, r].</summary>
    public const string AdapterUp = ".lora_b";

    /// <summary>True for a weight of an adapter.</summary>
    public static bool IsAdapter(string name) => name.EndsWith(AdapterDown, StringComparison.Ordinal) || name.EndsWith(AdapterUp, StringComparison.Ordinal);

    /// <summary>The adapters of the layers that a list of weights has and whose name ends in one of some parts.</summary>
    /// <param name="shapes">Weights of a model.</param>
    /// <param name="parts">Ends of layer names, such as "query" or "output.dense"; the latter is the feed-forward layer's, not "attention.output.dense".</param>
    /// <param name="rank">r.</param>
    public static IEnumerable<WeightShape> AdapterShapes(IEnumerable<WeightShape> shapes, IReadOnlyList<string> parts, int rank)
    {
        foreach (WeightShape shape in shapes.Where(s => s.Shape.Length == 2 && s.Name.Contains("encoder.layer.", StringComparison.Ordinal)))
        {
            string layer = shape.Name[..^".weight".Length];
            if (parts.Any(p => layer.EndsWith("." + p, StringComparison.Ordinal) && !(p == "output.dense" && layer.EndsWith(".attention.output.dense", StringComparison.Ordinal))))
            {
                yield return new(layer + AdapterDown, [rank, shape.Shape[1]], WeightStart.Normal);
                yield return new(layer + AdapterUp, [shape.Shape[0], rank], WeightStart.Zero);
            }
        }
    }

    /// <param name="weights">Hold layer.weight, layer.bias and perhaps an adapter.</param>
    /// <param name="x">[..., in].</param>
    /// <param name="layer">Name of the layer.</param>
    /// <returns>[..., out] in the type of <paramref name="x"/>.</returns>
    public static Tensor Linear(this Weights weights, Tensor x, string layer)
    {
        Tensor plain = nn.functional.linear(x, weights[layer + ".weight"].to_type(x.dtype), weights[layer + ".bias"].to_type(x.dtype));
        return weights.Adapted(x, layer) is { } more ? plain.Plus(more) : plain;
    }

    /// <summary>What the adapter of a layer adds; null without one.</summary>
    internal static Tensor? Adapted(this Weights weights, Tensor x, string layer)
        => !weights.Contains(layer + AdapterDown) ? null
            : nn.functional.linear(nn.functional.linear(x, weights[layer + AdapterDown].to_type(x.dtype)), weights[layer + AdapterUp].to_type(x.dtype)).Times(weights.AdapterScale);

    /// <summary>A weight with its adapter added in, as it is written to a model folder.</summary>
    /// <returns>The weight itself when it has no adapter.</returns>
    internal static Tensor Merged(this Weights weights, string name)
    {
        const string matrix = ".weight";
        string layer = name.EndsWith(matrix, StringComparison.Ordinal) ? name[..^matrix.Length] : "";
        return layer.Length == 0 || !weights.Contains(layer + AdapterDown) ? weights[name]
            : weights[name].Plus(weights[layer + AdapterUp].matmul(weights[layer + AdapterDown]).Times(weights.AdapterScale));
    }
}

// Which weights of an encoder a stage trains: all, all but what "freeze" names, or low-rank adapters alone.

using BgeSharp.Models;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Reads "freeze" and "lora".</summary>
public static class TrainedParts
{
    /// <summary>True for a part that "freeze" may name.</summary>
    public static bool IsKnown(string part) => part is "encoder" or "embeddings" or "positions" || LowestLayers(part) > 0;

    /// <summary>Weights of the adapters.</summary>
    /// <param name="label">The stage's name.</param>
    /// <param name="shapes">Weights of the encoder.</param>
    /// <param name="lora">Null for none.</param>
    /// <exception cref="BadInput">A layer is named that the encoder has not.</exception>
    public static IReadOnlyList<WeightShape> Adapters(string label, IReadOnlyList<WeightShape> shapes, LoraOptions? lora)
    {
        if (lora is null)
        {
            return [];
        }
        string? nowhere = lora.Layers.FirstOrDefault(part => !LinearLayer.AdapterShapes(shapes, [part], lora.Rank).Any());
        if (nowhere is not null)
        {
            throw new BadInput($"stage \"{label}\": lora.layers names \"{nowhere}\", and no layer of the model ends so; there are \"query\", \"key\", \"value\", \"attention.output.dense\", \"intermediate.dense\" and \"output.dense\".");
        }
        return [.. LinearLayer.AdapterShapes(shapes, lora.Layers, lora.Rank)];
    }

    /// <summary>α/r of the adapters; 1 without any.</summary>
    public static double AdapterScale(LoraOptions? lora) => lora is null ? 1 : lora.Alpha / lora.Rank;

    /// <summary>Which weights of the encoder are not trained; adapters always are.</summary>
    /// <param name="freeze">Parts, all of them known.</param>
    /// <param name="lora">Adapters, beside which nothing else of the encoder is trained; null for none.</param>
    public static Func<string, bool> Frozen(IReadOnlyList<string> freeze, LoraOptions? lora)
    {
        int layers = freeze.Max(part => (int?)LowestLayers(part)) ?? 0;
        bool encoder = lora is not null || freeze.Contains("encoder"), embeddings = layers > 0 || freeze.Contains("embeddings"), positions = freeze.Contains("positions");
        return name => !LinearLayer.IsAdapter(name) && (encoder
            || (embeddings && name.StartsWith("embeddings.", StringComparison.Ordinal))
            || (positions && name == EncoderTensors.Position)
            || Enumerable.Range(0, layers).Any(i => name.StartsWith(FormattableString.Invariant($"encoder.layer.{i}."), StringComparison.Ordinal)));
    }

    // N of "layers:N"; 0 where it is no such part.
    private static int LowestLayers(string part)
        => part.StartsWith("layers:", StringComparison.Ordinal) && int.TryParse(part.AsSpan("layers:".Length), out int count) && count > 0 ? count : 0;
}

// Weights to and from safetensors: names as Hugging Face has them, always float32 on disk.

using System.Runtime.InteropServices;
using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>Reads and writes weights.</summary>
public static class WeightFile
{
    private static readonly string[] Prefixes = ["", "bert.", "roberta.", "lm.bert.", "lm.roberta.", "lm.", "model."];

    /// <summary>Writes the weights that <paramref name="rename"/> gives a name, their adapters added in.</summary>
    /// <param name="path">The file; replaced at once or not at all.</param>
    /// <param name="weights">What to write.</param>
    /// <param name="rename">Name in memory → name on disk; null leaves a weight out.</param>
    public static void Write(string path, Weights weights, Func<string, string?> rename)
    {
        var tensors = new List<TensorToWrite>();
        foreach (WeightShape shape in weights.Shapes)
        {
            if (rename(shape.Name) is string name)
            {
                tensors.Add(new TensorToWrite(name, TensorType.F32, shape.Shape, stream => WriteMerged(stream, weights, shape.Name)));
            }
        }
        SafeTensorsWriter.Write(path, tensors);
    }

    /// <summary>Copies every weight that the source has, under its own name or with another model's prefix.</summary>
    /// <param name="source">An open weight file.</param>
    /// <param name="weights">Filled in place.</param>
    /// <param name="prefix">Prefix of encoder names in <paramref name="weights"/>.</param>
    /// <param name="only">Names in memory to look for; null for all.</param>
    /// <returns>Names in memory that the source does not have.</returns>
    /// <exception cref="BadInput">A tensor has another shape than the model.</exception>
    public static IReadOnlyList<string> Read(ITensorSource source, Weights weights, string prefix, IReadOnlyCollection<string>? only = null)
    {
        var missing = new List<string>();
        foreach (WeightShape shape in weights.Shapes.Where(s => only is null || only.Contains(s.Name)))
        {
            string bare = prefix.Length > 0 && shape.Name.StartsWith(prefix, StringComparison.Ordinal) ? shape.Name[prefix.Length..] : shape.Name;
            string? found = Prefixes.SelectMany(p => Spellings(p + bare)).FirstOrDefault(source.Contains);
            if (found is null)
            {
                missing.Add(shape.Name);
                continue;
            }
            if (!source[found].Shape.SequenceEqual(shape.Shape))
            {
                throw new BadInput($"{source.Path}: \"{found}\" has the shape [{string.Join(", ", source[found].Shape)}], the model's config.json asks for [{string.Join(", ", shape.Shape)}]; they do not belong together.");
            }
            weights.Set(shape.Name, source.ReadFloat32(found));
        }
        return missing;
    }

    private static void WriteMerged(Stream stream, Weights weights, string name)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        WriteFloats(stream, weights.Merged(name));
    }

    /// <summary>Writes a tensor's elements as little-endian float32, a part at a time.</summary>
    public static void WriteFloats(Stream stream, Tensor values)
    {
        const long part = 1 << 22;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor flat = values.detach().reshape(-1);
        for (long start = 0; start < flat.shape[0]; start += part)
        {
            using var inner = NewDisposeScope();
            Tensor piece = flat.narrow(0, start, Math.Min(part, flat.shape[0] - start)).to_type(ScalarType.Float32).cpu();
            stream.Write(MemoryMarshal.AsBytes(piece.data<float>().ToArray().AsSpan()));
        }
    }

    // BERT's first checkpoints call LayerNorm's weight and bias gamma and beta.
    private static IEnumerable<string> Spellings(string name)
    {
        yield return name;
        if (name.EndsWith("LayerNorm.weight", StringComparison.Ordinal))
        {
            yield return name[..^"weight".Length] + "gamma";
        }
        else if (name.EndsWith("LayerNorm.bias", StringComparison.Ordinal))
        {
            yield return name[..^"bias".Length] + "beta";
        }
    }
}

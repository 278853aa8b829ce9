// A model folder: Hugging Face layout (config.json, model.safetensors, tokenizer files) plus bge.json, heads.safetensors and reranker.safetensors.
// What only pre-training needs (MLM head, decoder) stands in pretraining.safetensors, so that other tools see a plain encoder.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>Writes model folders.</summary>
public static class ModelFolder
{
    /// <summary>File with MLM head and decoder.</summary>
    public const string PretrainingFile = ModelFiles.Pretraining;

    /// <summary>Writes a whole model folder beside its final place and moves it there, replacing what stood there.</summary>
    /// <param name="folder">Final place.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="prefix">Prefix of encoder names in <paramref name="weights"/>.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="tokenizer">Vocabulary.</param>
    /// <param name="card">What goes into bge.json.</param>
    public static void Save(string folder, Weights weights, string prefix, ModelConfig config, ITokenizer tokenizer, ModelCard card)
    {
        AtomicFolder.Publish(folder, staging =>
        {
            HashSet<string> encoder = [.. Encoder.Shapes(prefix, config).Select(s => s.Name)];
            WeightFile.Write(Path.Combine(staging, "model.safetensors"), weights, name => encoder.Contains(name) ? name[prefix.Length..] : null);
            WritePart(Path.Combine(staging, ModelFiles.Heads), weights, M3Heads.Has);
            WritePart(Path.Combine(staging, ModelFiles.Reranker), weights, RelevanceHead.Has);
            WritePart(Path.Combine(staging, PretrainingFile), weights, name => !encoder.Contains(name) && !M3Heads.Has(name) && !RelevanceHead.Has(name) && !LinearLayer.IsAdapter(name));
            (config with { Architecture = config.Kind == ModelKind.Bert ? "BertModel" : "XLMRobertaModel" }).Save(staging);
            tokenizer.Save(staging);
            card.Save(staging);
        });
    }

    /// <summary>Fills weights from a model folder: the encoder must be there whole, head and decoder may be missing.</summary>
    /// <param name="folder">A model folder.</param>
    /// <param name="weights">Filled in place; what the folder lacks keeps its start values.</param>
    /// <param name="prefix">Prefix of encoder names in <paramref name="weights"/>.</param>
    /// <param name="config">Sizes.</param>
    /// <returns>Names that the folder does not have.</returns>
    /// <exception cref="BadInput">Encoder weights are missing or have other shapes.</exception>
    public static IReadOnlyList<string> ReadWeights(string folder, Weights weights, string prefix, ModelConfig config)
    {
        IReadOnlyList<string> missing;
        using (ITensorSource source = WeightFiles.Open(folder))
        {
            missing = WeightFile.Read(source, weights, prefix);
        }
        foreach (string file in new[] { PretrainingFile, ModelFiles.Reranker }.Select(name => Path.Combine(folder, name)).Where(File.Exists))
        {
            using SafeTensorsFile more = SafeTensorsFile.Open(file);
            missing = [.. missing.Intersect(WeightFile.Read(more, weights, prefix, missing))];
        }
        using (ITensorSource? heads = missing.Any(M3Heads.Has) ? HeadFile.Open(folder) : null)
        {
            missing = heads is null ? missing : [.. missing.Intersect(WeightFile.Read(heads, weights, prefix, missing))];
        }
        HashSet<string> encoder = [.. Encoder.Shapes(prefix, config).Select(s => s.Name)];
        if (missing.FirstOrDefault(encoder.Contains) is string lacking)
        {
            throw new BadInput($"{folder}: the weights have no \"{lacking[prefix.Length..]}\"; this is not a whole {config.ModelType} encoder.");
        }
        return missing;
    }

    /// <summary>The weights of the heads that a model folder has.</summary>
    /// <exception cref="BadInput">They do not fit the model.</exception>
    public static IReadOnlyList<WeightShape> HeadShapes(string folder, ModelConfig config)
    {
        using ITensorSource? file = HeadFile.Open(folder);
        if (file is null)
        {
            return [];
        }
        EmbeddingModes modes = (file.Contains(M3Heads.Sparse + ".weight") ? EmbeddingModes.Sparse : 0) | (file.Contains(M3Heads.MultiVector + ".weight") ? EmbeddingModes.MultiVector : 0);
        long[] vectors = modes.HasFlag(EmbeddingModes.MultiVector) ? file[M3Heads.MultiVector + ".weight"].Shape : [0, 0];
        return vectors.Length == 2 && vectors[0] is >= 0 and <= 1 << 14
            ? [.. M3Heads.Shapes(config, modes, (int)vectors[0])]
            : throw new BadInput($"{file.Path}: \"{M3Heads.MultiVector}.weight\" has the shape [{string.Join(", ", vectors)}], two dimensions with at most {1 << 14} rows are needed.");
    }

    private static void WritePart(string path, Weights weights, Func<string, bool> takes)
    {
        if (weights.Shapes.Any(s => takes(s.Name)))
        {
            WeightFile.Write(path, weights, name => takes(name) ? name : null);
        }
    }
}

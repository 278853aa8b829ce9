// A model folder: Hugging Face layout (config.json, model.safetensors, tokenizer files) plus bge.json.
// What only pre-training needs (MLM head, decoder) stands in pretraining.safetensors, so that other tools see a plain encoder.

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
            if (weights.Shapes.Any(s => !encoder.Contains(s.Name)))
            {
                WeightFile.Write(Path.Combine(staging, PretrainingFile), weights, name => encoder.Contains(name) ? null : name);
            }
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
        string pretraining = Path.Combine(folder, PretrainingFile);
        if (missing.Count > 0 && File.Exists(pretraining))
        {
            using SafeTensorsFile more = SafeTensorsFile.Open(pretraining);
            IReadOnlyList<string> still = WeightFile.Read(more, weights, prefix);
            missing = [.. missing.Intersect(still)];
        }
        HashSet<string> encoder = [.. Encoder.Shapes(prefix, config).Select(s => s.Name)];
        if (missing.FirstOrDefault(encoder.Contains) is string lacking)
        {
            throw new BadInput($"{folder}: the weights have no \"{lacking[prefix.Length..]}\"; this is not a whole {config.ModelType} encoder.");
        }
        return missing;
    }
}

// A model folder → what other tools load. The three targets are one layout that grows:
//   huggingface              config.json, model.safetensors, tokenizer files, and the heads as FlagEmbedding's two torch files when there are heads
//   sentence-transformers    the same, with modules.json, 1_Pooling, 2_Normalize, longest text and prompts
//   flagembedding            the same; both heads or none, because FlagEmbedding starts both at random when one is missing
// A cross-encoder goes out as transformers' sequence classifier with one logit, whomever it is for: sentence-transformers' CrossEncoder and FlagEmbedding's
// reranker load just that.
// bge.json goes along in all of them, so that nothing is lost on the way back; other tools do not look at it.

using System.Globalization;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>Whom an exported folder is for.</summary>
public enum ExportTarget
{
    /// <summary>transformers, and what reads its folders.</summary>
    HuggingFace,

    /// <summary>sentence-transformers.</summary>
    SentenceTransformers,

    /// <summary>FlagEmbedding.</summary>
    FlagEmbedding,
}

/// <summary>Exports model folders.</summary>
public static class ModelExport
{
    private static readonly Dictionary<string, ExportTarget> s_targets = new(StringComparer.Ordinal)
    {
        ["huggingface"] = ExportTarget.HuggingFace,
        ["sentence-transformers"] = ExportTarget.SentenceTransformers,
        ["flagembedding"] = ExportTarget.FlagEmbedding,
    };

    /// <summary>The names of <see cref="Parse"/>.</summary>
    public static IReadOnlyCollection<string> TargetNames => s_targets.Keys;

    /// <summary>Reads "huggingface", "sentence-transformers" or "flagembedding".</summary>
    /// <exception cref="BadInput">Another name.</exception>
    public static ExportTarget Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (s_targets.TryGetValue(name, out ExportTarget target))
        {
            return target;
        }
        throw new BadInput(name.Equals("onnx", StringComparison.OrdinalIgnoreCase)
            ? $"--to onnx: ONNX files are not written yet; {string.Join(", ", TargetNames)} are; nothing was written."
            : $"--to {name}: {string.Join(", ", TargetNames)} are known{(BadInput.Nearest(name, TargetNames) is { } near ? $" (did you mean {near}?)" : "")}; nothing was written.");
    }

    /// <summary>Writes a folder for another tool.</summary>
    /// <param name="model">A model folder, ours or one that <see cref="ModelImport"/> takes.</param>
    /// <param name="target">Whom for.</param>
    /// <param name="folder">Must not exist or be empty; appears whole or not at all.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="BadInput">The model is not whole, the target cannot take it, or the folder is taken; nothing was written.</exception>
    /// <exception cref="IOException">The disk refused.</exception>
    public static ModelAccount Run(string model, ExportTarget target, string folder, CancellationToken cancellation = default)
    {
        using SourceModel source = SourceModel.Open(model);
        (int sparse, int multi) = (source.Heads.Sparse.Count, source.Heads.MultiVector.Count);
        if (target == ExportTarget.FlagEmbedding && sparse != multi)
        {
            throw new BadInput($"{model}: has {source.Heads.Describe()} only; FlagEmbedding would start both heads at random, so export to huggingface or sentence-transformers, or add the other head with \"bge import --init-heads\" and train it; nothing was written.");
        }
        using StagedFolder staged = StagedFolder.Create(folder);
        TokenizerFiles.Copy(source.Said.TransformerFolder, staged.Path);
        bool judge = source.Relevance.Count > 0;
        string purpose = judge ? "ForSequenceClassification" : "Model";
        ModelConfig config = source.Config with { Architecture = (source.Config.Kind == ModelKind.Bert ? "Bert" : "XLMRoberta") + purpose, LabelCount = judge ? 1 : 0 };
        config.Save(staged.Path, source.Encoder.Type);
        ITokenizer tokenizer = TokenizerFiles.Load(staged.Path, source.Said.TransformerFolder, config);
        source.CheckCasing(tokenizer);
        TokenizerFiles.Complete(staged.Path, tokenizer, config);
        source.Card.Save(staged.Path);
        source.Heads.SaveTorch(staged.Path);
        if (target != ExportTarget.HuggingFace && !judge)
        {
            SentenceTransformersWriter.Write(staged.Path, config, source.Card);
        }
        IReadOnlyList<TensorToWrite> weights = judge ? RelevanceTensors.Classifier(config.Kind, source.Encoder.Encoder, source.Relevance) : source.Encoder.Encoder;
        SafeTensorsWriter.WriteFolder(staged.Path, ModelImport.Stoppable(weights, cancellation));
        cancellation.ThrowIfCancellationRequested();
        bool fast = File.Exists(Path.Combine(staged.Path, "tokenizer.json"));
        staged.Commit();
        return Account(source, target, tokenizer, fast);
    }

    private static ModelAccount Account(SourceModel source, ExportTarget target, ITokenizer tokenizer, bool fast)
    {
        var taken = new List<string> { source.DescribeEncoder() };
        if (source.Relevance.Count > 0)
        {
            taken.Add("the cross-encoder's head, one logit");
        }
        if (source.Heads.Describe() is { Length: > 0 } heads)
        {
            taken.Add(heads);
        }
        taken.Add(string.Create(CultureInfo.InvariantCulture, $"the tokenizer: {tokenizer.VocabularySize} tokens"));
        string[] leftOut = [.. source.Encoder.LeftOut, .. source.Pretraining.Count > 0 ? ["masked-language head and decoder (only pre-training here uses them)"] : Array.Empty<string>()];
        var notes = new List<string>();
        if (source.Relevance.Count > 0)
        {
            notes.Add("this is a cross-encoder: it takes a question and a passage together and gives one logit");
        }
        else if (target == ExportTarget.HuggingFace)
        {
            string instruction = (source.Card.QueryInstruction.Length > 0 ? $" and \"{source.Card.QueryInstruction}\" before queries" : "")
                + (source.Card.PassageInstruction.Length > 0 ? $" and \"{source.Card.PassageInstruction}\" before passages" : "");
            notes.Add($"nothing but bge.json tells a reader of this folder how to use it: pooling {source.Card.Pooling}{(source.Card.Normalize ? ", then unit length" : "")}{instruction}");
        }
        if (!fast)
        {
            notes.Add("there is no tokenizer.json; transformers makes one from sentencepiece.bpe.model when the sentencepiece package is there");
        }
        if (target == ExportTarget.FlagEmbedding && source.Heads.All.Count == 0 && source.Relevance.Count == 0)
        {
            notes.Add("there are no heads; take the dense vectors only, FlagEmbedding would start the others at random");
        }
        if (target == ExportTarget.FlagEmbedding && source.Card.Pooling != "cls" && source.Relevance.Count == 0)
        {
            notes.Add("FlagEmbedding pools by cls unless told otherwise; give pooling_method=\"mean\"");
        }
        return new ModelAccount(taken, leftOut, notes);
    }
}

// The classification head of a cross-encoder folder (bge-reranker-*): two dense layers to one logit, under the names that XLM-RoBERTa's have.
// BERT spells the same computation as its pooler and a classifier.

using BgeSharp.Formats;

namespace BgeSharp.Models;

/// <summary>Finds the head of a cross-encoder.</summary>
internal static class RelevanceTensors
{
    private static readonly (string Ours, string[] Theirs)[] s_names =
    [
        ("classifier.dense.weight", ["classifier.dense.weight", "bert.pooler.dense.weight", "pooler.dense.weight"]),
        ("classifier.dense.bias", ["classifier.dense.bias", "bert.pooler.dense.bias", "pooler.dense.bias"]),
        ("classifier.out_proj.weight", ["classifier.out_proj.weight", "classifier.weight"]),
        ("classifier.out_proj.bias", ["classifier.out_proj.bias", "classifier.bias"]),
    ];

    /// <summary>The head's four tensors, or nothing when the folder is no cross-encoder.</summary>
    /// <param name="folder">Where the weights lie; reranker.safetensors of this toolkit counts first.</param>
    /// <param name="weights">The open weight file.</param>
    /// <param name="config">For D.</param>
    /// <param name="keep">Told of a further file that must stay open.</param>
    /// <exception cref="BadInput">There is a head of more than one logit, or of another size.</exception>
    public static IReadOnlyList<TensorToWrite> Find(string folder, ITensorSource weights, ModelConfig config, Action<IDisposable> keep)
    {
        string own = Path.Combine(folder, ModelFiles.Reranker);
        ITensorSource source = weights;
        if (File.Exists(own))
        {
            keep(source = SafeTensorsFile.Open(own));
        }
        string?[] found = [.. s_names.Select(n => Array.Find(n.Theirs, source.Contains))];
        if (found[2] is null || found.Contains(null))
        {
            return [];
        }
        long size = config.HiddenSize;
        long[][] shapes = [[size, size], [size], [1, size], [1]];
        long[] logits = source[found[2]!].Shape;
        if (logits.Length == 2 && logits[0] != 1)
        {
            return [];      // a classifier of several classes judges no relevance
        }
        for (int i = 0; i < shapes.Length; i++)
        {
            if (!source[found[i]!].Shape.SequenceEqual(shapes[i]) || !source[found[i]!].Type.IsFloat())
            {
                throw new BadInput($"{source.Path}: \"{found[i]}\" is {source[found[i]!].Type} [{string.Join(", ", source[found[i]!].Shape.Take(8))}]; a cross-encoder of this size has [{string.Join(", ", shapes[i])}]; nothing was written.");
            }
        }
        return [.. s_names.Select((n, i) => TensorToWrite.From(source, found[i]!, n.Ours))];
    }

    /// <summary>Encoder and head as transformers' ...ForSequenceClassification names them.</summary>
    /// <param name="kind">Family of the encoder.</param>
    /// <param name="encoder">The encoder's tensors, without prefix.</param>
    /// <param name="head">What <see cref="Find"/> gave.</param>
    public static IReadOnlyList<TensorToWrite> Classifier(ModelKind kind, IReadOnlyList<TensorToWrite> encoder, IReadOnlyList<TensorToWrite> head)
    {
        bool bert = kind == ModelKind.Bert;
        string prefix = bert ? "bert." : "roberta.";
        return [.. encoder.Select(t => t with { Name = prefix + t.Name }), .. head.Select((t, i) => bert ? t with { Name = s_names[i].Theirs[1] } : t)];
    }
}

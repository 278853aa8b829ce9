// The weighted mean of models that went different ways from one start: fine-tuned and general, with and without instruction.          LM-Cocktail, Xiao et al. 2023
// Tensor by tensor and block by block, in float64 sums and float32 results: what is in memory is a block, whatever the size of a tensor and the number of models.

using System.Runtime.InteropServices;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>Merges model folders.</summary>
public static class ModelMerge
{
    // Numbers added up at a time: 12 MB with their sums.
    private const int BlockElements = 1 << 20;

    /// <summary>Writes the mean of some models. Heads are merged where all models have them, and left out otherwise; cross-encoders merge with cross-encoders.</summary>
    /// <param name="folders">At least two of the same sizes and vocabulary; the first one's tokenizer and bge.json are kept.</param>
    /// <param name="weights">One number a model with a sum above 0; they are divided by it. A negative one takes a model away.</param>
    /// <param name="folder">Must not exist or be empty; appears whole or not at all.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <returns>A sentence for each head that was left out.</returns>
    /// <exception cref="BadInput">The models do not fit together; nothing was written.</exception>
    public static IReadOnlyList<string> Run(IReadOnlyList<string> folders, IReadOnlyList<double> weights, string folder, CancellationToken cancellation = default)
        => Run(folders, weights, folder, BlockElements, cancellation);

    /// <summary>The same in blocks of another size.</summary>
    internal static IReadOnlyList<string> Run(IReadOnlyList<string> folders, IReadOnlyList<double> weights, string folder, int blockElements, CancellationToken cancellation)
    {
        if (folders.Count < 2)
        {
            throw new BadInput($"{(folders.Count > 0 ? folders[0] : "merge")}: one model has no mean; name two or more; nothing was written.");
        }
        double sum = weights.Sum();
        if (weights.Count != folders.Count || !(sum > 0) || !double.IsFinite(sum))
        {
            throw new BadInput($"--weights: {folders.Count} numbers with a sum above 0 are needed, one for each model; {weights.Count} with the sum {sum} were given; nothing was written.");
        }
        var open = new List<SourceModel>();
        try
        {
            foreach (string name in folders)
            {
                open.Add(SourceModel.Open(name));
                CheckFits(open[0], open[^1]);
            }
            double[] shares = [.. weights.Select(w => w / sum)];
            using StagedFolder staged = StagedFolder.Create(folder);
            TokenizerFiles.Copy(open[0].Said.TransformerFolder, staged.Path);
            (open[0].Config with { Architecture = open[0].Config.Kind == ModelKind.Bert ? "BertModel" : "XLMRobertaModel" }).Save(staged.Path);
            open[0].Card.Save(staged.Path);
            List<TensorToWrite> sparse = Mean([.. open.Select(m => m.Heads.Sparse)], shares, blockElements), multi = Mean([.. open.Select(m => m.Heads.MultiVector)], shares, blockElements);
            List<TensorToWrite> heads = [.. sparse, .. multi];
            string[] left = [.. LeftOut("sparse", sparse, open, m => m.Heads.Sparse), .. LeftOut("multi-vector", multi, open, m => m.Heads.MultiVector)];
            if (heads.Count > 0)
            {
                SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Heads), heads);
            }
            if (open[0].Relevance.Count > 0)
            {
                SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Reranker), Mean([.. open.Select(m => m.Relevance)], shares, blockElements));
            }
            SafeTensorsWriter.WriteFolder(staged.Path, ModelImport.Stoppable(Mean([.. open.Select(m => m.Encoder.Encoder)], shares, blockElements), cancellation));
            cancellation.ThrowIfCancellationRequested();
            staged.Commit();
            return left;
        }
        finally
        {
            open.ForEach(m => m.Dispose());
        }
    }

    private static void CheckFits(SourceModel first, SourceModel other)
    {
        bool same = first.Encoder.Encoder.Count == other.Encoder.Encoder.Count
            && first.Encoder.Encoder.Zip(other.Encoder.Encoder).All(p => p.First.Name == p.Second.Name && p.First.Shape.SequenceEqual(p.Second.Shape))
            && first.Config.Kind == other.Config.Kind && first.Config.HeadCount == other.Config.HeadCount;
        if (!same)
        {
            throw new BadInput($"{other.Folder}: other sizes than {first.Folder} (config.json); only models that come from one start can be merged; nothing was written.");
        }
        if (first.Relevance.Count != other.Relevance.Count)
        {
            (SourceModel with, SourceModel without) = first.Relevance.Count > other.Relevance.Count ? (first, other) : (other, first);
            throw new BadInput($"{without.Folder}: no cross-encoder, as {with.Folder} is, or one of another head; only models of one kind can be merged; nothing was written.");
        }
        if (ReferenceEquals(first, other))
        {
            return;
        }
        if (!TokenizerFile.Load(first.Said.TransformerFolder).HasTokensOf(TokenizerFile.Load(other.Said.TransformerFolder)))
        {
            throw new BadInput($"{other.Folder}: another vocabulary than {first.Folder}: the same numbers are other words, so their mean means nothing; only models that come from one start can be merged; nothing was written.");
        }
        if (first.Card.Pooling != other.Card.Pooling)
        {
            throw new BadInput($"{other.Folder}: {other.Card.Pooling} pooling, {first.Folder} has {first.Card.Pooling} (bge.json); only models that make their vectors alike can be merged; nothing was written.");
        }
    }

    private static IEnumerable<string> LeftOut(string head, List<TensorToWrite> merged, List<SourceModel> models, Func<SourceModel, IReadOnlyList<TensorToWrite>> part)
    {
        string[] having = [.. models.Where(m => part(m).Count > 0).Select(m => m.Folder)], lacking = [.. models.Where(m => part(m).Count == 0).Select(m => m.Folder)];
        if (merged.Count == 0 && having.Length > 0)
        {
            yield return lacking.Length > 0 ? $"{lacking[0]} has no {head} head, so the mean has none." : $"the models' {head} heads differ in size, so the mean has none.";
        }
    }

    // Nothing where one model lacks the part, or has it in another size.
    private static List<TensorToWrite> Mean(IReadOnlyList<TensorToWrite>[] models, double[] shares, int blockElements)
    {
        IReadOnlyList<TensorToWrite> first = models[0];
        bool all = models.All(m => m.Count == first.Count && m.Zip(first).All(p => p.First.Name == p.Second.Name && p.First.Shape.SequenceEqual(p.Second.Shape)));
        return !all ? [] : [.. first.Select((tensor, i) => new TensorToWrite(tensor.Name, TensorType.F32, tensor.Shape, stream => Write(stream, [.. models.Select(m => m[i])], shares, blockElements)))];
    }

    private static void Write(Stream stream, TensorToWrite[] tensors, double[] shares, int blockElements)
    {
        long count = tensors[0].Shape.Aggregate(1L, (a, b) => a * b);
        nint[] stored = [.. tensors.Select(t => t.Stored?.Invoke() ?? throw new InvalidOperationException($"\"{t.Name}\" is in no file"))];
        var mean = new double[Math.Min(count, blockElements)];
        var values = new float[mean.Length];
        for (long start = 0; start < count; start += blockElements)
        {
            Span<float> block = values.AsSpan(0, (int)Math.Min(blockElements, count - start));
            Array.Clear(mean);
            for (int m = 0; m < tensors.Length; m++)
            {
                TensorConversion.ToSingle(tensors[m].Type, stored[m] + (nint)(start * tensors[m].Type.Size()), block);
                for (int i = 0; i < block.Length; i++)
                {
                    mean[i] += shares[m] * block[i];
                }
            }
            for (int i = 0; i < block.Length; i++)
            {
                block[i] = (float)mean[i];
            }
            stream.Write(MemoryMarshal.AsBytes(block));
        }
    }
}

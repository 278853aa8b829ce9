// The weighted mean of models that went different ways from one start: fine-tuned and general, with and without instruction.          LM-Cocktail, Xiao et al. 2023
// Tensor by tensor, in float64 sums and float32 results: two tensors are in memory at a time, never a model.

using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>Merges model folders.</summary>
public static class ModelMerge
{
    /// <summary>Writes the mean of some models. Heads are merged where all models have them, and left out otherwise; cross-encoders merge with cross-encoders.</summary>
    /// <param name="folders">At least two of the same sizes and vocabulary; the first one's tokenizer and bge.json are kept.</param>
    /// <param name="weights">One number a model with a sum above 0; they are divided by it. A negative one takes a model away.</param>
    /// <param name="folder">Must not exist or be empty; appears whole or not at all.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="BadInput">The models do not fit together; nothing was written.</exception>
    public static void Run(IReadOnlyList<string> folders, IReadOnlyList<double> weights, string folder, CancellationToken cancellation = default)
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
            List<TensorToWrite> heads = [.. Mean([.. open.Select(m => m.Heads.Sparse)], shares), .. Mean([.. open.Select(m => m.Heads.MultiVector)], shares)];
            if (heads.Count > 0)
            {
                SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Heads), heads);
            }
            if (open[0].Relevance.Count > 0)
            {
                SafeTensorsWriter.Write(Path.Combine(staged.Path, ModelFiles.Reranker), Mean([.. open.Select(m => m.Relevance)], shares));
            }
            SafeTensorsWriter.WriteFolder(staged.Path, ModelImport.Stoppable(Mean([.. open.Select(m => m.Encoder.Encoder)], shares), cancellation));
            cancellation.ThrowIfCancellationRequested();
            staged.Commit();
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

    // Nothing where one model lacks the part, or has it in another size.
    private static List<TensorToWrite> Mean(IReadOnlyList<TensorToWrite>[] models, double[] shares)
    {
        IReadOnlyList<TensorToWrite> first = models[0];
        bool all = models.All(m => m.Count == first.Count && m.Zip(first).All(p => p.First.Name == p.Second.Name && p.First.Shape.SequenceEqual(p.Second.Shape)));
        return !all ? [] : [.. first.Select((tensor, i) => new TensorToWrite(tensor.Name, TensorType.F32, tensor.Shape, stream => Write(stream, [.. models.Select(m => m[i])], shares)))];
    }

    private static unsafe void Write(Stream stream, TensorToWrite[] tensors, double[] shares)
    {
        long count = tensors[0].Shape.Aggregate(1L, (a, b) => a * b);
        var mean = new double[checked((int)count)];
        var values = new float[mean.Length];
        for (int m = 0; m < tensors.Length; m++)
        {
            using var bytes = new MemoryStream(checked((int)tensors[m].ByteLength));
            tensors[m].Write(bytes);
            fixed (byte* start = bytes.GetBuffer())
            {
                TensorConversion.ToSingle(tensors[m].Type, (nint)start, values);
            }
            for (int i = 0; i < mean.Length; i++)
            {
                mean[i] += shares[m] * values[i];
            }
        }
        for (int i = 0; i < mean.Length; i++)
        {
            values[i] = (float)mean[i];
        }
        stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
    }
}

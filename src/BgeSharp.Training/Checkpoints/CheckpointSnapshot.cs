// A copy of weights and moments as they are at one step, so that a file can be written while training goes on. Costs 4 bytes a weight and 8 more where it is trained, once for the stage.

using BgeSharp.Formats;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;

namespace BgeSharp.Training.Checkpoints;

/// <summary>Three flat buffers in main memory, and how they become files.</summary>
public sealed class CheckpointSnapshot : IDisposable
{
    /// <summary>Weights by their names in memory.</summary>
    public const string WeightsFile = "weights.safetensors";

    /// <summary>"exp_avg" and "exp_avg_sq" of the weights that are trained, flat, in the order of the weight buffer.</summary>
    public const string OptimizerFile = "optimizer.safetensors";

    private const long Part = 1 << 22;
    private readonly IReadOnlyList<WeightShape> _shapes;
    private readonly Tensor _values, _first, _second;

    /// <summary>Makes the buffers.</summary>
    public CheckpointSnapshot(Weights weights)
    {
        _shapes = weights.Shapes;
        static Tensor Buffer(long count) => zeros(count, ScalarType.Float32, CPU).DetachFromDisposeScope();
        (_values, _first, _second) = (Buffer(weights.Count), Buffer(weights.TrainableCount), Buffer(weights.TrainableCount));
    }

    /// <summary>Takes a copy.</summary>
    public void Take(Weights weights, AdamW optimizer)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _values.copy_(weights.Values);
        optimizer.CopyWhole(optimizer.FirstMoment, _first);
        optimizer.CopyWhole(optimizer.SecondMoment, _second);
    }

    /// <summary>What ranks that write no checkpoint do while rank 0 takes a copy of sharded moments.</summary>
    public static void Contribute(AdamW optimizer)
    {
        optimizer.CopyWhole(optimizer.FirstMoment, null);
        optimizer.CopyWhole(optimizer.SecondMoment, null);
    }

    /// <summary>Writes the copy into a folder. Computes nothing, so that it takes no cores from the training thread.</summary>
    public void Write(string folder)
    {
        var tensors = new List<TensorToWrite>(_shapes.Count);
        long offset = 0;
        foreach (WeightShape shape in _shapes)
        {
            long start = offset;
            tensors.Add(new TensorToWrite(shape.Name, TensorType.F32, shape.Shape, stream => Copy(stream, _values, start, shape.Count)));
            offset += shape.Count;
        }
        SafeTensorsWriter.Write(Path.Combine(folder, WeightsFile), tensors);
        long trained = _first.shape[0];
        SafeTensorsWriter.Write(Path.Combine(folder, OptimizerFile),
        [
            new TensorToWrite("exp_avg", TensorType.F32, [trained], stream => Copy(stream, _first, 0, trained)),
            new TensorToWrite("exp_avg_sq", TensorType.F32, [trained], stream => Copy(stream, _second, 0, trained)),
        ]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    private static void Copy(Stream stream, Tensor values, long start, long count)
    {
        for (long end = start + count; start < end; start += Part)
        {
            using Tensor part = values.narrow(0, start, Math.Min(Part, end - start));
            stream.Write(part.bytes);
        }
    }
}

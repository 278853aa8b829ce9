// The middle of the vocabulary loss on the processor: for each row of logits its loss, whether the target is the highest, and (softmax − onehot)/N in place of the logits.
// Row by row, so that a row of 21,000 floats stays in the processor's cache from the first pass to the last; as tensor operations each pass would go through memory.

using System.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Objectives;

/// <summary>Softmax, cross-entropy and its gradient in one visit of each row.</summary>
internal static unsafe class LogitRows
{
    /// <summary>True for tensors that can be worked on in place by the processor.</summary>
    public static bool Fits(Tensor logits) => logits.device.type == TorchSharp.DeviceType.CPU && logits.dtype is ScalarType.Float32 or ScalarType.Float64;

    /// <param name="logits">[c, V], contiguous, float32 or float64 on the processor; receives the gradient when it is wanted.</param>
    /// <param name="targets">c ids below V.</param>
    /// <param name="count">N: the gradient is divided by it.</param>
    /// <param name="gradient">False leaves the logits in an undefined state and saves a pass.</param>
    /// <returns>Sum of −log softmax(row)[target] over the rows in nats, and how many rows had their target highest.</returns>
    public static (double Loss, long Correct) Run(Tensor logits, ReadOnlySpan<long> targets, double count, bool gradient)
    {
        fixed (byte* data = logits.bytes)
        fixed (long* ids = targets)
        {
            return logits.dtype == ScalarType.Float32
                ? Run((float*)data, ids, targets.Length, (int)logits.shape[1], count, gradient)
                : Run((double*)data, ids, targets.Length, (int)logits.shape[1], count, gradient);
        }
    }

    private static (double Loss, long Correct) Run<T>(T* logits, long* targets, int rows, int vocabulary, double count, bool gradient)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Losses are added up in the order of the rows, whatever thread they came from.
        var losses = new double[rows];
        var hits = new bool[rows];
        Parallel.For(0, rows, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, i =>
        {
            var row = new Span<T>(logits + ((long)i * vocabulary), vocabulary);
            int target = (int)targets[i];
            int best = TensorPrimitives.IndexOfMax<T>(row);
            (T largest, T wanted) = (row[best], row[target]);
            TensorPrimitives.Subtract(row, largest, row);
            TensorPrimitives.Exp<T>(row, row);
            T sum = TensorPrimitives.Sum<T>(row);
            losses[i] = Math.Log(double.CreateChecked(sum)) - double.CreateChecked(wanted - largest);
            hits[i] = best == target;
            if (gradient)
            {
                T one = T.One / T.CreateChecked(count);
                TensorPrimitives.Multiply(row, one / sum, row);
                row[target] -= one;
            }
        });
        return (losses.Sum(), hits.LongCount(h => h));
    }
}

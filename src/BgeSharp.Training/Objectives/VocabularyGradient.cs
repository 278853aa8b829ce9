// The gradient of a vocabulary's vectors, added where all of them are summed up. In the type of the sum one product does it in place; in another type (bfloat16 beside float32) the product would
// exist whole, and its copy in the sum's type too: with 250,002 words of 768 numbers 1.2 GB for a chunk of 0.1. So it goes slice by slice of the vocabulary.

namespace BgeSharp.Training.Objectives;

/// <summary>Adds errorᵀ · rows.</summary>
internal static class VocabularyGradient
{
    // Numbers of a slice: on a processor small enough for its caches, elsewhere few launches.
    private const long OnProcessor = 1 << 20, Elsewhere = 1 << 24;

    /// <param name="sum">[V, D] in the master type.</param>
    /// <param name="error">[c, V], gradient of the logits in the compute type.</param>
    /// <param name="rows">[c, D] in the compute type.</param>
    public static void Add(Tensor sum, Tensor error, Tensor rows)
    {
        if (rows.dtype == sum.dtype)
        {
            sum.addmm_(error.t(), rows, 1, 1);
            return;
        }
        long vocabulary = sum.shape[0], slice = Math.Max(1, (sum.device_type == TorchSharp.DeviceType.CPU ? OnProcessor : Elsewhere) / sum.shape[1]);
        for (long start = 0; start < vocabulary; start += slice)
        {
            using var scope = NewDisposeScope();
            long count = Math.Min(slice, vocabulary - start);
            sum.narrow(0, start, count).AddInPlace(error.narrow(1, start, count).t().matmul(rows));
        }
    }
}

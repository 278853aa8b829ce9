// What groups of processes on main memory have in common: tensors become spans of bytes in buckets of bounded length, so that no message is too long
// to be counted in 31 bits, and so that a bucket that does not get through is noticed soon.

namespace BgeSharp.Training.Collectives;

/// <summary>Collectives over spans.</summary>
public abstract class CpuProcessGroup : IProcessGroup
{
    /// <summary>Most bytes of one message.</summary>
    public const int BucketBytes = 64 << 20;

    /// <inheritdoc/>
    public abstract int Rank { get; }

    /// <inheritdoc/>
    public abstract int Size { get; }

    /// <inheritdoc/>
    public void Sum(Tensor values)
    {
        if (values.dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float64 or ScalarType.Int64))
        {
            throw new ArgumentException($"no sums of {values.dtype} over ranks", nameof(values));
        }
        ScalarType type = values.dtype;
        Meet();
        InBuckets(values, bytes => Sum(bytes, type));
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor values, int root = 0)
    {
        Meet();
        InBuckets(values, bytes => Broadcast(bytes, root));
    }

    /// <inheritdoc/>
    public Tensor Gather(Tensor rows)
    {
        var counts = new long[Size];
        counts[Rank] = rows.shape[0];
        Meet();
        Sum(System.Runtime.InteropServices.MemoryMarshal.AsBytes(counts.AsSpan()), ScalarType.Int64);
        Tensor all = empty([counts.Sum(), .. rows.shape[1..]], rows.dtype, CPU);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        long start = 0;
        for (int rank = 0; rank < Size; start += counts[rank++])
        {
            if (counts[rank] > 0)
            {
                Tensor part = all.narrow(0, start, counts[rank]);
                if (rank == Rank)
                {
                    part.copy_(rows);
                }
                int root = rank;
                InBuckets(part, bytes => Broadcast(bytes, root));
            }
        }
        return rows.device_type == TorchSharp.DeviceType.CPU ? all : all.to(rows.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Barrier() => Meet();

    /// <inheritdoc/>
    public abstract void Abort(string? sentence, int exitCode);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Waits for all ranks, without limit while they are alive.</summary>
    protected abstract void Meet();

    /// <summary>Sums one bucket; all ranks are there.</summary>
    /// <param name="values">At most <see cref="BucketBytes"/>.</param>
    /// <param name="type">float32, bfloat16, float64 or int64.</param>
    protected abstract void Sum(Span<byte> values, ScalarType type);

    /// <summary>Copies one bucket from a rank; all ranks are there.</summary>
    protected abstract void Broadcast(Span<byte> values, int root);

    private delegate void OnBytes(Span<byte> bytes);

    private static void InBuckets(Tensor values, OnBytes act)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor flat = values.detach().view(-1);
        long length = BucketBytes / values.ElementSize;
        for (long start = 0; start < flat.shape[0]; start += length)
        {
            Tensor bucket = flat.narrow(0, start, Math.Min(length, flat.shape[0] - start));
            if (values.device_type == TorchSharp.DeviceType.CPU)
            {
                act(bucket.bytes);
                continue;
            }
            Tensor here = bucket.cpu();       // a device without a group of its own
            act(here.bytes);
            bucket.copy_(here);
        }
    }
}

// Tensors on CUDA devices go from device to device by NCCL; everything else, the hand-over of NCCL's unique id and the watch over the ranks stay with MPI.
// Ranks meet over MPI before each collective, so a rank that is gone is noticed there and not in a kernel that waits for ever.

using BgeSharp.Training.Collectives.Native;

namespace BgeSharp.Training.Collectives;

/// <summary>A group whose CUDA tensors do not pass through main memory.</summary>
public sealed class NcclProcessGroup : IProcessGroup
{
    private readonly IProcessGroup _host;
    private readonly NcclLibrary _nccl;
    private readonly Action _wait;
    private readonly nint _communicator;

    internal NcclProcessGroup(IProcessGroup host, NcclLibrary nccl, Action wait)
    {
        (_host, _nccl, _wait) = (host, nccl, wait);
        NcclUniqueId id = default;
        if (host.Leads())
        {
            id = nccl.NewId();
        }
        ReadOnlySpan<byte> told = host.Tell(host.Leads() ? ((ReadOnlySpan<byte>)id).ToArray() : null);
        told.CopyTo(id);
        _communicator = nccl.Join(id, host.Rank, host.Size);
    }

    /// <inheritdoc/>
    public int Rank => _host.Rank;

    /// <inheritdoc/>
    public int Size => _host.Size;

    /// <summary>The group for a device: with NCCL for CUDA where the system has it, else the host's own, which copies through main memory.</summary>
    /// <param name="host">Ranks on main memory.</param>
    /// <param name="device">Where the tensors are.</param>
    public static IProcessGroup Over(IProcessGroup host, Device device)
    {
        if (host.Size == 1 || device.type != TorchSharp.DeviceType.CUDA)
        {
            return host;
        }
        NcclLibrary? nccl = NcclLibrary.Load();
        bool everywhere = !host.Any(nccl is null)[0];
        return everywhere ? new NcclProcessGroup(host, nccl!, () => cuda.synchronize(device)) : host;
    }

    /// <inheritdoc/>
    public void Sum(Tensor values)
    {
        if (values.device_type != TorchSharp.DeviceType.CUDA)
        {
            _host.Sum(values);
            return;
        }
        Act(values, (address, count) => _nccl.AllReduce(address, count, values.dtype, _communicator));
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor values, int root = 0)
    {
        if (values.device_type != TorchSharp.DeviceType.CUDA)
        {
            _host.Broadcast(values, root);
            return;
        }
        Act(values, (address, count) => _nccl.Broadcast(address, count, values.dtype, root, _communicator));
    }

    /// <inheritdoc/>
    public Tensor Gather(Tensor rows)
    {
        if (rows.device_type != TorchSharp.DeviceType.CUDA)
        {
            return _host.Gather(rows);
        }
        using var noGrad = no_grad();
        var counts = new long[Size];
        counts[Rank] = rows.shape[0];
        counts = _host.Total(counts);
        Tensor all = empty([counts.Sum(), .. rows.shape[1..]], rows.dtype, rows.device);
        long start = 0;
        for (int rank = 0; rank < Size; start += counts[rank++])
        {
            if (counts[rank] == 0)
            {
                continue;
            }
            using Tensor part = all.narrow(0, start, counts[rank]);
            if (rank == Rank)
            {
                part.copy_(rows);
            }
            Broadcast(part, rank);
        }
        return all;
    }

    /// <inheritdoc/>
    public void Barrier() => _host.Barrier();

    /// <inheritdoc/>
    public void Abort(string? sentence, int exitCode) => _host.Abort(sentence, exitCode);

    /// <summary>Leaves NCCL; the host group stays.</summary>
    public void Dispose() => _nccl.Leave(_communicator);

    private void Act(Tensor values, Action<nint, long> act)
    {
        _wait();              // what makes the values has run on every rank when the barrier is over
        _host.Barrier();
        act(AddressOf(values), values.numel());
        _wait();
    }

    // Where a tensor's numbers are on its device.
    private static nint AddressOf(Tensor values) => values.dtype switch
    {
        ScalarType.Float32 => values.storage<float>().data_ptr() + (nint)(values.storage_offset() * sizeof(float)),
        ScalarType.Float64 => values.storage<double>().data_ptr() + (nint)(values.storage_offset() * sizeof(double)),
        ScalarType.Int64 => values.storage<long>().data_ptr() + (nint)(values.storage_offset() * sizeof(long)),
        ScalarType.BFloat16 => values.storage<TorchSharp.BFloat16>().data_ptr() + (nint)(values.storage_offset() * sizeof(short)),
        _ => throw new ArgumentException($"no collectives of {values.dtype} on a CUDA device", nameof(values)),
    };
}

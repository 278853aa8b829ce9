// The native seams without the libraries: handles of both families of MPI, sums of bfloat16, and every argument of NCCL's calls as a stand-in receives it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Collectives.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed unsafe class NativeTests
{
    private static readonly List<string> Calls = [];

    [Fact]
    public void Handles_are_exported_addresses_or_fixed_numbers()
    {
        MpiHandles open = MpiHandles.Of(name => name.StartsWith("ompi_", StringComparison.Ordinal) ? 1000 + name.Length : 0);
        Assert.Equal(("Open MPI", (nint)1000 + "ompi_mpi_comm_world".Length, (nint)1, (nint)0, -1), (open.Family, open.World, open.InPlace, open.StatusIgnore, open.AnySource));
        MpiHandles other = MpiHandles.Of(_ => 0);
        Assert.Equal(("MPICH", (nint)0x44000000, (nint)(-1), (nint)1, -2), (other.Family, other.World, other.InPlace, other.StatusIgnore, other.AnySource));
        // Bits 8 to 15 of MPICH's basic types are their size in bytes.
        Assert.Equal([1, 4, 8, 8, 2], new[] { other.Byte, other.Single, other.Double, other.Int64, other.UInt16 }.Select(t => (int)((t >> 8) & 0xFF)));
        Assert.Contains("ompi_mpi_byte", Assert.Throws<BadInput>(() => MpiHandles.Of(name => name == "ompi_mpi_comm_world" ? 1 : 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bfloat16_sums_round_to_nearest_even_as_libtorch_does()
    {
        using var scope = NewDisposeScope();
        using var seeded = new Generator(5);
        Tensor a = randn(1003, generator: seeded).to_type(ScalarType.BFloat16), b = randn(1003, generator: seeded).to_type(ScalarType.BFloat16);
        float[] special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, -0f, 3.3e38f, 1e-40f];
        a = cat([a, tensor(special).to_type(ScalarType.BFloat16)]);
        b = cat([b, tensor(special).to_type(ScalarType.BFloat16)]);
        ushort[] sum = Words(b);
        BrainFloatSum.Add(Words(a), sum);
        float[] wanted = (a.to_type(ScalarType.Float32) + b.to_type(ScalarType.Float32)).to_type(ScalarType.BFloat16).to_type(ScalarType.Float32).data<float>().ToArray();
        Assert.Equal(wanted, sum.Select(s => BitConverter.UInt32BitsToSingle((uint)s << 16)));

        static ushort[] Words(Tensor values) => MemoryMarshal.Cast<byte, ushort>(values.bytes).ToArray();
    }

    [Fact]
    public void Calls_of_NCCL_carry_what_they_should()
    {
        Assert.Equal(128, sizeof(NcclUniqueId));
        Calls.Clear();
        var nccl = new NcclLibrary(name => name switch
        {
            "ncclGetUniqueId" => (nint)(delegate* unmanaged<NcclUniqueId*, int>)&GetUniqueId,
            "ncclCommInitRank" => (nint)(delegate* unmanaged<nint*, int, NcclUniqueId, int, int>)&InitRank,
            "ncclAllReduce" => (nint)(delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)&Collective,
            "ncclBroadcast" => (nint)(delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)&Collective,
            "ncclCommDestroy" or "ncclCommAbort" => (nint)(delegate* unmanaged<nint, int>)&Destroy,
            "ncclGetErrorString" => (nint)(delegate* unmanaged<int, byte*>)&ErrorString,
            _ => 0,
        });
        // Two ranks: the id that rank 0 makes reaches rank 1 over the host group.
        ThreadGroup.Run(2, host =>
        {
            using var group = new NcclProcessGroup(host, nccl, () => { });
            return 0;
        });
        Assert.Equal(["get", "init 0 of 2 with 0..127", "init 1 of 2 with 0..127", "destroy 4711", "destroy 4711"], Calls.Order(StringComparer.Ordinal).OrderBy(c => "gid".IndexOf(c[0], StringComparison.Ordinal)));
        Calls.Clear();
        nccl.AllReduce(0x1000, 5_000_000_000, ScalarType.Float32, 4711);
        nccl.AllReduce(0x1000, 7, ScalarType.BFloat16, 4711);
        nccl.Broadcast(0x2000, 9, ScalarType.Int64, 1, 4711);
        Assert.Equal(["4096 4096 5000000000 type 7 with 0 on 4711 stream 0", "4096 4096 7 type 9 with 0 on 4711 stream 0", "8192 8192 9 type 4 with 1 on 4711 stream 0"], Calls);
        Assert.Contains("no luck", Assert.Throws<IOException>(() => nccl.AllReduce(0, 1, ScalarType.Float64, 4711)).Message, StringComparison.Ordinal);
    }

    [UnmanagedCallersOnly]
    private static int GetUniqueId(NcclUniqueId* id)
    {
        Span<byte> bytes = new(id, 128);
        for (int i = 0; i < 128; i++)
        {
            bytes[i] = (byte)i;
        }
        Calls.Add("get");
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int InitRank(nint* communicator, int size, NcclUniqueId id, int rank)
    {
        byte* bytes = (byte*)&id;
        bool whole = true;
        for (int i = 0; i < 128; i++)
        {
            whole &= bytes[i] == i;
        }
        Calls.Add(FormattableString.Invariant($"init {rank} of {size} with {(whole ? "0..127" : "something else")}"));
        *communicator = 4711;
        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Collective(nint from, nint to, nuint count, int type, int argument, nint communicator, nint stream)
    {
        Calls.Add(FormattableString.Invariant($"{from} {to} {count} type {type} with {argument} on {communicator} stream {stream}"));
        return from == 0 ? 3 : 0;
    }

    [UnmanagedCallersOnly]
    private static int Destroy(nint communicator)
    {
        Calls.Add(FormattableString.Invariant($"destroy {communicator}"));
        return 0;
    }

    [UnmanagedCallersOnly]
    private static byte* ErrorString(int code) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference("no luck\0"u8));
}

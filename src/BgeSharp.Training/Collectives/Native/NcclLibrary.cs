// libnccl by its C interface, found at run time. The unique id is 128 bytes that go by value; types and operations are numbers of nccl.h that have not changed
// since bfloat16 came in 2.10.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BgeSharp.Training.Collectives.Native;

/// <summary>ncclUniqueId: says which ranks belong together.</summary>
[InlineArray(Length)]
internal struct NcclUniqueId
{
    /// <summary>NCCL_UNIQUE_ID_BYTES.</summary>
    public const int Length = 128;

    private byte _first;
}

/// <summary>A loaded NCCL.</summary>
internal sealed unsafe class NcclLibrary
{
    /// <summary>Names a libnccl to use in place of the one that the system finds.</summary>
    public const string PathVariable = "BGESHARP_NCCL";

    private readonly delegate* unmanaged<NcclUniqueId*, int> _getUniqueId;
    private readonly delegate* unmanaged<nint*, int, NcclUniqueId, int, int> _initRank;
    private readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int> _broadcast;
    private readonly delegate* unmanaged<nint, int> _destroy, _abort;
    private readonly delegate* unmanaged<int, byte*> _errorString;

    /// <param name="export">Address of an exported name, 0 when there is none.</param>
    public NcclLibrary(Func<string, nint> export)
    {
        _getUniqueId = (delegate* unmanaged<NcclUniqueId*, int>)Needed("ncclGetUniqueId");
        _initRank = (delegate* unmanaged<nint*, int, NcclUniqueId, int, int>)Needed("ncclCommInitRank");
        _allReduce = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Needed("ncclAllReduce");
        _broadcast = (delegate* unmanaged<nint, nint, nuint, int, int, nint, nint, int>)Needed("ncclBroadcast");
        _destroy = (delegate* unmanaged<nint, int>)Needed("ncclCommDestroy");
        _abort = (delegate* unmanaged<nint, int>)Needed("ncclCommAbort");
        _errorString = (delegate* unmanaged<int, byte*>)Needed("ncclGetErrorString");

        nint Needed(string name) => export(name) is var address and not 0 ? address : throw new BadInput($"this libnccl does not export {name}; NCCL 2.10 or later is needed.");
    }

    /// <summary>Loads the system's NCCL; null when there is none.</summary>
    /// <exception cref="BadInput">The library that <see cref="PathVariable"/> names cannot be loaded.</exception>
    public static NcclLibrary? Load()
    {
        string? given = Environment.GetEnvironmentVariable(PathVariable);
        foreach (string name in string.IsNullOrEmpty(given) ? ["libnccl.so.2", "libnccl.so"] : new[] { given })
        {
            if (NativeLibrary.TryLoad(name, out nint library))
            {
                return new NcclLibrary(MpiHandles.ExportsOf(library));
            }
        }
        return string.IsNullOrEmpty(given) ? null : throw new BadInput($"{PathVariable}={given}: this NCCL library cannot be loaded; name the file libnccl.so.2 itself, or unset the variable.");
    }

    /// <summary>ncclDataType_t of a type.</summary>
    public static int TypeOf(ScalarType type) => type switch
    {
        ScalarType.Int8 or ScalarType.Bool => 0,
        ScalarType.Byte => 1,
        ScalarType.Int32 => 2,
        ScalarType.Int64 => 4,
        ScalarType.Float16 => 6,
        ScalarType.Float32 => 7,
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 => 9,
        _ => throw new ArgumentException($"NCCL has no {type}", nameof(type)),
    };

    public NcclUniqueId NewId()
    {
        NcclUniqueId id;
        Check(_getUniqueId(&id), "ncclGetUniqueId");
        return id;
    }

    public nint Join(NcclUniqueId id, int rank, int size)
    {
        nint communicator = 0;
        Check(_initRank(&communicator, size, id, rank), "ncclCommInitRank");
        return communicator;
    }

    /// <summary>In place, on the default stream.</summary>
    public void AllReduce(nint values, long count, ScalarType type, nint communicator) => Check(_allReduce(values, values, (nuint)count, TypeOf(type), 0, communicator, 0), "ncclAllReduce");

    /// <summary>In place, on the default stream.</summary>
    public void Broadcast(nint values, long count, ScalarType type, int root, nint communicator) => Check(_broadcast(values, values, (nuint)count, TypeOf(type), root, communicator, 0), "ncclBroadcast");

    public void Leave(nint communicator) => _ = _destroy(communicator);

    public void Abort(nint communicator) => _ = _abort(communicator);

    private void Check(int code, string call)
    {
        if (code != 0)
        {
            throw new IOException($"{call} failed: {Marshal.PtrToStringUTF8((nint)_errorString(code)) ?? $"code {code}"}");
        }
    }
}

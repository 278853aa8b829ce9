// libmpi by its C interface. Found at run time, so a program without MPI on its machine needs none. One thread at a time calls it.

using System.Runtime.InteropServices;
using System.Text;

namespace BgeSharp.Training.Collectives.Native;

/// <summary>A loaded MPI library.</summary>
internal sealed unsafe partial class MpiLibrary
{
    /// <summary>Names a libmpi to use in place of the one that the system finds.</summary>
    public const string PathVariable = "BGESHARP_MPI";

    /// <summary>MPI_THREAD_SERIALIZED: several threads call, one at a time.</summary>
    public const int Serialized = 2;

    private static readonly string[] Names = ["libmpi.so.40", "libmpi.so.12", "libmpich.so.12", "libmpi.so", "libmpi.dylib", "msmpi.dll"];

    private readonly delegate* unmanaged<int*, nint, int, int*, int> _initThread;
    private readonly delegate* unmanaged<nint, int*, int> _rank, _size;
    private readonly delegate* unmanaged<nint, nint, int> _setErrorHandler;
    private readonly delegate* unmanaged<nint, nint*, int> _duplicate;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, int> _allReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged<nint, nint*, int> _ibarrier;
    private readonly delegate* unmanaged<nint*, int*, nint, int> _test;
    private readonly delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int> _isend, _ireceive;
    private readonly delegate* unmanaged<nint*, int> _cancel, _free;
    private readonly delegate* unmanaged<nint, int, nint*, int> _createOperation;
    private readonly delegate* unmanaged<nint, int, int> _abort;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorString;
    private readonly delegate* unmanaged<byte*, int*, int> _version;

    private MpiLibrary(Func<string, nint> export)
    {
        Handles = MpiHandles.Of(export);
        _initThread = (delegate* unmanaged<int*, nint, int, int*, int>)Needed("MPI_Init_thread");
        _rank = (delegate* unmanaged<nint, int*, int>)Needed("MPI_Comm_rank");
        _size = (delegate* unmanaged<nint, int*, int>)Needed("MPI_Comm_size");
        _setErrorHandler = (delegate* unmanaged<nint, nint, int>)Needed("MPI_Comm_set_errhandler");
        _duplicate = (delegate* unmanaged<nint, nint*, int>)Needed("MPI_Comm_dup");
        _allReduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)Needed("MPI_Allreduce");
        _broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Needed("MPI_Bcast");
        _ibarrier = (delegate* unmanaged<nint, nint*, int>)Needed("MPI_Ibarrier");
        _test = (delegate* unmanaged<nint*, int*, nint, int>)Needed("MPI_Test");
        _isend = (delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int>)Needed("MPI_Isend");
        _ireceive = (delegate* unmanaged<void*, int, nint, int, int, nint, nint*, int>)Needed("MPI_Irecv");
        _cancel = (delegate* unmanaged<nint*, int>)Needed("MPI_Cancel");
        _free = (delegate* unmanaged<nint*, int>)Needed("MPI_Request_free");
        _createOperation = (delegate* unmanaged<nint, int, nint*, int>)Needed("MPI_Op_create");
        _abort = (delegate* unmanaged<nint, int, int>)Needed("MPI_Abort");
        _finalize = (delegate* unmanaged<int>)Needed("MPI_Finalize");
        _errorString = (delegate* unmanaged<int, byte*, int*, int>)Needed("MPI_Error_string");
        _version = (delegate* unmanaged<byte*, int*, int>)Needed("MPI_Get_library_version");

        nint Needed(string name) => export(name) is var address and not 0 ? address : throw new BadInput($"the MPI library does not export {name}; MPI 3 is needed.");
    }

    /// <summary>Its constants.</summary>
    public MpiHandles Handles { get; }

    /// <summary>Loads the system's MPI.</summary>
    /// <exception cref="BadInput">There is none.</exception>
    public static MpiLibrary Load()
    {
        string? given = Environment.GetEnvironmentVariable(PathVariable);
        foreach (string name in string.IsNullOrEmpty(given) ? Names : [given])
        {
            nint library = Open(name);
            if (library != 0)
            {
                return new MpiLibrary(MpiHandles.ExportsOf(library));
            }
        }
        throw new BadInput(string.IsNullOrEmpty(given)
            ? $"several ranks were started, but no MPI library was found (libmpi.so.40 and others); install Open MPI or MPICH, or name the library in {PathVariable}."
            : $"{PathVariable}={given}: this MPI library cannot be loaded.");
    }

    /// <summary>Name and version that the library gives itself.</summary>
    public string Version
    {
        get
        {
            byte* text = stackalloc byte[8192];       // MPI_MAX_LIBRARY_VERSION_STRING of MPICH
            int length = 0;
            Check(_version(text, &length), "MPI_Get_library_version");
            return Encoding.UTF8.GetString(text, length).Split('\n')[0].TrimEnd('\0', ' ');
        }
    }

    /// <summary>Starts MPI; errors return codes from here on.</summary>
    /// <returns>The thread level that is provided.</returns>
    public int Start()
    {
        int provided;
        Check(_initThread(null, 0, Serialized, &provided), "MPI_Init_thread");
        Check(_setErrorHandler(Handles.World, Handles.ErrorsReturn), "MPI_Comm_set_errhandler");
        return provided;
    }

    public (int Rank, int Size) Place()
    {
        int rank, size;
        Check(_rank(Handles.World, &rank), "MPI_Comm_rank");
        Check(_size(Handles.World, &size), "MPI_Comm_size");
        return (rank, size);
    }

    /// <summary>A communicator of the same ranks whose messages do not meet those of others.</summary>
    public nint Duplicate(nint communicator)
    {
        nint copy = 0;
        Check(_duplicate(communicator, &copy), "MPI_Comm_dup");
        Check(_setErrorHandler(copy, Handles.ErrorsReturn), "MPI_Comm_set_errhandler");
        return copy;
    }

    public nint CreateOperation(delegate* unmanaged<void*, void*, int*, nint, void> function)
    {
        nint operation = 0;
        Check(_createOperation((nint)function, 1, &operation), "MPI_Op_create");
        return operation;
    }

    public void AllReduce(void* values, int count, nint type, nint operation, nint communicator)
        => Check(_allReduce(Handles.InPlace, values, count, type, operation, communicator), "MPI_Allreduce");

    public void Broadcast(void* values, int bytes, int root, nint communicator) => Check(_broadcast(values, bytes, Handles.Byte, root, communicator), "MPI_Bcast");

    public void BeginBarrier(nint communicator, nint* request) => Check(_ibarrier(communicator, request), "MPI_Ibarrier");

    public bool Test(nint* request)
    {
        int flag;
        Check(_test(request, &flag, Handles.StatusIgnore), "MPI_Test");
        return flag != 0;
    }

    public void BeginSend(int* value, int to, int tag, nint communicator, nint* request) => Check(_isend(value, sizeof(int), Handles.Byte, to, tag, communicator, request), "MPI_Isend");

    public void BeginReceive(int* value, int from, int tag, nint communicator, nint* request) => Check(_ireceive(value, sizeof(int), Handles.Byte, from, tag, communicator, request), "MPI_Irecv");

    public void Cancel(nint* request)
    {
        _ = _cancel(request);
        _ = _free(request);
    }

    public void Abort(int code) => _ = _abort(Handles.World, code);

    public void Finish() => Check(_finalize(), "MPI_Finalize");

    private void Check(int code, string call)
    {
        if (code == 0)
        {
            return;
        }
        byte* text = stackalloc byte[1024];
        int length = 0;
        string reason = _errorString is not null && _errorString(code, text, &length) == 0 ? Encoding.UTF8.GetString(text, length).TrimEnd('\0') : $"code {code}";
        throw new IOException($"{call} failed: {reason}");
    }

    // Open MPI's own plug-ins look for its symbols among the global ones.
    private static nint Open(string name)
    {
        if (OperatingSystem.IsWindows())
        {
            return NativeLibrary.TryLoad(name, out nint library) ? library : 0;
        }
        const int now = 2;
        int global = OperatingSystem.IsMacOS() ? 8 : 0x100;
        return DlOpen(name, now | global);
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint DlOpen(string path, int flags);
}

// MPI has a standard for sources, not for binaries. Open MPI's handles are addresses of variables that its library exports, MPICH's (and Intel's, MVAPICH's)
// are numbers fixed by the MPICH ABI initiative. Which of the two a library is shows in what it exports.

using System.Runtime.InteropServices;

namespace BgeSharp.Training.Collectives.Native;

/// <summary>The constants of an MPI library. All fit a register; MPICH's are 32 bits wide and passed in the lower half of one.</summary>
/// <param name="Family">"Open MPI" or "MPICH".</param>
/// <param name="World">MPI_COMM_WORLD.</param>
/// <param name="Byte">MPI_BYTE.</param>
/// <param name="Single">MPI_FLOAT.</param>
/// <param name="Double">MPI_DOUBLE.</param>
/// <param name="Int64">MPI_LONG_LONG_INT.</param>
/// <param name="UInt16">MPI_UNSIGNED_SHORT, which carries bfloat16.</param>
/// <param name="Sum">MPI_SUM.</param>
/// <param name="ErrorsReturn">MPI_ERRORS_RETURN.</param>
/// <param name="InPlace">MPI_IN_PLACE.</param>
/// <param name="StatusIgnore">MPI_STATUS_IGNORE.</param>
/// <param name="AnySource">MPI_ANY_SOURCE.</param>
public sealed record MpiHandles(string Family, nint World, nint Byte, nint Single, nint Double, nint Int64, nint UInt16, nint Sum, nint ErrorsReturn, nint InPlace, nint StatusIgnore, int AnySource)
{
    /// <summary>The constants of the MPICH ABI.</summary>
    public static MpiHandles Mpich { get; } = new("MPICH", 0x44000000, 0x4c00010d, 0x4c00040a, 0x4c00080b, 0x4c000809, 0x4c000204, 0x58000003, 0x54000001, -1, 1, -2);

    /// <summary>Those of a library.</summary>
    /// <param name="export">Address of an exported name, 0 when there is none.</param>
    public static MpiHandles Of(Func<string, nint> export)
    {
        nint world = export("ompi_mpi_comm_world");
        return world == 0 ? Mpich : new MpiHandles("Open MPI", world, Needed("ompi_mpi_byte"), Needed("ompi_mpi_float"), Needed("ompi_mpi_double"), Needed("ompi_mpi_long_long_int"),
            Needed("ompi_mpi_unsigned_short"), Needed("ompi_mpi_op_sum"), Needed("ompi_mpi_errors_return"), 1, 0, -1);

        nint Needed(string name) => export(name) is var address and not 0 ? address : throw new BadInput($"this Open MPI does not export {name}; versions 4 and 5 do.");
    }

    /// <summary>Finds exported names of a loaded library.</summary>
    public static Func<string, nint> ExportsOf(nint library) => name => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0;
}

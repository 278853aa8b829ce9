// One run at a time into one file. The lock is an open handle: the operating system lets go of it when the process ends, however it ends. It is on a file beside
// the work folder, which comes and goes while the lock is held. .NET removes that file before it lets go, and who opens it looks whether it is still the one of
// that name, so two never lock two files of one name; a killed process leaves it, empty and free. Network file systems without locks do not guard.

namespace BgeSharp.Training.Data.Mining;

/// <summary>Holds a work folder.</summary>
internal sealed class MiningLock : IDisposable
{
    private readonly FileStream _file;

    private MiningLock(FileStream file) => _file = file;

    /// <summary>Takes the folder, which need not be there.</summary>
    /// <param name="workFolder">As in <see cref="MiningRun.WorkFolder"/>.</param>
    /// <exception cref="BadInput">Another run has it.</exception>
    public static MiningLock Take(string workFolder)
    {
        string path = Path.GetFullPath(workFolder + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            return new MiningLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose));
        }
        catch (IOException e) when (IsHeld(e))
        {
            throw new BadInput($"{workFolder}: another bge is mining there; wait until it ends, or choose another --out.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // EWOULDBLOCK on Linux and macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsHeld(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}

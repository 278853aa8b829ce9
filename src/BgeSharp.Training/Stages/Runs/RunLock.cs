// One run at a time in a folder. The lock is an open handle, not the existence of a file: the operating system lets go of it when the process ends, however it ends.
// The empty file stays, because removing it would let a second and a third process lock two files of one name. Network file systems without locks do not guard.

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Holds a run's folder.</summary>
internal sealed class RunLock : IDisposable
{
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the folder.</summary>
    /// <exception cref="BadInput">Another process has it.</exception>
    public static RunLock Take(RunFolder folder)
    {
        try
        {
            return new RunLock(FileSystem.Current.Open(folder.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1));
        }
        catch (IOException e) when (IsHeld(e))
        {
            throw new BadInput($"{folder.Root}: another bge is working on this run; wait until it ends, or choose another --out.", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // EWOULDBLOCK on Linux and macOS, ERROR_SHARING_VIOLATION on Windows.
    private static bool IsHeld(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;
}

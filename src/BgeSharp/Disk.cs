// The real file system. .NET cannot flush a folder, so on Unix that is three calls to libc; Windows journals names itself and has no such call.

using System.ComponentModel;
using System.Runtime.InteropServices;

namespace BgeSharp;

/// <summary>System.IO, and fsync of folders.</summary>
public sealed partial class Disk : IFileSystem
{
    private const int NotSupported = 22;    // EINVAL: a network or memory file system without flushing of folders

    private Disk()
    {
    }

    /// <summary>The one instance.</summary>
    public static Disk Instance { get; } = new();

    /// <inheritdoc/>
    public FileStream Open(string path, FileMode mode, FileAccess access, FileShare share, int bufferSize) => new(path, mode, access, share, bufferSize);

    /// <inheritdoc/>
    public void Move(string from, string to) => File.Move(from, to, overwrite: true);

    /// <inheritdoc/>
    public void MoveFolder(string from, string to) => Directory.Move(from, to);

    /// <inheritdoc/>
    public void Delete(string path) => File.Delete(path);

    /// <inheritdoc/>
    public void DeleteFolder(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <inheritdoc/>
    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <inheritdoc/>
    public void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        int handle = OpenFolder(path, 0);
        if (handle < 0)
        {
            throw new IOException($"{path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
        try
        {
            if (Flush(handle) != 0 && Marshal.GetLastPInvokeError() is not NotSupported and int error)
            {
                throw new IOException($"{path}: {new Win32Exception(error).Message}");
            }
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}

// The door to the disk for everything that writes. One instance is in force for a flow of calls (FileSystem.Use), not a parameter of every writer of every format: a format added tomorrow
// is then behind the door as well. The price is a dependency that signatures do not show. Reading of existence and listings goes to System.IO directly.

namespace BgeSharp;

/// <summary>Operations that change a disk, and opening.</summary>
public interface IFileSystem
{
    /// <summary>Opens a file. <see cref="FileStream.Flush(bool)"/> with true makes its content durable.</summary>
    FileStream Open(string path, FileMode mode, FileAccess access, FileShare share, int bufferSize);

    /// <summary>Renames a file, replacing another of that name in one step.</summary>
    void Move(string from, string to);

    /// <summary>Renames a folder; nothing may have the new name.</summary>
    void MoveFolder(string from, string to);

    /// <summary>Removes a file; no error when there is none.</summary>
    void Delete(string path);

    /// <summary>Removes a folder with all it holds; no error when there is none. Not one step: a crash leaves a part.</summary>
    void DeleteFolder(string path);

    /// <summary>Makes a folder and those above it.</summary>
    void CreateFolder(string path);

    /// <summary>Makes names in a folder durable: what was made, renamed and removed in it before survives a power cut.</summary>
    void FlushFolder(string path);
}

/// <summary>The file system in force.</summary>
public static class FileSystem
{
    private static readonly AsyncLocal<IFileSystem?> Chosen = new();

    /// <summary>The disk, or what <see cref="Use"/> put in its place for this flow of calls and the threads it starts.</summary>
    public static IFileSystem Current => Chosen.Value ?? Disk.Instance;

    /// <summary>Puts another file system in force until the result is disposed.</summary>
    public static IDisposable Use(IFileSystem files)
    {
        IFileSystem? before = Chosen.Value;
        Chosen.Value = files;
        return new Scope(() => Chosen.Value = before);
    }

    private sealed class Scope(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

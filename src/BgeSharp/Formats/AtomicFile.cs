// A file that is either all there or not there: written under a temporary name in the same folder, flushed to disk, renamed.
// Costs one fsync a file; a reader that has the old file open or mapped keeps the old contents.

namespace BgeSharp.Formats;

/// <summary>A file being written that appears under its name only when <see cref="Commit"/> is called.</summary>
public sealed class AtomicFile : IDisposable
{
    private readonly string _temporary;
    private FileStream? _stream;

    private AtomicFile(string path, string temporary, FileStream stream) => (Path, _temporary, _stream) = (path, temporary, stream);

    /// <summary>The final name.</summary>
    public string Path { get; }

    /// <summary>Where the contents go; seekable.</summary>
    public Stream Stream => _stream ?? throw new ObjectDisposedException(nameof(AtomicFile));

    /// <summary>Throws where no file can be written because of what is there. To be called before long work whose result goes there; whether the disk will take it is not asked.</summary>
    /// <param name="path">As the user gave it; null for none, which is always well.</param>
    /// <exception cref="BadInput">A folder has this name, or <see cref="RequireFolder"/> throws for the folder it would be in.</exception>
    public static void RequirePlace(string? path)
    {
        if (path is null)
        {
            return;
        }
        if (System.IO.Path.GetFileName(path).Length == 0 || Directory.Exists(path))
        {
            throw new BadInput($"{path}: is a folder, and a file is to be written; name a file; what is there was not touched.");
        }
        RequireFolder(System.IO.Path.GetDirectoryName(path));
    }

    /// <summary>Throws where there can be no folder to write into, missing ones being made.</summary>
    /// <param name="folder">As the user gave it; null or empty for one that is there for certain.</param>
    /// <exception cref="BadInput">It or one above it is a file.</exception>
    public static void RequireFolder(string? folder)
    {
        for (string? above = folder; above is { Length: > 0 } && !Directory.Exists(above); above = System.IO.Path.GetDirectoryName(above))
        {
            if (File.Exists(above))
            {
                throw new BadInput($"{above}: is a file where a folder is needed to write into; name another place; the file was not touched.");
            }
        }
    }

    /// <summary>Opens a temporary file beside the final one; missing folders are made.</summary>
    /// <exception cref="BadInput">As <see cref="RequirePlace"/>.</exception>
    /// <exception cref="IOException">The folder cannot be written to; the message names the path.</exception>
    public static AtomicFile Create(string path)
    {
        RequirePlace(path);
        try
        {
            string full = System.IO.Path.GetFullPath(path);
            string folder = System.IO.Path.GetDirectoryName(full) ?? throw new IOException("the path has no folder");
            IFileSystem files = FileSystem.Current;
            if (!Directory.Exists(folder))
            {
                files.CreateFolder(folder);
            }
            string temporary = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
            var stream = files.Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
            return new AtomicFile(path, temporary, stream);
        }
        catch (Exception e) when (IsDeviceFailure(e))
        {
            throw Failure(path, e);
        }
    }

    /// <summary>Writes a whole file. When <paramref name="write"/> or the disk fails, no temporary file stays and an older file keeps its contents.</summary>
    /// <param name="path">Final name.</param>
    /// <param name="write">Writes the contents.</param>
    /// <exception cref="IOException">The disk refused; the message names the path.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using AtomicFile file = Create(path);
        try
        {
            write(file.Stream);
        }
        // A missing input of the writer is no failure to write.
        catch (Exception e) when (IsDeviceFailure(e) && e is not (FileNotFoundException or DirectoryNotFoundException or EndOfStreamException))
        {
            throw Failure(path, e);
        }
        file.Commit();
    }

    /// <summary>Writes a text as UTF-8 without a byte order mark.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Flushes to disk and gives the file its name, replacing an older one in one step.</summary>
    /// <exception cref="IOException">The disk refused; the message names the path.</exception>
    public void Commit()
    {
        FileStream stream = _stream ?? throw new ObjectDisposedException(nameof(AtomicFile));
        try
        {
            stream.Flush(flushToDisk: true);
            stream.Dispose();
            FileSystem.Current.Move(_temporary, Path);
            _stream = null;
        }
        catch (Exception e) when (IsDeviceFailure(e))
        {
            throw Failure(Path, e);
        }
    }

    /// <summary>Removes the temporary file when <see cref="Commit"/> was not reached.</summary>
    public void Dispose()
    {
        if (_stream is null)
        {
            return;
        }
        // A full disk refuses the flush inside Dispose too; the temporary file must go all the same.
        try { _stream.Dispose(); } catch (IOException) { }
        _stream = null;
        try { FileSystem.Current.Delete(_temporary); } catch (Exception e) when (IsDeviceFailure(e)) { }
    }

    /// <summary>True for names that <see cref="Create"/> gives to files not yet whole: ".NAME.", 32 hexadecimal digits, ".tmp".</summary>
    public static bool IsTemporary(string path)
    {
        string[] parts = System.IO.Path.GetFileName(path).Split('.');
        return parts.Length >= 4 && parts[0].Length == 0 && parts[^1] == "tmp" && parts[^2].Length == 32 && parts[^2].All(char.IsAsciiHexDigitLower);
    }

    private static bool IsDeviceFailure(Exception e) => e is IOException or UnauthorizedAccessException;

    private static IOException Failure(string path, Exception e) =>
        new($"{path}: could not be written ({e.Message.TrimEnd('.')}); what was there before is unchanged.", e);
}

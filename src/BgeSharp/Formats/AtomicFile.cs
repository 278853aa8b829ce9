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

    /// <summary>Opens a temporary file beside the final one; missing folders are made.</summary>
    /// <exception cref="IOException">The folder cannot be written to; the message names the path.</exception>
    public static AtomicFile Create(string path)
    {
        try
        {
            string full = System.IO.Path.GetFullPath(path);
            if (Directory.Exists(full))
            {
                throw new IOException("a folder has this name");
            }
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

// A file that is there whole or not at all: written under a temporary name beside its place, flushed to the disk, then renamed.

namespace BgeSharp.Text;

/// <summary>Writes a file atomically.</summary>
internal static class WholeFile
{
    /// <param name="path">Final place; its folder must exist.</param>
    /// <param name="write">Writes the content.</param>
    public static void Write(string path, Action<Stream> write)
    {
        IFileSystem files = FileSystem.Current;
        string full = Path.GetFullPath(path);
        // The form that Formats.AtomicFolder.RemoveLeftovers knows, should the process end here.
        string temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        bool renamed = false;
        try
        {
            using (FileStream stream = files.Open(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(true);
            }
            files.Move(temporary, full);
            renamed = true;
        }
        finally
        {
            if (!renamed)
            {
                files.Delete(temporary);
            }
        }
    }
}

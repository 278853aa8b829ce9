// A folder that is either all there or not there: filled under a temporary name beside its place, every file and name flushed, then renamed.
// Replacing an older folder takes two renames; a crash between them leaves the new one under its temporary name, and RemoveLeftovers takes that away too:
// replace only what can be made again.

namespace BgeSharp.Formats;

/// <summary>Publishes whole folders.</summary>
public static class AtomicFolder
{
    /// <summary>End of the name of a folder that is being filled.</summary>
    public const string Writing = ".writing";

    /// <summary>End of the name of a folder that is being removed.</summary>
    public const string Removing = ".removing";

    /// <summary>Fills a folder and gives it its name. When anything fails nothing new stays and an older folder is as it was.</summary>
    /// <param name="folder">Final place.</param>
    /// <param name="fill">Writes into the folder it is given; files must be flushed, as <see cref="AtomicFile"/> does.</param>
    public static void Publish(string folder, Action<string> fill)
    {
        IFileSystem files = FileSystem.Current;
        string final = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string staging = final + Writing;
        files.DeleteFolder(staging);
        files.CreateFolder(staging);
        try
        {
            fill(staging);
            files.FlushFolder(staging);
            Take(files, final);
            files.MoveFolder(staging, final);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            try { files.DeleteFolder(staging); } catch (Exception second) when (second is IOException or UnauthorizedAccessException) { }
            PutBack(files, final);
            throw;
        }
        files.FlushFolder(Path.GetDirectoryName(final)!);
        files.DeleteFolder(final + Removing);
    }

    /// <summary>Removes a folder: gone under its name in one step, then its content.</summary>
    public static void Remove(string folder)
    {
        IFileSystem files = FileSystem.Current;
        string final = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        Take(files, final);
        files.DeleteFolder(final + Removing);
    }

    /// <summary>Removes what a crash left half written or half removed directly in a folder: folders of this class and temporary files of <see cref="AtomicFile"/>.</summary>
    public static void RemoveLeftovers(string parent)
    {
        if (!Directory.Exists(parent))
        {
            return;
        }
        IFileSystem files = FileSystem.Current;
        foreach (string left in Directory.GetDirectories(parent).Where(d => d.EndsWith(Writing, StringComparison.Ordinal) || d.EndsWith(Removing, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            files.DeleteFolder(left);
        }
        foreach (string left in Directory.GetFiles(parent, ".*.tmp").Where(AtomicFile.IsTemporary).Order(StringComparer.Ordinal))
        {
            files.Delete(left);
        }
    }

    private static void Take(IFileSystem files, string folder)
    {
        if (Directory.Exists(folder))
        {
            files.DeleteFolder(folder + Removing);
            files.MoveFolder(folder, folder + Removing);
        }
    }

    private static void PutBack(IFileSystem files, string folder)
    {
        if (!Directory.Exists(folder) && Directory.Exists(folder + Removing))
        {
            try { files.MoveFolder(folder + Removing, folder); } catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }
    }
}

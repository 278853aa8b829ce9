// A folder at a place of the user's, either all there or not there: filled beside its final place and renamed. An existing folder is never touched unless it is
// empty, and no name is taken away that could be the user's, which is why this is not Formats.AtomicFolder.

using BgeSharp.Formats;

namespace BgeSharp.Models;

/// <summary>A folder being written that appears under its name only when <see cref="Commit"/> is called.</summary>
internal sealed class StagedFolder : IDisposable
{
    private readonly string _target;
    private bool _committed;

    private StagedFolder(string target, string path) => (_target, Path) = (target, path);

    /// <summary>Where files go until then.</summary>
    public string Path { get; }

    /// <summary>Makes the staging folder.</summary>
    /// <param name="target">Final name, as the user gave it.</param>
    /// <exception cref="BadInput">A file or a folder with something in it has this name.</exception>
    public static StagedFolder Create(string target)
    {
        string full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(target));
        Refuse(target, full);
        string parent = System.IO.Path.GetDirectoryName(full) ?? throw new BadInput($"{target}: is no name for a new folder; nothing was written.");
        AtomicFile.RequireFolder(parent);
        string staging = System.IO.Path.Combine(parent, $".{System.IO.Path.GetFileName(full)}.{Guid.NewGuid():N}.tmp");
        Directory.CreateDirectory(staging);
        return new StagedFolder(full, staging);
    }

    /// <summary>Gives the folder its name.</summary>
    public void Commit()
    {
        if (Directory.Exists(_target))
        {
            // Only an empty folder goes: what came into it meanwhile makes this fail.
            Directory.Delete(_target);
        }
        Directory.Move(Path, _target);
        _committed = true;
    }

    /// <summary>Removes the staging folder when <see cref="Commit"/> was not reached.</summary>
    public void Dispose()
    {
        if (!_committed)
        {
            try { Directory.Delete(Path, recursive: true); } catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        }
    }

    private static void Refuse(string target, string full)
    {
        if (File.Exists(full))
        {
            throw new BadInput($"{target}: a file has this name; name a new folder; nothing was written.");
        }
        if (Directory.Exists(full) && Directory.EnumerateFileSystemEntries(full).Any())
        {
            throw new BadInput($"{target}: this folder is not empty; name a new one; nothing was written.");
        }
    }
}

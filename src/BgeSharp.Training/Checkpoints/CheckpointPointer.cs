// LATEST and BEST: one line each, the name of a checkpoint and the SHA-256 of its manifest, so that a changed byte cannot point to another one unseen.

using BgeSharp.Formats;

namespace BgeSharp.Training.Checkpoints;

/// <summary>A file that names a checkpoint.</summary>
/// <param name="Path">The file.</param>
public sealed record CheckpointPointer(string Path)
{
    /// <summary>Points to a checkpoint; replaced in one step.</summary>
    public void Set(string name, CheckpointManifest manifest)
    {
        string line = $"{name} {manifest.Sha256}\n";
        if (!File.Exists(Path) || File.ReadAllText(Path) != line)
        {
            AtomicFile.WriteText(Path, line);
        }
    }

    /// <summary>Points nowhere.</summary>
    public void Clear()
    {
        if (File.Exists(Path))
        {
            FileSystem.Current.Delete(Path);
        }
    }

    /// <summary>What is wrong with the file, as the end of a sentence that begins with its path; null when it is absent or names a checkpoint that is there.</summary>
    public string? Damage()
    {
        if (!File.Exists(Path))
        {
            return null;
        }
        string text = File.ReadAllText(Path);
        string[] parts = text.Split(' ');
        if (parts.Length == 2 && parts[0].IndexOfAny(['/', '\\', '\0']) < 0 && parts[0] is not ("" or "." or ".."))
        {
            string manifest = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, parts[0], CheckpointManifest.FileName);
            if (File.Exists(manifest) && File.ReadAllText(manifest).EndsWith($"\"sha256\":\"{parts[1].TrimEnd('\n')}\"}}\n", StringComparison.Ordinal) && text.EndsWith('\n'))
            {
                return null;
            }
        }
        return "does not name a checkpoint that is there";
    }
}

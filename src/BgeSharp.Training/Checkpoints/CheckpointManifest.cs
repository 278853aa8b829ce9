// manifest.json: name, size and SHA-256 of every file of a checkpoint, and of the list itself. A change of any byte in any file, this one included,
// makes the checkpoint a damaged one. Checking reads every file once: about a second a gigabyte.

using System.Security.Cryptography;
using System.Text.Json;

namespace BgeSharp.Training.Checkpoints;

/// <summary>One file of a checkpoint.</summary>
/// <param name="Name">Name within the folder.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
public sealed record ManifestFile(string Name, long Bytes, string Sha256);

/// <summary>The files of a checkpoint.</summary>
/// <param name="Files">Every file but the manifest.</param>
/// <param name="Sha256">SHA-256 of the manifest with this field empty.</param>
public sealed record CheckpointManifest(IReadOnlyList<ManifestFile> Files, string Sha256)
{
    /// <summary>Its name.</summary>
    public const string FileName = "manifest.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Lists and hashes the files of a folder and writes the manifest beside them.</summary>
    public static CheckpointManifest Write(string folder)
    {
        ManifestFile[] files = [.. Names(folder).Select(name => Describe(folder, name))];
        var manifest = new CheckpointManifest(files, "");
        manifest = manifest with { Sha256 = manifest.OwnHash() };
        Formats.AtomicFile.Write(Path.Combine(folder, FileName), stream => stream.Write(manifest.ToBytes()));
        return manifest;
    }

    /// <summary>Checks a folder against its manifest.</summary>
    /// <param name="folder">A checkpoint.</param>
    /// <param name="manifest">The manifest when all is well.</param>
    /// <returns>What is wrong, as the end of a sentence that begins with the folder; null when nothing is.</returns>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string? Damage(string folder, out CheckpointManifest? manifest)
    {
        manifest = null;
        if (!File.Exists(Path.Combine(folder, FileName)))
        {
            return $"{FileName} is missing";
        }
        if (Load(folder) is not { } read)
        {
            return $"{FileName} is damaged";
        }
        if (!Names(folder).SequenceEqual(read.Files.Select(f => f.Name)))
        {
            return "its files are not those of its manifest";
        }
        foreach (ManifestFile file in read.Files)
        {
            ManifestFile found = Describe(folder, file.Name);
            if (found.Bytes != file.Bytes)
            {
                return $"{file.Name} has {found.Bytes} bytes instead of {file.Bytes}";
            }
            if (found.Sha256 != file.Sha256)
            {
                return $"{file.Name} is damaged (its SHA-256 is not that of the manifest)";
            }
        }
        manifest = read;
        return null;
    }

    /// <summary>Reads a manifest and checks it alone; null when it is missing or damaged.</summary>
    public static CheckpointManifest? Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }
        byte[] bytes = Read(path);
        try
        {
            var read = JsonSerializer.Deserialize<CheckpointManifest>(bytes, Json);
            // One way of writing it is allowed, so that not even a changed space goes unnoticed.
            return read is { Files: not null, Sha256: not null } && read.Files.All(f => f is { Name: not null, Sha256: not null })
                && read.OwnHash() == read.Sha256 && read.ToBytes().AsSpan().SequenceEqual(bytes) ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Json), (byte)'\n'];

    private string OwnHash() => Convert.ToHexStringLower(SHA256.HashData((this with { Sha256 = "" }).ToBytes()));

    private static IEnumerable<string> Names(string folder)
        => Directory.GetFileSystemEntries(folder).Select(f => Path.GetFileName(f)).Where(n => n != FileName).Order(StringComparer.Ordinal);

    private static ManifestFile Describe(string folder, string name)
    {
        using FileStream file = FileSystem.Current.Open(Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return new ManifestFile(name, file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static byte[] Read(string path)
    {
        using FileStream file = FileSystem.Current.Open(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 12);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }
}

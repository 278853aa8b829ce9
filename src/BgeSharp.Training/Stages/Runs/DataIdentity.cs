// What a run reads: every file with size and hash. A run that goes on must find the same; otherwise order, masks and losses would silently be those of other data.
// Hashing costs one reading of the data at the first start (XXH128: as fast as the disk); later starts hash only files whose size is the same but whose time is not.

using System.Globalization;
using System.IO.Hashing;
using System.Reflection;
using System.Text;
using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>A file that a run reads.</summary>
/// <param name="Path">Full path.</param>
/// <param name="Bytes">Size.</param>
/// <param name="Modified">Time of the last change, in ticks: equal with equal size, the hash is taken as known.</param>
/// <param name="Hash">XXH128, 32 hexadecimal digits.</param>
public sealed record DataFile(string Path, long Bytes, long Modified, string Hash);

/// <summary>All files of a recipe.</summary>
/// <param name="Files">By path.</param>
public sealed record DataIdentity(IReadOnlyList<DataFile> Files)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    /// <summary>Hash over sizes and hashes, 32 hexadecimal digits; paths do not count, so that a moved folder is the same data.</summary>
    public string Digest()
    {
        string all = string.Concat(Files.Select(f => string.Create(CultureInfo.InvariantCulture, $"{System.IO.Path.GetFileName(f.Path)} {f.Bytes} {f.Hash}\n")).Order(StringComparer.Ordinal));
        return Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(all)));
    }

    /// <summary>Reads data.json of a run, or null when there is none.</summary>
    /// <exception cref="BadInput">It is not what <see cref="Save"/> writes.</exception>
    public static DataIdentity? Load(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        try
        {
            return JsonSerializer.Deserialize<DataIdentity>(File.ReadAllBytes(path), Json);
        }
        catch (JsonException e)
        {
            throw new BadInput($"{path}: not a valid list of files ({e.Message}); remove it to take the data as they are now.", e);
        }
    }

    /// <summary>Writes data.json.</summary>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>Looks at every file that a recipe names.</summary>
    /// <param name="recipe">A checked recipe.</param>
    /// <param name="known">What an earlier start found: saves hashing files that look untouched.</param>
    public static DataIdentity Of(Recipe recipe, DataIdentity? known = null)
    {
        var before = (known?.Files ?? []).ToDictionary(f => f.Path, StringComparer.Ordinal);
        IEnumerable<string> paths = recipe.Data.Documents.SelectMany(d => DocumentReader.Files(d.Path, d.Format).Select(f => f.Path)).Concat(PathsIn(recipe).SelectMany(Expand));
        return new DataIdentity([.. paths.Select(Path.GetFullPath).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(p => Look(p, before.GetValueOrDefault(p)))]);
    }

    /// <summary>The first difference as a sentence, or null when all files are as they were.</summary>
    public string? ChangeSince(DataIdentity before)
    {
        var now = Files.ToDictionary(f => f.Path, StringComparer.Ordinal);
        foreach (DataFile file in before.Files)
        {
            if (!now.Remove(file.Path, out DataFile? found))
            {
                return $"{file.Path}: was part of the run's data and is no longer";
            }
            if (found.Bytes != file.Bytes || found.Hash != file.Hash)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{file.Path}: is not the file that the run began with ({file.Bytes} bytes then, {found.Bytes} now)");
            }
        }
        return now.Count == 0 ? null : $"{now.Keys.Order(StringComparer.Ordinal).First()}: was not part of the data that the run began with";
    }

    // All options marked as paths but those of documents, which have readers of their own.
    private static IEnumerable<string> PathsIn(object record)
    {
        foreach ((_, PropertyInfo property) in RecipeBinder.OptionsOf(record.GetType()))
        {
            object? value = property.GetValue(record);
            if (property.GetCustomAttribute<RecipePathAttribute>() is { } mark && value is string path && path.Length > 0 && path != mark.Keyword)
            {
                yield return path;
            }
            IEnumerable<object?> inner = value is System.Collections.IEnumerable list and not string ? list.Cast<object?>() : [value];
            foreach (object? one in inner.Where(o => o?.GetType().Namespace == typeof(Recipe).Namespace && o is not DocumentSourceOptions))
            {
                foreach (string deeper in PathsIn(one!))
                {
                    yield return deeper;
                }
            }
        }
    }

    private static IEnumerable<string> Expand(string path)
        => File.Exists(path) ? [path] : Directory.Exists(path) ? Directory.GetFiles(path, "*", SearchOption.AllDirectories) : [];

    private static DataFile Look(string path, DataFile? before)
    {
        var found = new FileInfo(path);
        long modified = found.LastWriteTimeUtc.Ticks;
        if (before is not null && before.Bytes == found.Length && before.Modified == modified)
        {
            return before;
        }
        using FileStream file = File.OpenRead(path);
        var hash = new XxHash128();
        hash.Append(file);
        return new DataFile(path, found.Length, modified, Convert.ToHexStringLower(hash.GetCurrentHash()));
    }
}

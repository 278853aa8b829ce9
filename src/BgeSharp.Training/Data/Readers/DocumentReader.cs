// The one way in: a path and a format become a stream of documents, one file open at a time. Each format is one reader of the same shape,
// chosen by extension unless the format is named.

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads the documents of a corpus, streaming.</summary>
public static class DocumentReader
{
    private static readonly Dictionary<string, string[]> Extensions = new()
    {
        ["markdown"] = [".md", ".markdown", ".mdx"],
        ["html"] = [".html", ".htm", ".xhtml"],
        ["text"] = [".txt", ".text"],
        ["jsonl"] = [".jsonl", ".ndjson"],
    };

    /// <summary>Formats that can be named, beside "auto".</summary>
    public static IReadOnlyCollection<string> Formats => Extensions.Keys;

    /// <summary>Documents of a file, a folder (all its folders too) or a glob, in ordinal order of the relative path. Documents without any text are left out.</summary>
    /// <param name="path">File, folder or glob; a file may end in .gz.</param>
    /// <param name="format">"auto" (by extension), "markdown", "html", "text" or "jsonl".</param>
    /// <param name="fields">JSONL only: our field → field of the file, see <see cref="FieldMap"/>; null or empty for the usual names.</param>
    /// <exception cref="BadInput">The path or its files cannot be read as documents, or hold none.</exception>
    public static IEnumerable<Document> Read(string path, string format = "auto", IReadOnlyDictionary<string, string>? fields = null)
    {
        IReadOnlyList<DocumentFile> files = Files(path, format);
        FieldMap map = FieldMap.From(fields);
        return Stream(path, files, format, map);
    }

    /// <summary>The files that <see cref="Read"/> reads, in its order.</summary>
    /// <exception cref="BadInput">As there.</exception>
    public static IReadOnlyList<DocumentFile> Files(string path, string format = "auto")
    {
        if (format != "auto" && !Extensions.ContainsKey(format))
        {
            throw new BadInput($"format \"{format}\" is not known; use auto, {string.Join(", ", Formats)}.");
        }
        IReadOnlyList<DocumentFile> files = DocumentFiles.Find(path, name => format == "auto" ? FormatOf(name) is not null : FormatOf(name) == format);
        if (files.Count == 0)
        {
            string wanted = string.Join(' ', format == "auto" ? Extensions.Values.SelectMany(e => e) : Extensions[format]);
            throw new BadInput($"{path}: no documents here; files that end in {wanted} (.gz too) are read.");
        }
        return files;
    }

    private static IEnumerable<Document> Stream(string path, IReadOnlyList<DocumentFile> files, string format, FieldMap map)
    {
        long count = 0;
        foreach (DocumentFile file in files)
        {
            string chosen = format != "auto" ? format : FormatOf(file.Name)
                ?? throw new BadInput($"{file.Path}: the name does not tell the format; name it as one of {string.Join(", ", Formats)}.");
            foreach (Document document in ReadFile(file, chosen, map))
            {
                count++;
                yield return document;
            }
        }
        if (count == 0)
        {
            throw new BadInput($"{path}: {files.Count} files were read and none holds text; nothing was written.");
        }
    }

    private static IEnumerable<Document> ReadFile(DocumentFile file, string format, FieldMap map) => format switch
    {
        "markdown" => MarkdownReader.Read(file),
        "html" => HtmlReader.Read(file),
        "text" => PlainTextReader.Read(file),
        _ => JsonlReader.Read(file, map),
    };

    private static string? FormatOf(string name)
    {
        string plain = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name;
        string extension = Path.GetExtension(plain).ToLowerInvariant();
        return Extensions.FirstOrDefault(f => f.Value.Contains(extension)).Key;
    }
}

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
        ["csv"] = [".csv"],
        ["tsv"] = [".tsv"],
        ["parquet"] = [".parquet"],
    };

    /// <summary>Formats that can be named, beside "auto".</summary>
    public static IReadOnlyCollection<string> Formats => Extensions.Keys;

    /// <summary>Documents of a file, a folder (all its folders too) or a glob, in ordinal order of the relative path. Documents without any text are left out.</summary>
    /// <param name="path">File, folder or glob; a file may end in .gz or .zst.</param>
    /// <param name="format">"auto" (by extension), "markdown", "html", "text", "jsonl", "csv", "tsv" or "parquet".</param>
    /// <param name="fields">Rows (JSONL, CSV, TSV, Parquet): our field → field of the file, see <see cref="FieldMap"/>; null or empty for the usual names.</param>
    /// <exception cref="BadInput">The path or its files cannot be read as documents, or hold none.</exception>
    public static IEnumerable<Document> Read(string path, string format = "auto", IReadOnlyDictionary<string, string>? fields = null)
    {
        FieldMap map = FieldMap.From(fields);
        IReadOnlyList<DocumentFile> files = Files(path, format);
        return Stream(path, files, format, map);
    }

    /// <summary>The files that <see cref="Read"/> reads, in its order.</summary>
    /// <exception cref="BadInput">The format is not known, there is nothing at the path, or a single file's format cannot be told.</exception>
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
            throw new BadInput($"{path}: no documents here; files that end in {wanted} (.gz and .zst too) are read.");
        }
        return files;
    }

    /// <summary>The format of one file.</summary>
    /// <exception cref="BadInput">Its name does not tell.</exception>
    internal static string FormatOf(DocumentFile file, string format) => format != "auto" ? format : FormatOf(file.Name)
        ?? throw new BadInput($"{file.Path}: the name does not tell the format; say it by --format (in a recipe \"format\"): {string.Join(", ", Formats)}.");

    private static IEnumerable<Document> Stream(string path, IReadOnlyList<DocumentFile> files, string format, FieldMap map)
    {
        long count = 0;
        foreach (DocumentFile file in files)
        {
            foreach (Document document in ReadFile(file, FormatOf(file, format), map))
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

    /// <summary>Documents of one file.</summary>
    internal static IEnumerable<Document> ReadFile(DocumentFile file, string format, FieldMap map) => format switch
    {
        "markdown" => MarkdownReader.Read(file),
        "html" => HtmlReader.Read(file),
        "text" => PlainTextReader.Read(file),
        "csv" => JsonlReader.Read(file, map, CsvReader.Rows(file, ',')),
        "tsv" => JsonlReader.Read(file, map, CsvReader.Rows(file, '\t')),
        "parquet" => JsonlReader.Read(file, map, ParquetRows.Read(file, map)),
        _ => JsonlReader.Read(file, map),
    };

    private static string? FormatOf(string name)
    {
        string extension = Path.GetExtension(TextSource.Unpacked(name)).ToLowerInvariant();
        return Extensions.FirstOrDefault(f => f.Value.Contains(extension)).Key;
    }
}

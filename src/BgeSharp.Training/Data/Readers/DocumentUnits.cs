// The units of a file, a folder or a glob. Lines of plain JSONL are found again by seeking; packed files, tables and books are read again up to the place,
// without being parsed. Files before the place are not opened.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads a path in units.</summary>
public sealed class DocumentUnits : IDocumentUnits
{
    private const int RowsPerUnit = 256, FilesPerUnit = 16;
    private const long BytesPerUnit = 1 << 15, BytesPerRows = 1 << 20, LongPage = 8 << 20;

    private readonly IReadOnlyList<DocumentFile> _files;
    private readonly string _format;
    private readonly FieldMap _map;
    private readonly bool _skipBad;

    /// <param name="path">File, folder or glob.</param>
    /// <param name="format">As in <see cref="DocumentReader.Read"/>.</param>
    /// <param name="fields">As in <see cref="DocumentReader.Read"/>.</param>
    /// <param name="skipBad">True passes over wrong lines and files and names them; false throws at the first.</param>
    /// <exception cref="BadInput">Nothing to read.</exception>
    public DocumentUnits(string path, string format, IReadOnlyDictionary<string, string>? fields, bool skipBad)
    {
        (_format, _map, _skipBad) = (format, FieldMap.From(fields), skipBad);
        _files = DocumentReader.Files(path, format);
    }

    /// <summary>SHA-256 of the names, sizes and times of all files.</summary>
    public string Fingerprint
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (DocumentFile file in _files)
            {
                (long length, long ticks) = new FileInfo(file.Path) is { Exists: true } found ? (found.Length, found.LastWriteTimeUtc.Ticks) : (-1, 0);
                hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{file.Name} {length} {ticks}\n")));
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <inheritdoc/>
    public IEnumerable<DocumentUnit> From(ReadPosition start)
    {
        var pages = new List<DocumentFile>();
        long bytes = 0;
        for (int i = start.File; i < _files.Count; i++)
        {
            DocumentFile file = _files[i];
            string format = DocumentReader.FormatOf(file, _format);
            long size = SizeOf(file);
            bool page = format is "markdown" or "html" || (format == "text" && size < LongPage && TextSource.Unpacked(file.Name) == file.Name);
            if (page)
            {
                pages.Add(file);
                bytes += size;
            }
            if (pages.Count > 0 && (!page || bytes >= BytesPerUnit || pages.Count == FilesPerUnit || i + 1 == _files.Count))
            {
                DocumentFile[] together = [.. pages];
                yield return new DocumentUnit(new ReadPosition(page ? i + 1 : i, 0, 0), () => Pages(together));
                (pages, bytes) = ([], 0);
            }
            if (!page)
            {
                ReadPosition from = i == start.File ? start : new ReadPosition(i, 0, 0);
                foreach (DocumentUnit unit in Safely(i, file, format == "jsonl" ? Lines(i, file, from) : format == "text" ? Parts(i, file, from) : Rows(i, file, format, from)))
                {
                    yield return unit;
                }
            }
        }
    }

    private UnitContent Pages(DocumentFile[] files)
    {
        (var documents, var problems, long bytes) = (new List<Document>(), new List<string>(), 0L);
        foreach (DocumentFile file in files)
        {
            Try(problems, () => documents.AddRange(DocumentReader.ReadFile(file, DocumentReader.FormatOf(file, _format), _map)));
            bytes += SizeOf(file);
        }
        return new UnitContent(documents, problems, bytes);
    }

    private static long SizeOf(DocumentFile file) => new FileInfo(file.Path) is { Exists: true } found ? found.Length : 0;

    // A file that cannot be opened or read on ends; what was read of it stays.
    private IEnumerable<DocumentUnit> Safely(int index, DocumentFile file, IEnumerable<DocumentUnit> units)
    {
        using IEnumerator<DocumentUnit> each = units.GetEnumerator();
        while (true)
        {
            string? problem = null;
            try
            {
                if (!each.MoveNext())
                {
                    break;
                }
            }
            catch (BadInput e) when (_skipBad)
            {
                problem = e.Message;
            }
            if (problem is not null)
            {
                yield return new DocumentUnit(new ReadPosition(index + 1, 0, 0), () => new UnitContent([], [problem], 0)) { Check = static _ => null };
                yield break;
            }
            yield return each.Current;
        }
    }

    private IEnumerable<DocumentUnit> Lines(int index, DocumentFile file, ReadPosition from)
    {
        using Stream stream = TextSource.OpenAt(file.Path, from.Offset);
        var batches = new LineBatches(file.Path, stream, from.Offset, from.Row, _skipBad);
        while (batches.Next() is { } batch)
        {
            yield return new DocumentUnit(new ReadPosition(index, batch.EndOffset, batch.EndRow), () => Parse(file, batch));
        }
        yield return new DocumentUnit(new ReadPosition(index + 1, 0, 0), () => new UnitContent([], [], 0)) { Check = fields => Missing(file, fields) };
    }

    private UnitContent Parse(DocumentFile file, LineBatch batch)
    {
        var documents = new List<Document>();
        var names = new FieldNames(_map);
        List<string> problems = batch.Problem is null ? [] : [batch.Problem];
        ReadOnlyMemory<byte> rest = batch.Bytes;
        for (long row = batch.Row + 1; rest.Length > 0; row++)
        {
            int feed = rest.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> line = feed < 0 ? rest : rest[..feed];
            rest = feed < 0 ? default : rest[(feed + 1)..];
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) >= 0)
            {
                Try(problems, () =>
                {
                    var json = new JsonLine(file.Path, row, Utf8File.Parse(line, file.Path, row));
                    names.See(json.Value);
                    if (JsonlReader.Take(new JsonRow(json, _map), file, json) is { } document)
                    {
                        documents.Add(document);
                    }
                });
            }
        }
        return new UnitContent(documents, problems, batch.Bytes.Length) { Fields = names.Seen };
    }

    // Rows and sentences about wrong ones, in pieces of a bounded number and, but for the last row, size.
    private IEnumerable<DocumentUnit> Rows(int index, DocumentFile file, string format, ReadPosition from)
    {
        List<JsonLine> rows = [];
        List<string> problems = [];
        long row = from.Row, bytes = 0;
        bool whole;
        using IEnumerator<(JsonLine Row, string? Problem)> each = Table(file, format, from.Row).GetEnumerator();
        while (Next(each, problems, out whole))
        {
            (JsonLine line, string? problem) = each.Current;
            row++;
            if (problem is null)
            {
                rows.Add(line);
                bytes += JsonMarshal.GetRawUtf8Value(line.Value).Length;
            }
            else if (_skipBad)
            {
                problems.Add(problem);
            }
            else
            {
                throw new BadInput(problem);
            }
            if (rows.Count + problems.Count == RowsPerUnit || bytes >= BytesPerRows)
            {
                yield return Unit(new ReadPosition(index, 0, row), file, rows, problems);
                (rows, problems, bytes) = ([], [], 0);
            }
        }
        // Of a file that is damaged further on nobody knows which fields it has.
        yield return Unit(new ReadPosition(index + 1, 0, 0), file, rows, problems) with { Check = whole ? fields => Missing(file, fields) : static _ => null };
    }

    private IEnumerable<(JsonLine Row, string? Problem)> Table(DocumentFile file, string format, long from)
    {
        if (format == "parquet")
        {
            return ParquetRows.Read(file, _map, from).Select(r => (r, (string?)null));
        }
        long seen = 0;
        return CsvReader.RowsAndProblems(file, format == "tsv" ? '\t' : ',').Where(_ => seen++ >= from);
    }

    // A table that cannot be read on ends there; what was read of it stays.
    private bool Next(IEnumerator<(JsonLine, string?)> each, List<string> problems, out bool whole)
    {
        whole = true;
        try
        {
            return each.MoveNext();
        }
        catch (BadInput e) when (_skipBad)
        {
            problems.Add(e.Message);
            return whole = false;
        }
    }

    private DocumentUnit Unit(ReadPosition after, DocumentFile file, List<JsonLine> rows, List<string> problems) => new(after, () =>
    {
        var documents = new List<Document>();
        var names = new FieldNames(_map);
        List<string> wrong = [.. problems];
        foreach (JsonLine line in rows)
        {
            names.See(line.Value);
            Try(wrong, () => documents.AddRange(JsonlReader.Take(new JsonRow(line, _map), file, line) is { } document ? [document] : []));
        }
        return new UnitContent(documents, wrong, documents.Sum(d => (long)d.Body.Length * 2)) { Fields = names.Seen };
    });

    private string? Missing(DocumentFile file, RowFields fields)
    {
        List<string> problems = [];
        Try(problems, () => FieldNames.Check(_map, fields, file.Path));
        return problems.Count > 0 ? problems[0] : null;
    }

    private static IEnumerable<DocumentUnit> Parts(int index, DocumentFile file, ReadPosition from)
    {
        long part = 0;
        foreach (Document document in PlainTextReader.Read(file))
        {
            if (part++ >= from.Row)
            {
                yield return new DocumentUnit(new ReadPosition(index, 0, part), () => new UnitContent([document], [], Encoding.UTF8.GetByteCount(document.Body)));
            }
        }
        yield return new DocumentUnit(new ReadPosition(index + 1, 0, 0), () => new UnitContent([], [], 0));
    }

    private void Try(List<string> problems, Action read)
    {
        try
        {
            read();
        }
        catch (BadInput e) when (_skipBad)
        {
            problems.Add(e.Message);
        }
    }
}

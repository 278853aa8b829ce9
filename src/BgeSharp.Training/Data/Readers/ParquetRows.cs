// Parquet → rows, one row group in memory at a time; only the columns that the field map wants are read. Flat columns of text and numbers; nested ones are
// passed over unless named, then refused. Sizes in the file are believed only up to a limit.

using System.Globalization;
using BgeSharp.Formats;
using Parquet;
using Parquet.Schema;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads Parquet files as objects with the fields of their columns.</summary>
internal static class ParquetRows
{
    private const long MostRows = 1 << 24; // of a row group; writers make a million at most

    /// <summary>Rows of a file from row <paramref name="from"/> (0 the first) on; the number of each is its place, from 1. Row groups before it are not read.</summary>
    public static IEnumerable<JsonLine> Read(DocumentFile file, FieldMap map, long from = 0)
    {
        BadInput.RequireFile(file.Path, "input");
        using var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        ParquetReader reader = Guard(file, () => ParquetReader.CreateAsync(stream).GetAwaiter().GetResult());
        try
        {
            HashSet<string> named = [.. map.All.SelectMany(f => f.Theirs)];
            HashSet<string> wanted = [.. named, .. FieldMap.Ours.Where(f => map.Named(f) is null).SelectMany(FieldMap.UsualNames)];
            DataField[] columns = Guard(file, () => reader.Schema.DataFields);
            DataField[] fields = [.. columns.Where(f => wanted.Contains(f.Name) && Readable(file, f, named.Contains(f.Name)))];
            string[] names = [.. fields.Select(f => f.Name)];
            if (named.FirstOrDefault(n => !names.Contains(n)) is { } missing)
            {
                throw new BadInput($"{file.Path}: fields: no column \"{missing}\"; the columns are {string.Join(", ", columns.Select(f => f.Name))}.");
            }
            long row = 0;
            int groups = Guard(file, () => reader.RowGroupCount);
            for (int group = 0; group < groups; group++)
            {
                using ParquetRowGroupReader rows = Guard(file, () => reader.OpenRowGroupReader(group));
                long count = Guard(file, () => rows.RowCount);
                if (count is < 0 or > MostRows)
                {
                    throw new BadInput($"{file.Path}: row group {group + 1} says it has {count} rows; at most {MostRows} are read, so write it with smaller row groups.");
                }
                if (row + count <= from)
                {
                    row += count;
                    continue;
                }
                string?[][] values = [.. fields.Select(f => Guard(file, () => Column(rows, f, (int)count)))];
                for (int i = 0; i < count; i++)
                {
                    if (++row > from)
                    {
                        int at = i;
                        yield return new JsonLine(file.Path, row, CsvReader.Object(names, [.. values.Select(c => c[at])]));
                    }
                }
            }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static bool Readable(DocumentFile file, DataField field, bool named)
    {
        bool readable = field.MaxRepetitionLevel == 0 && field.Path.Length == 1
            && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(int) || field.ClrType == typeof(long) || field.ClrType == typeof(double));
        return readable || !named ? readable : throw new BadInput($"{file.Path}: fields: column \"{field.Name}\" holds neither text nor numbers; name another.");
    }

    private static string?[] Column(ParquetRowGroupReader rows, DataField field, int count)
    {
        if (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var texts = new string?[count];
            rows.ReadAsync(field, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
            return texts;
        }
        return field.ClrType == typeof(int) ? Numbers<int>(rows, field, count) : field.ClrType == typeof(long) ? Numbers<long>(rows, field, count) : Numbers<double>(rows, field, count);
    }

    private static string?[] Numbers<T>(ParquetRowGroupReader rows, DataField field, int count) where T : struct, IFormattable
    {
        var numbers = new T?[count];
        if (field.IsNullable)
        {
            rows.ReadAsync<T>(field, numbers.AsMemory()).AsTask().GetAwaiter().GetResult();
        }
        else
        {
            var plain = new T[count];
            rows.ReadAsync<T>(field, plain.AsMemory()).AsTask().GetAwaiter().GetResult();
            numbers = [.. plain.Select(n => (T?)n)];
        }
        return [.. numbers.Select(n => n?.ToString(null, CultureInfo.InvariantCulture))];
    }

    // A damaged file makes the library throw almost anything.
    private static T Guard<T>(DocumentFile file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (BadInput or OutOfMemoryException or OperationCanceledException))
        {
            throw new BadInput($"{file.Path}: not a whole Parquet file, or of a kind that is not read ({e.Message.TrimEnd('.')}).", e);
        }
    }
}

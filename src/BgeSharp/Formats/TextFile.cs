// Opens text files, plain or gzip; gzip is recognised by its two first bytes, not by the name.

using System.IO.Compression;
using System.Text;
using System.Text.Unicode;

namespace BgeSharp.Formats;

/// <summary>Plain or gzip text for reading, and the same for writing by the ending of the name.</summary>
public static class TextFile
{
    /// <summary>The UTF-8 byte order mark.</summary>
    internal static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Opens a file for streaming; unpacks gzip.</summary>
    /// <exception cref="BadInput">No such file or no right to read it.</exception>
    public static Stream OpenRead(string path)
    {
        BadInput.RequireFile(path, "input");
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
            int first = file.ReadByte();
            int second = file.ReadByte();
            file.Position = 0;
            return first == 0x1F && second == 0x8B ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new BadInput($"{path}: cannot be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>The lines of a UTF-8 text file with their numbers, from 1; streaming, without line ends.</summary>
    /// <exception cref="BadInput">No such file, not UTF-8, a line above 64 MiB, or a damaged gzip stream.</exception>
    public static IEnumerable<(long Number, string Line)> ReadLines(string path)
    {
        using Stream stream = OpenRead(path);
        var lines = new LineReader(path, stream, JsonLines.DefaultMaxLineBytes);
        while (lines.Next(out ReadOnlyMemory<byte> bytes))
        {
            if (!Utf8.IsValid(bytes.Span))
            {
                throw BadInput.At(path, lines.Number, "the line is not UTF-8; convert the file to UTF-8 and run again");
            }
            yield return (lines.Number, Encoding.UTF8.GetString(bytes.Span).TrimEnd('\r'));
        }
    }

    /// <summary>True when the name asks for gzip.</summary>
    public static bool IsGzipName(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
}

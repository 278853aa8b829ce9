// .NET's GZipStream takes the end of a cut-off file for the end of its text. Here the size that gzip keeps in the last four bytes is compared.
// In a file of several members (cat a.gz b.gz) only the last one's size is known: there a cut is found nearly always, not always.

using System.Buffers.Binary;
using System.IO.Compression;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Unpacks a gzip file and throws <see cref="InvalidDataException"/> when it ends before its text does.</summary>
internal sealed class WholeGzipStream : ReadOnlyStream
{
    private readonly FileStream file;
    private readonly GZipStream unpacked;
    private readonly uint lastSize;
    private long total;

    private WholeGzipStream(FileStream file)
    {
        this.file = file;
        Span<byte> tail = stackalloc byte[4];
        file.Seek(-4, SeekOrigin.End);
        file.ReadExactly(tail);
        file.Seek(0, SeekOrigin.Begin);
        lastSize = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        unpacked = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
    }

    /// <summary>Opens a text file, plain or gzip (by content), for streaming.</summary>
    /// <exception cref="BadInput">No such file or no right to read it, or its name ends in .gz and it is no gzip file.</exception>
    public static Stream OpenText(string path)
    {
        Stream stream = TextFile.OpenRead(path);
        bool packed = stream is GZipStream;
        if (!packed && TextFile.IsGzipName(path))
        {
            stream.Dispose();
            throw new BadInput($"{path}: not a whole gzip file although its name ends in .gz; fetch or rename it.");
        }
        if (!packed)
        {
            return stream;
        }
        stream.Dispose();
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
        if (file.Length < 18) // a gzip file has at least its header and trailer
        {
            file.Dispose();
            throw new BadInput($"{path}: cut off, not a whole gzip file; fetch or pack it again.");
        }
        return new WholeGzipStream(file);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = unpacked.Read(buffer);
        total += read;
        bool whole = read > 0 || buffer.Length == 0 || (uint)total == lastSize || lastSize < total;
        return whole ? read : throw new InvalidDataException("cut off, not a whole gzip file; fetch or pack it again");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            unpacked.Dispose();
            file.Dispose();
        }
        base.Dispose(disposing);
    }
}

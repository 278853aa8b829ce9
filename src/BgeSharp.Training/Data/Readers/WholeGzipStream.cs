// .NET's GZipStream takes the end of a cut-off file for the end of its text, unless the host sets System.IO.Compression.UseStrictValidation: ours do
// (Directory.Build.props), and then every cut is found, in files of several members (cat a.gz b.gz) too. In another host the size that gzip keeps in the last
// four bytes is compared, which finds most cuts: in the last one of several members it is only known to be no larger than the whole text.

using System.Buffers.Binary;
using System.IO.Compression;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Unpacks a gzip file and throws <see cref="InvalidDataException"/> when it ends before its text does.</summary>
internal sealed class WholeGzipStream : ReadOnlyStream
{
    private const string NotWhole = "cut off or damaged, not a whole gzip file; fetch or pack it again";

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
            throw new BadInput($"{path}: {NotWhole}.");
        }
        return new WholeGzipStream(file);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read;
        try
        {
            read = unpacked.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(NotWhole, e);
        }
        total += read;
        bool whole = read > 0 || buffer.Length == 0 || (uint)total == lastSize || lastSize < total;
        return whole ? read : throw new InvalidDataException(NotWhole);
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

// A file that only grows, and is cut back to a known length when a run goes on. What was written after the last checkpoint is written again, the same.

using System.Buffers.Binary;

namespace BgeSharp.Training.Data.Mining;

/// <summary>An append-only file with a buffer.</summary>
internal sealed class AppendFile : IDisposable
{
    private readonly FileStream _file;

    /// <param name="path">Made when missing.</param>
    /// <param name="length">What stands behind is cut off.</param>
    /// <exception cref="BadInput">The file is shorter than that: somebody else changed it.</exception>
    public AppendFile(string path, long length)
    {
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1 << 18);
        if (_file.Length < length)
        {
            long found = _file.Length;
            _file.Dispose();
            throw new BadInput($"{path}: has {found} bytes where the stopped run left {length}; delete its folder to begin anew.");
        }
        _file.SetLength(length);
        _file.Seek(0, SeekOrigin.End);
    }

    /// <summary>Bytes so far.</summary>
    public long Length => _file.Position;

    /// <summary>Adds bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes) => _file.Write(bytes);

    /// <summary>Adds a number.</summary>
    public void Write(ulong number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        _file.Write(bytes);
    }

    /// <summary>All numbers so far; call before anything is written.</summary>
    public IEnumerable<ulong> Numbers()
    {
        _file.Seek(0, SeekOrigin.Begin);
        var buffer = new byte[1 << 16];
        int count;
        while ((count = _file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0)
        {
            for (int i = 0; i + 8 <= count; i += 8)
            {
                yield return BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(i));
            }
        }
        _file.Seek(0, SeekOrigin.End);
    }

    /// <summary>Brings everything to disk.</summary>
    public void Flush() => _file.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

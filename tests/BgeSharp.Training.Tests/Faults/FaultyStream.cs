// A file of the faulty disk: writes go through at once, but count as one operation every 64 KiB, as those of a buffered stream would.

namespace BgeSharp.Training.Tests.Faults;

internal sealed class FaultyStream : FileStream
{
    private const int Block = 1 << 16;
    private readonly FaultyFileSystem _disk;
    private readonly string _path;
    private long _uncounted;
    private bool _closed;

    public FaultyStream(FaultyFileSystem disk, string path, FileMode mode, FileAccess access, FileShare share)
        : base(path, mode, access, share, 0)
        => (_disk, _path) = (disk, path);

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_disk.Gate)
        {
            if (_disk.Dead)
            {
                throw new ProcessVanished();
            }
            _disk.Written(_path, Length);
            base.Write(buffer.ToArray(), 0, buffer.Length);     // not the overload for spans: FileStream sends a derived class's spans back to its arrays
            _uncounted += buffer.Length;
            if (_uncounted >= Block)
            {
                Count();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void WriteByte(byte value) => Write([value]);

    public override void SetLength(long value)
    {
        lock (_disk.Gate)
        {
            _disk.Operation();
            _disk.Written(_path, Math.Min(Length, value));
            base.SetLength(value);
        }
    }

    public override void Flush(bool flushToDisk)
    {
        lock (_disk.Gate)
        {
            if (_uncounted > 0)
            {
                Count();
            }
            _disk.Operation();
            _disk.Flushed(_path);
            base.Flush(false);      // nothing but this process's view matters here, and real flushing costs milliseconds
        }
    }

    /// <summary>Closes the handle as the end of a process does.</summary>
    public void Abandon()
    {
        _closed = true;
        base.Dispose(true);
    }

    protected override void Dispose(bool disposing)
    {
        if (_closed || !disposing)
        {
            return;
        }
        _closed = true;
        try
        {
            lock (_disk.Gate)
            {
                if (_uncounted > 0 && !_disk.Dead)
                {
                    Count();
                }
            }
        }
        finally
        {
            base.Dispose(disposing);
        }
    }

    // The disk took half of the block when this is the operation that goes wrong.
    private void Count()
    {
        long block = _uncounted;
        _uncounted = 0;
        _disk.Operation(half: () => base.SetLength(Math.Max(0, Length - (block / 2))));
    }
}

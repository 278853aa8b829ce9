// Cuts a stream of lines into batches of whole lines, which other threads then parse. Holds one batch and the beginning of the next; a line longer than
// 64 MiB is passed over to its end without being held, when wrong lines are passed over.

using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Whole lines.</summary>
/// <param name="Bytes">The lines with their line feeds.</param>
/// <param name="Row">Lines of the file before the first.</param>
/// <param name="EndOffset">Bytes of the text up to the end of the last.</param>
/// <param name="EndRow">Lines of the file up to the last.</param>
/// <param name="Problem">What was passed over before them; null for nothing.</param>
internal sealed record LineBatch(ReadOnlyMemory<byte> Bytes, long Row, long EndOffset, long EndRow, string? Problem);

/// <summary>Reads batches.</summary>
/// <param name="path">For messages.</param>
/// <param name="stream">UTF-8 from <paramref name="offset"/> on.</param>
/// <param name="offset">Bytes of the text before the stream.</param>
/// <param name="row">Lines before the stream.</param>
/// <param name="skipBad">True passes over lines that are too long; false throws.</param>
internal sealed class LineBatches(string path, Stream stream, long offset, long row, bool skipBad)
{
    private const int BatchBytes = 1 << 15;
    private byte[] _carry = [];
    private bool _ended;

    /// <summary>The next batch; null at the end.</summary>
    /// <exception cref="BadInput">The file cannot be read on, or a line is too long.</exception>
    public LineBatch? Next()
    {
        byte[] buffer = new byte[_carry.Length + BatchBytes];
        _carry.CopyTo(buffer, 0);
        int count = _carry.Length, searched = 0;
        while (true)
        {
            while (count < buffer.Length && !_ended)
            {
                int read = Read(buffer.AsSpan(count));
                count += read;
                _ended = read == 0;
            }
            int end = _ended ? count : searched + buffer.AsSpan(searched, count - searched).LastIndexOf((byte)'\n') + 1;
            if (end > searched || _ended)
            {
                _carry = buffer[end..count];
                return end == 0 ? null : Take(buffer.AsMemory(0, end), null);
            }
            searched = count;
            if (count > JsonLines.DefaultMaxLineBytes)
            {
                return TooLong(count);
            }
            Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, JsonLines.DefaultMaxLineBytes + BatchBytes));
        }
    }

    private LineBatch Take(ReadOnlyMemory<byte> lines, string? problem)
    {
        long before = row;
        offset += lines.Length;
        row += lines.Span.Count((byte)'\n') + (lines.Length > 0 && lines.Span[^1] != '\n' ? 1 : 0);
        bool marked = before == 0 && lines.Span.StartsWith("\uFEFF"u8);
        return new LineBatch(marked ? lines[3..] : lines, before, offset, row, problem);
    }

    private LineBatch TooLong(int held)
    {
        string problem = $"{path}:{row + 1}: the line has more than {JsonLines.DefaultMaxLineBytes >> 20} MiB; is this a file of lines?";
        if (!skipBad)
        {
            throw new BadInput(problem);
        }
        offset += held;
        var buffer = new byte[1 << 16];
        while (true)
        {
            int read = Read(buffer);
            int feed = buffer.AsSpan(0, read).IndexOf((byte)'\n');
            offset += feed >= 0 ? feed + 1 : read;
            if (feed >= 0 || read == 0)
            {
                _ended = read == 0;
                _carry = feed >= 0 ? buffer[(feed + 1)..read] : [];
                row++;
                return new LineBatch(default, row, offset, row, problem);
            }
        }
    }

    private int Read(Span<byte> room)
    {
        try
        {
            return stream.Read(room);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw BadInput.At(path, row + 1, $"the file cannot be read on from about here ({e.Message.TrimEnd('.')}).");
        }
    }
}

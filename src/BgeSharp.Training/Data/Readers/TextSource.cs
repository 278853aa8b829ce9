// The one way to open a text file: gzip and zstd unpacked (recognised by content), other encodings turned into UTF-8, damage reported as such.
// A file that is plain UTF-8 costs one copy of its first MiB.

using System.Buffers;
using System.Text;
using Microsoft.Win32.SafeHandles;
using ZstdSharp;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Opens files as streams of UTF-8.</summary>
internal static class TextSource
{
    private const int SmallHead = 1 << 16;

    private static ReadOnlySpan<byte> ZstdMagic => [0x28, 0xB5, 0x2F, 0xFD];

    private static ReadOnlySpan<byte> GzipMagic => [0x1F, 0x8B];

    /// <summary>Names of packed files end like this.</summary>
    public static readonly string[] PackedExtensions = [".gz", ".zst", ".zstd"];

    /// <summary>The name without the extension that says how it is packed.</summary>
    public static string Unpacked(string name) => PackedExtensions.FirstOrDefault(e => name.EndsWith(e, StringComparison.OrdinalIgnoreCase)) is { } extension ? name[..^extension.Length] : name;

    /// <summary>Opens a file for streaming.</summary>
    /// <exception cref="BadInput">No such file, no right to read it, or not packed as its name says.</exception>
    public static Stream Open(string path)
    {
        Stream bytes = OpenBytes(path);
        byte[] head = ArrayPool<byte>.Shared.Rent(SmallHead);
        int count;
        try
        {
            count = bytes.ReadAtLeast(head.AsSpan(0, SmallHead), SmallHead, throwOnEndOfStream: false);
            if (count == SmallHead)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(TextEncodings.HeadBytes);
                head.AsSpan(0, count).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(head);
                head = larger;
                count += bytes.ReadAtLeast(head.AsSpan(count, TextEncodings.HeadBytes - count), TextEncodings.HeadBytes - count, throwOnEndOfStream: false);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or ZstdException)
        {
            bytes.Dispose();
            throw new BadInput($"{path}: cannot be read to its end ({e.Message.TrimEnd('.')}); fetch or copy the file again.", e);
        }
        var whole = new HeadStream(head, count, bytes);
        return TextEncodings.Detect(head.AsSpan(0, count), whole: count is not (SmallHead or TextEncodings.HeadBytes)) is { } encoding
            ? new GuardedStream(Encoding.CreateTranscodingStream(whole, encoding, new UTF8Encoding(false)), encoding.WebName, plain: false)
            : new GuardedStream(whole, "", plain: bytes is FileStream);
    }

    /// <summary>The bytes of a page that is small, not packed and in UTF-8, opened and read once; null for everything else, which goes through <see cref="Open"/>.</summary>
    public static byte[]? TryReadPage(string path)
    {
        if (Unpacked(path) != path)
        {
            return null;
        }
        byte[] bytes;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            long length = RandomAccess.GetLength(file);
            if (length >= TextEncodings.HeadBytes)
            {
                return null;
            }
            bytes = new byte[length];
            for (int at = 0; at < bytes.Length;)
            {
                int read = RandomAccess.Read(file, bytes.AsSpan(at), at);
                if (read == 0)
                {
                    return null;
                }
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
        bool packed = bytes.AsSpan().StartsWith(ZstdMagic) || bytes.AsSpan().StartsWith(GzipMagic);
        return packed || TextEncodings.Detect(bytes, whole: true) is not null ? null : bytes;
    }

    /// <summary>Opens a file for streaming from byte <paramref name="offset"/> of its text on: by seeking where text and file are the same bytes, else by reading up to there.</summary>
    public static Stream OpenAt(string path, long offset)
    {
        Stream text = Open(path);
        if (offset == 0)
        {
            return text;
        }
        if (text is GuardedStream { IsPlain: true })
        {
            text.Dispose();
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
            file.Seek(offset, SeekOrigin.Begin);
            return file;
        }
        var passed = new byte[1 << 16];
        while (offset > 0)
        {
            int read = text.Read(passed, 0, (int)Math.Min(passed.Length, offset));
            offset = read > 0 ? offset - read : 0;
        }
        return text;
    }

    private static Stream OpenBytes(string path)
    {
        BadInput.RequireFile(path, "input");
        Span<byte> magic = stackalloc byte[4];
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
            magic = magic[..file.ReadAtLeast(magic, 4, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadInput(new FileInfo(path).LinkTarget is { } target
                ? $"{path}: a link to {target}, which cannot be read; remove it (bge mine pairs can pass over such files: --skip-bad)."
                : $"{path}: cannot be read ({e.Message.TrimEnd('.')}).", e);
        }
        if (magic.SequenceEqual(ZstdMagic))
        {
            return new DecompressionStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, FileOptions.SequentialScan), leaveOpen: false);
        }
        return path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".zstd", StringComparison.OrdinalIgnoreCase)
            ? throw new BadInput($"{path}: not a zstd file although its name says so; fetch or rename it.")
            : WholeGzipStream.OpenText(path);
    }

    // What was read ahead, then the rest.
    private sealed class HeadStream(byte[] head, int length, Stream rest) : ReadOnlyStream
    {
        private int _at;
        private bool _returned;

        public override int Read(Span<byte> buffer)
        {
            if (_at >= length)
            {
                return rest.Read(buffer);
            }
            int count = Math.Min(buffer.Length, length - _at);
            head.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            rest.Dispose();
            if (!_returned)
            {
                (_returned, _at) = (true, length);
                ArrayPool<byte>.Shared.Return(head);
            }
            base.Dispose(disposing);
        }
    }

    // Every way in which packed or foreign bytes can be wrong becomes the one exception that readers of lines and pages turn into a sentence.
    private sealed class GuardedStream(Stream inner, string encoding, bool plain) : ReadOnlyStream
    {
        public bool IsPlain => plain;

        public override int Read(Span<byte> buffer)
        {
            try
            {
                return inner.Read(buffer);
            }
            catch (DecoderFallbackException e)
            {
                throw new InvalidDataException($"began as {encoding} but does not go on so; convert it to UTF-8", e);
            }
            catch (ZstdException e)
            {
                throw new InvalidDataException($"not a whole zstd file: {e.Message}", e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}

// A tensor that a writer is handed: its description and a way to produce its bytes, so that no model needs to be in memory twice.

using System.Runtime.InteropServices;

namespace BgeSharp.Formats;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Unique within a file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar.</param>
/// <param name="Write">Writes exactly <see cref="ByteLength"/> bytes: row-major, little-endian.</param>
public sealed record TensorToWrite(string Name, TensorType Type, long[] Shape, Action<Stream> Write)
{
    /// <summary>A tensor whose bytes are at hand.</summary>
    public TensorToWrite(string name, TensorType type, long[] shape, ReadOnlyMemory<byte> bytes)
        : this(name, type, shape, stream => stream.Write(bytes.Span)) { }

    /// <summary>Size in bytes.</summary>
    /// <exception cref="ArgumentException">The shape has a negative size or overflows.</exception>
    public long ByteLength { get; } = Type.ByteLength(Shape) ?? throw new ArgumentException($"the shape of \"{Name}\" has no size in bytes", nameof(Shape));

    /// <summary>Address of the bytes, for a reader that wants a part of them; null where they are made while they are written.</summary>
    internal Func<nint>? Stored { get; private init; }

    /// <summary>An F32 tensor.</summary>
    public static TensorToWrite Of(string name, long[] shape, ReadOnlyMemory<float> values) =>
        new(name, TensorType.F32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>An I64 tensor.</summary>
    public static TensorToWrite Of(string name, long[] shape, ReadOnlyMemory<long> values) =>
        new(name, TensorType.I64, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.Span)));

    /// <summary>A tensor of another file, copied as it is, under its own or another name.</summary>
    public static unsafe TensorToWrite From(ITensorSource source, string name, string? newName = null)
    {
        TensorEntry entry = source[name];
        return new(newName ?? name, entry.Type, entry.Shape, stream =>
        {
            byte* bytes = (byte*)source.Pointer(name);
            for (long done = 0; done < entry.ByteLength;)
            {
                int count = (int)Math.Min(1 << 24, entry.ByteLength - done);
                stream.Write(new ReadOnlySpan<byte>(bytes + done, count));
                done += count;
            }
        })
        {
            Stored = () => source.Pointer(name),
        };
    }
}

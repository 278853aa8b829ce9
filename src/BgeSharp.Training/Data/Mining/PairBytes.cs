// A pair as the line it will be in the file. Every thread keeps a writer and its buffer: a run writes millions of short lines, and only the finished bytes
// of each are worth memory of their own.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using BgeSharp.Training.Data.Pairs;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Writes lines of pairs.</summary>
internal sealed class PairBytes
{
    [ThreadStatic] private static PairBytes? own;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly Utf8JsonWriter _json;

    private PairBytes() => _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The line with its line feed, UTF-8.</summary>
    public static byte[] Of(TrainingExample pair) => (own ??= new PairBytes()).Line(pair);

    private byte[] Line(TrainingExample pair)
    {
        _buffer.ResetWrittenCount();
        _json.Reset(_buffer);
        _json.WriteStartObject();
        PairFile.WriteFields(_json, pair);
        _json.WriteEndObject();
        _json.Flush();
        _buffer.Write("\n"u8);
        return _buffer.WrittenSpan.ToArray();
    }
}

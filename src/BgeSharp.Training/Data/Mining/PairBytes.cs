// A pair as the line it will be in the file. Every thread keeps a writer and its buffer: a run writes millions of short lines, and only the finished bytes
// of each are worth memory of their own.

using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using BgeSharp.Training.Data.Pairs;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Writes lines of pairs.</summary>
internal static class PairBytes
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ThreadStatic] private static ArrayBufferWriter<byte>? buffer;
    [ThreadStatic] private static Utf8JsonWriter? json;

    /// <summary>The line with its line feed, UTF-8.</summary>
    public static byte[] Of(TrainingExample pair)
    {
        buffer ??= new ArrayBufferWriter<byte>(4096);
        json ??= new Utf8JsonWriter(buffer, Readable);
        buffer.ResetWrittenCount();
        json.Reset();
        json.WriteStartObject();
        PairFile.WriteFields(json, pair);
        json.WriteEndObject();
        json.Flush();
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}

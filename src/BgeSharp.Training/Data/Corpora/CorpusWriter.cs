// Adds rows to a corpus folder. Nothing that is written is ever changed: a writer that was killed leaves at most rows after its last checkpoint, which the next
// writer cuts off. The note of a checkpoint (where its source was) is what an ingestion goes on from, without reading the source or the corpus again.

using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Corpora;

/// <summary>Appends rows to shards of a bounded size.</summary>
public sealed class CorpusWriter : IDisposable
{
    private readonly string _folder;
    private readonly long _shardBytes;
    private FileStream _text = null!, _index = null!;
    private int _shard;

    /// <summary>Opens or makes a corpus folder and cuts off what was not checkpointed.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shardBytes">A shard that has reached this size is closed and the next begun; at least 1.</param>
    public CorpusWriter(string folder, long shardBytes = 1L << 30)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardBytes, 1);
        (_folder, _shardBytes) = (folder, shardBytes);
        Directory.CreateDirectory(folder);
        State state = Load();
        (_shard, Count, Note) = (state.Shard, state.Rows, state.Note);
        foreach (string late in Directory.GetFiles(folder, "shard-*").Where(f => string.CompareOrdinal(Path.GetFileNameWithoutExtension(f), Name(_shard)) > 0))
        {
            File.Delete(late);
        }
        Open(state.TextBytes, state.IndexBytes);
    }

    /// <summary>Rows so far.</summary>
    public long Count { get; private set; }

    /// <summary>What the last checkpoint noted; empty for a new corpus.</summary>
    public string Note { get; private set; }

    /// <summary>Adds a row.</summary>
    /// <param name="json">One JSON object in UTF-8 without line feeds.</param>
    /// <exception cref="ArgumentException">It is empty or has line feeds.</exception>
    public void Append(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty || json.Contains((byte)'\n'))
        {
            throw new ArgumentException("a row is one line that is not empty", nameof(json));
        }
        if (_text.Position >= _shardBytes)
        {
            Flush();
            Close();
            _shard++;
            Open(0, 0);
        }
        _text.Write(json);
        _text.WriteByte((byte)'\n');
        Span<byte> end = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(end, _text.Position);
        _index.Write(end);
        Count++;
    }

    /// <summary>Makes everything so far stay, whatever happens next.</summary>
    /// <param name="note">Where the source is: what <see cref="Note"/> says after a restart.</param>
    public void Checkpoint(string note)
    {
        Flush();
        Note = note;
        AtomicFile.Write(Path.Combine(_folder, "corpus.json"), stream => JsonSerializer.Serialize(stream, new State(_shard, _text.Position, _index.Position, Count, note)));
    }

    /// <summary>Closes the files; rows after the last checkpoint are cut off by the next writer.</summary>
    public void Dispose() => Close();

    private static string Name(int shard) => string.Create(CultureInfo.InvariantCulture, $"shard-{shard:00000}");

    private State Load()
    {
        string path = Path.Combine(_folder, "corpus.json");
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<State>(File.ReadAllBytes(path)) ?? new State(0, 0, 0, 0, "") : new State(0, 0, 0, 0, "");
        }
        catch (JsonException e)
        {
            throw new BadInput($"{path}: not the state of a corpus; it was changed by something else.", e);
        }
    }

    private void Open(long textBytes, long indexBytes)
    {
        _text = At(Name(_shard) + ".jsonl", textBytes);
        _index = At(Name(_shard) + ".index", indexBytes);
    }

    private FileStream At(string name, long length)
    {
        var file = new FileStream(Path.Combine(_folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1 << 18);
        if (file.Length < length)
        {
            file.Dispose();
            throw new BadInput($"{Path.Combine(_folder, name)}: shorter than its corpus says; restore it or begin a new corpus.");
        }
        file.SetLength(length);
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    private void Flush()
    {
        _text.Flush(flushToDisk: true);
        _index.Flush(flushToDisk: true);
    }

    private void Close()
    {
        _text.Dispose();
        _index.Dispose();
    }

    private sealed record State(int Shard, long TextBytes, long IndexBytes, long Rows, string Note);
}

// A corpus of any size on disk: JSONL shards that every tool can read, and beside each an index of where its rows end, 8 bytes a row. Both are mapped, not
// read: opening costs nothing, any row is found in O(1), memory is what the system keeps in its page cache.

using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace BgeSharp.Training.Data.Corpora;

/// <summary>Random access to the rows of a corpus folder written by <see cref="CorpusWriter"/>.</summary>
public sealed class JsonlCorpus : IDisposable
{
    private readonly List<Shard> _shards = [];

    private JsonlCorpus()
    {
    }

    /// <summary>Number of rows.</summary>
    public long Count { get; private set; }

    /// <summary>Opens a folder; rows that were not finished when its writer was killed are not there.</summary>
    /// <exception cref="BadInput">No such folder, no shards in it, or index and shard disagree.</exception>
    public static JsonlCorpus Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new BadInput($"{folder}: no such folder (corpus).");
        }
        var corpus = new JsonlCorpus();
        try
        {
            foreach (string index in Directory.GetFiles(folder, "shard-*.index").Order(StringComparer.Ordinal))
            {
                corpus.Add(index);
            }
            return corpus._shards.Count > 0 ? corpus : throw new BadInput($"{folder}: no shards in it (shard-*.index beside shard-*.jsonl).");
        }
        catch
        {
            corpus.Dispose();
            throw;
        }
    }

    /// <summary>The bytes of row <paramref name="row"/>, without the line feed; valid until the corpus is disposed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<byte> this[long row]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Count);
            (int low, int high) = (0, _shards.Count - 1);
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = _shards[middle].First <= row ? (middle, high) : (low, middle - 1);
            }
            return _shards[low].Row(row - _shards[low].First);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _shards.ForEach(s => s.Dispose());

    private void Add(string index)
    {
        var shard = Shard.Open(index, Count);
        if (shard is not null)
        {
            _shards.Add(shard);
            Count += shard.Rows;
        }
    }

    private sealed unsafe class Shard : IDisposable
    {
        private readonly MemoryMappedFile _textFile, _indexFile;
        private readonly MemoryMappedViewAccessor _text, _index;
        private byte* _rows, _ends;

        private Shard(string text, string index, long textLength, long rows, long first)
        {
            (Rows, First) = (rows, first);
            _textFile = Map(text);
            _indexFile = Map(index);
            _text = _textFile.CreateViewAccessor(0, textLength, MemoryMappedFileAccess.Read);
            _index = _indexFile.CreateViewAccessor(0, rows * 8, MemoryMappedFileAccess.Read);
            _text.SafeMemoryMappedViewHandle.AcquirePointer(ref _rows);
            _index.SafeMemoryMappedViewHandle.AcquirePointer(ref _ends);
        }

        public long Rows { get; }

        public long First { get; }

        public static Shard? Open(string index, long first)
        {
            string text = Path.ChangeExtension(index, ".jsonl");
            BadInput.RequireFile(text, "shard of a corpus");
            long rows = new FileInfo(index).Length / 8, length = new FileInfo(text).Length;
            using FileStream ends = new(index, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Span<byte> last = stackalloc byte[8];
            // An index that is longer than the text: the writer was killed between the two.
            for (; rows > 0; rows--)
            {
                ends.Seek((rows - 1) * 8, SeekOrigin.Begin);
                ends.ReadExactly(last);
                if (BinaryPrimitives.ReadInt64LittleEndian(last) is > 0 and long end && end <= length)
                {
                    return new Shard(text, index, end, rows, first);
                }
            }
            return null;
        }

        public ReadOnlySpan<byte> Row(long row)
        {
            long start = row == 0 ? 0 : End(row - 1), end = End(row);
            if (start < 0 || end <= start || end - start > int.MaxValue || end > _text.Capacity)
            {
                throw new BadInput($"row {First + row} of the corpus: the index is damaged; delete it and write the corpus again.");
            }
            return new ReadOnlySpan<byte>(_rows + start, (int)(end - start - 1));
        }

        public void Dispose()
        {
            _text.SafeMemoryMappedViewHandle.ReleasePointer();
            _index.SafeMemoryMappedViewHandle.ReleasePointer();
            _text.Dispose();
            _index.Dispose();
            _textFile.Dispose();
            _indexFile.Dispose();
        }

        private long End(long row) => BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(_ends + (row * 8), 8));

        private static MemoryMappedFile Map(string path) =>
            MemoryMappedFile.CreateFromFile(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
    }
}

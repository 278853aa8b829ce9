// Vectors on disk, found by the hash of their text: what was encoded once with a model is read the next time. Two files that only grow,
// NAME.vectors (rows of D floats) and NAME.texts (16 bytes of hash a row); NAME is the hash of whatever determines the vectors.
// In memory: about 40 bytes a text. Vectors are written before their hashes, so a process that dies leaves at most rows that nobody knows.

using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace BgeSharp.Training.Data.Negatives;

/// <summary>A growing table of text hash → vector.</summary>
public sealed class EmbeddingCache : IDisposable
{
    private readonly FileStream _vectors, _texts;
    private readonly Dictionary<UInt128, int> _rows = [];
    private readonly int _dimension;
    private readonly byte[] _row;

    private EmbeddingCache(string path, int dimension)
    {
        _dimension = dimension;
        _row = new byte[dimension * sizeof(float)];
        _vectors = new FileStream(path + ".vectors", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        _texts = new FileStream(path + ".texts", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        long rows = Math.Min(_vectors.Length / _row.Length, _texts.Length / 16);
        byte[] hash = new byte[16];
        for (int i = 0; i < rows; i++)
        {
            _texts.ReadExactly(hash);
            _rows.TryAdd(BinaryPrimitives.ReadUInt128LittleEndian(hash), i);
        }
        _texts.SetLength(rows * 16);
        _vectors.SetLength(rows * _row.Length);
        _texts.Seek(0, SeekOrigin.End);
        _vectors.Seek(0, SeekOrigin.End);
        Count = (int)rows;
    }

    /// <summary>Rows there are.</summary>
    public int Count { get; private set; }

    /// <summary>D.</summary>
    public int Dimension => _dimension;

    /// <summary>Opens or makes a cache.</summary>
    /// <param name="folder">Where it lies; made when missing.</param>
    /// <param name="key">All that determines the vectors: see <see cref="KeyOf"/>.</param>
    /// <param name="dimension">D.</param>
    /// <exception cref="IOException">Another process has it open.</exception>
    public static EmbeddingCache Open(string folder, string key, int dimension)
    {
        Directory.CreateDirectory(folder);
        return new EmbeddingCache(Path.Combine(folder, key), dimension);
    }

    /// <summary>A key from the files of a model and from how it is used.</summary>
    /// <param name="modelFolder">config.json, weights, vocabulary and bge.json are read.</param>
    /// <param name="use">Lengths, instructions, precision.</param>
    public static string KeyOf(string modelFolder, string use)
    {
        var hash = new XxHash128();
        // A sentence-transformers folder says its pooling in a folder of its own (1_Pooling/config.json).
        IEnumerable<string> modules = Directory.GetDirectories(modelFolder).Order(StringComparer.Ordinal).SelectMany(inner => Directory.GetFiles(inner, "*.json").Order(StringComparer.Ordinal));
        foreach (string file in Directory.GetFiles(modelFolder).Order(StringComparer.Ordinal).Where(f => Path.GetFileName(f) is not ("pretraining.safetensors" or "heads.safetensors" or "reranker.safetensors")).Concat(modules))
        {
            using FileStream stream = File.OpenRead(file);
            hash.Append(MemoryMarshal.AsBytes(string.Create(CultureInfo.InvariantCulture, $"{Path.GetRelativePath(modelFolder, file)}\n{stream.Length}\n").AsSpan()));
            hash.Append(stream);
        }
        hash.Append(MemoryMarshal.AsBytes(use.AsSpan()));
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <summary>The hash of a text.</summary>
    public static UInt128 HashOf(string text) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text.AsSpan()));

    /// <summary>The row of a text, or −1.</summary>
    public int RowOf(UInt128 text) => _rows.GetValueOrDefault(text, -1);

    /// <summary>Adds a vector.</summary>
    public void Add(UInt128 text, ReadOnlySpan<float> vector)
    {
        if (vector.Length != _dimension)
        {
            throw new ArgumentException($"{vector.Length} numbers given, {_dimension} needed", nameof(vector));
        }
        _vectors.Write(MemoryMarshal.AsBytes(vector));
        _rows[text] = Count++;
        _pending.Add(text);
    }

    private readonly List<UInt128> _pending = [];

    /// <summary>Puts what was added on disk.</summary>
    public void Flush()
    {
        _vectors.Flush(flushToDisk: true);
        Span<byte> hash = stackalloc byte[16];
        foreach (UInt128 text in _pending)
        {
            BinaryPrimitives.WriteUInt128LittleEndian(hash, text);
            _texts.Write(hash);
        }
        _pending.Clear();
        _texts.Flush(flushToDisk: true);
    }

    /// <summary>Reads a vector; any thread may.</summary>
    public void Read(int row, Span<float> vector) => ReadExactly(MemoryMarshal.AsBytes(vector), (long)row * _row.Length);

    private void ReadExactly(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(_vectors.SafeFileHandle, bytes, offset);
            if (read == 0)
            {
                throw new EndOfStreamException($"{_vectors.Name} is shorter than it was");
            }
            bytes = bytes[read..];
            offset += read;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Flush();
        _vectors.Dispose();
        _texts.Dispose();
    }
}

// Tokenised texts on disk: ids behind one another in one file, mapped into memory when read; only where each text starts is held in memory
// (8 bytes a text). Order and batches are drawn over rows, so no text is in memory before its batch is made.

using System.IO.MemoryMappedFiles;

namespace BgeSharp.Training.Data.Batches;

/// <summary>Random access to many tokenised texts.</summary>
public sealed unsafe class TokenStore : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly int* _ids;
    private readonly long[] _offsets;

    private TokenStore(string path, long[] offsets)
    {
        _offsets = offsets;
        FilePath = path;
        if (offsets[^1] > 0)
        {
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, offsets[^1] * sizeof(int), MemoryMappedFileAccess.Read);
            byte* start = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            _ids = (int*)(start + _view.PointerOffset);
        }
    }

    /// <summary>The file with the ids; deleted when the store is disposed.</summary>
    public string FilePath { get; }

    /// <summary>Number of texts.</summary>
    public int Count => _offsets.Length - 1;

    /// <summary>Tokens of all texts.</summary>
    public long TokenCount => _offsets[^1];

    /// <summary>Ids of text <paramref name="row"/>.</summary>
    public ReadOnlySpan<int> this[int row] => new(_ids + _offsets[row], LengthOf(row));

    /// <summary>Number of tokens of a text.</summary>
    public int LengthOf(int row) => (int)(_offsets[row + 1] - _offsets[row]);

    /// <summary>Writes texts to a file and opens it.</summary>
    /// <param name="path">File to make; replaced when it exists.</param>
    /// <param name="texts">Ids of each text; read once.</param>
    public static TokenStore Create(string path, IEnumerable<int[]> texts)
    {
        using var writer = new TokenStoreWriter(path);
        foreach (int[] ids in texts)
        {
            writer.Add(ids);
        }
        return writer.Open();
    }

    internal static TokenStore Of(string path, long[] offsets) => new(path, offsets);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _file?.Dispose();
        FileSystem.Current.Delete(FilePath);
    }
}

/// <summary>Writes a token store text by text.</summary>
public sealed class TokenStoreWriter : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly List<long> _offsets = [0];

    /// <param name="path">File to make; replaced when it exists.</param>
    public TokenStoreWriter(string path)
    {
        _path = path;
        FileSystem.Current.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        _stream = FileSystem.Current.Open(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
    }

    /// <summary>Appends a text.</summary>
    public void Add(ReadOnlySpan<int> ids)
    {
        _stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(ids));
        _offsets.Add(_offsets[^1] + ids.Length);
    }

    /// <summary>Finishes writing and opens the store.</summary>
    public TokenStore Open()
    {
        _stream.Dispose();
        return TokenStore.Of(_path, [.. _offsets]);
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}

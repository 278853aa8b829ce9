// Halves of pairs on disk until all documents are read, then put together key by key. The join spreads the file over parts of about 32 MB by the hash of the
// key and holds one part at a time, so memory does not grow with the corpus; only the halves of one key must fit into it.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A file of pair halves.</summary>
public sealed class JoinSpool : IDisposable
{
    private const long PartBytes = 32 << 20;

    private readonly string _path;
    private readonly bool _temporary;
    private readonly FileStream _file;
    private readonly BinaryWriter _writer;

    private JoinSpool(string path, bool temporary, long length)
    {
        (_path, _temporary) = (path, temporary);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        _file.SetLength(Math.Min(length, _file.Length));
        _file.Seek(0, SeekOrigin.End);
        _writer = new BinaryWriter(_file, Encoding.UTF8, leaveOpen: true);
    }

    /// <summary>A spool that goes away with the process.</summary>
    public static JoinSpool Temporary() => new(Path.Combine(Path.GetTempPath(), $"bge-{Guid.NewGuid():N}.halves"), temporary: true, 0);

    /// <summary>A spool that stays; what stands behind <paramref name="length"/> is cut off.</summary>
    public static JoinSpool Open(string path, long length) => new(path, temporary: false, length);

    /// <summary>Adds a half.</summary>
    /// <param name="miner">Number of the miner.</param>
    /// <param name="half">Its half.</param>
    public void Add(int miner, PairHalf half) => Write(_writer, miner, half);

    /// <summary>Writes everything to disk.</summary>
    /// <returns>Length of the file.</returns>
    public long Flush()
    {
        _writer.Flush();
        _file.Flush(flushToDisk: !_temporary);
        return _file.Length;
    }

    /// <summary>All pairs; the order depends on the halves alone.</summary>
    public IEnumerable<JoinedPair> Join(IReadOnlyList<IJoinedMiner> miners) => Join(miners.Index().ToDictionary(m => m.Index, m => m.Item)).Select(p => p.Pair);

    /// <summary>All pairs with the number of their miner; the order depends on the halves alone.</summary>
    public IEnumerable<(int Miner, JoinedPair Pair)> Join(IReadOnlyDictionary<int, IJoinedMiner> miners)
    {
        _writer.Flush();
        int parts = (int)((_file.Length / PartBytes) + 1);
        if (parts == 1)
        {
            _file.Seek(0, SeekOrigin.Begin);
            foreach ((int, JoinedPair) pair in JoinPart(_file, miners))
            {
                yield return pair;
            }
            _file.Seek(0, SeekOrigin.End);
            yield break;
        }
        string[] paths = [.. Enumerable.Range(0, parts).Select(i => $"{_path}.{i}")];
        try
        {
            Distribute(paths);
            foreach (string path in paths)
            {
                using var part = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, 1 << 16);
                foreach ((int, JoinedPair) pair in JoinPart(part, miners))
                {
                    yield return pair;
                }
            }
        }
        finally
        {
            Array.ForEach(paths, File.Delete);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer.Dispose();
        _file.Dispose();
        if (_temporary)
        {
            File.Delete(_path);
        }
    }

    private void Distribute(string[] paths)
    {
        BinaryWriter[] writers = [.. paths.Select(p => new BinaryWriter(new FileStream(p, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 14)))];
        _file.Seek(0, SeekOrigin.Begin);
        foreach ((int miner, PairHalf half) in Read(_file))
        {
            ulong hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(half.Key.AsSpan()), miner);
            Write(writers[hash % (ulong)writers.Length], miner, half);
        }
        Array.ForEach(writers, w => w.Dispose());
        _file.Seek(0, SeekOrigin.End);
    }

    private static IEnumerable<(int, JoinedPair)> JoinPart(Stream part, IReadOnlyDictionary<int, IJoinedMiner> miners)
    {
        var keys = new Dictionary<(int, string), List<PairHalf>>();
        foreach ((int miner, PairHalf half) in Read(part))
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(keys, (miner, half.Key), out _) ??= []).Add(half);
        }
        // A dictionary without removals lists its keys as they came.
        return keys.SelectMany(k => miners[k.Key.Item1].Join(k.Value).Select(p => (k.Key.Item1, p)));
    }

    private static void Write(BinaryWriter writer, int miner, PairHalf half)
    {
        writer.Write7BitEncodedInt(miner);
        foreach (string text in (ReadOnlySpan<string>)[half.Key, half.Language, half.Query, half.Passage, half.Group, half.Part])
        {
            writer.Write(text);
        }
    }

    private static IEnumerable<(int Miner, PairHalf Half)> Read(Stream stream)
    {
        var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        while (stream.Position < stream.Length)
        {
            int miner = reader.Read7BitEncodedInt();
            string Next() => reader.ReadString();
            yield return (miner, new PairHalf(Next(), Next(), Next(), Next(), Next(), Next()));
        }
    }
}

// A corpus with its embeddings, in memory or in a folder of shards. A folder makes embedding restartable: a shard is written when it is whole, and a later start
// (or another evaluation of the same model) takes every shard whose texts, model and settings are the same and computes only the others.
// Memory while embedding is one shard; afterwards what is mapped and touched.

using System.Security.Cryptography;
using System.Text;
using BgeSharp.Embeddings;

namespace BgeSharp.Retrieval.Embedded;

/// <summary>Embeddings of a corpus by row.</summary>
public sealed class EmbeddedCorpus : IDisposable
{
    /// <summary>Texts of a shard when nothing else is said.</summary>
    public const int DefaultShardTexts = 8192;
    private readonly EmbeddingShard[] _shards;
    private readonly int[] _starts;
    private InvertedIndex? _inverted;

    private EmbeddedCorpus(IReadOnlyList<EmbeddingShard> shards)
    {
        _shards = [.. shards];
        _starts = new int[_shards.Length + 1];
        for (int i = 0; i < _shards.Length; i++)
        {
            _starts[i + 1] = checked(_starts[i] + _shards[i].Count);
        }
        if (_shards.Length > 0 && _shards[0].Dense.Length > 0)
        {
            Dense = DenseIndex.OfSegments(_shards.Select(s => s.Dense), _shards[0].Dense.Length / _shards[0].Count);
        }
        VectorSize = _shards.Select(s => s.VectorSize).DefaultIfEmpty().Max();
    }

    /// <summary>N.</summary>
    public int Count => _starts[^1];

    /// <summary>Exact dense search; null without dense vectors.</summary>
    public DenseIndex? Dense { get; }

    /// <summary>Whether there are lexical weights.</summary>
    public bool HasTerms => _shards.Any(s => s.TermOffsets.Length > 0);

    /// <summary>C of the multi-vectors; 0 without them.</summary>
    public int VectorSize { get; }

    /// <summary>Shards that were taken from the folder as they were.</summary>
    public int ReusedShards { get; private init; }

    /// <summary>Inverted index over the lexical weights, built when first asked for (8 bytes a posting, in memory).</summary>
    public InvertedIndex Sparse => _inverted ??= BuildInverted();

    /// <summary>Embeds a corpus in memory.</summary>
    public static EmbeddedCorpus InMemory(IEnumerable<M3Embedding> embeddings, int shardTexts = DefaultShardTexts) =>
        new([.. embeddings.Chunk(shardTexts).Select(EmbeddingShard.Of)]);

    /// <summary>Embeds a corpus into a folder, or takes what is there.</summary>
    /// <param name="folder">Made when missing; shards that do not fit are replaced, those beyond the corpus removed.</param>
    /// <param name="texts">Row i is text i; read once, streaming.</param>
    /// <param name="key">Everything but the texts that decides the embeddings: model, outputs, lengths, instruction.</param>
    /// <param name="encode">Embeds the texts of a shard. Called for shards that are not there; what it finished stays when it is interrupted.</param>
    /// <param name="shardTexts">Texts of a shard, at least 1.</param>
    public static EmbeddedCorpus InFolder(string folder, IEnumerable<string> texts, string key, Func<IReadOnlyList<string>, IEnumerable<M3Embedding>> encode, int shardTexts = DefaultShardTexts)
    {
        Directory.CreateDirectory(folder);
        var shards = new List<EmbeddingShard>();
        int reused = 0;
        try
        {
            foreach (string[] chunk in texts.Chunk(shardTexts))
            {
                string path = PathOf(folder, shards.Count), shardKey = KeyOf(key, chunk);
                if (EmbeddingShard.TryOpen(path, shardKey) is { } ready)
                {
                    reused++;
                    shards.Add(ready);
                    continue;
                }
                EmbeddingShard.Of([.. encode(chunk)]).Save(path, shardKey);
                shards.Add(EmbeddingShard.TryOpen(path, shardKey) ?? throw new IOException($"{path}: could not be read back after it was written"));
            }
            for (int stale = shards.Count; File.Exists(PathOf(folder, stale)); stale++)
            {
                File.Delete(PathOf(folder, stale));
            }
            return new EmbeddedCorpus(shards) { ReusedShards = reused };
        }
        catch
        {
            shards.ForEach(s => s.Dispose());
            throw;
        }
    }

    /// <summary>Terms of a row, ascending, and their weights.</summary>
    public (ReadOnlyMemory<int> Terms, ReadOnlyMemory<float> Weights) TermsOf(int row)
    {
        (EmbeddingShard shard, int at) = Find(row);
        ReadOnlySpan<long> offsets = shard.TermOffsets.Span;
        (int from, int count) = ((int)offsets[at], (int)(offsets[at + 1] - offsets[at]));
        return (shard.Terms.Slice(from, count), shard.Weights.Slice(from, count));
    }

    /// <summary>[n, C] row-major: the multi-vectors of a row.</summary>
    public ReadOnlySpan<float> VectorsOf(int row)
    {
        (EmbeddingShard shard, int at) = Find(row);
        ReadOnlySpan<long> offsets = shard.VectorOffsets.Span;
        return shard.Vectors.Span.Slice((int)(offsets[at] * shard.VectorSize), (int)((offsets[at + 1] - offsets[at]) * shard.VectorSize));
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_shards, s => s.Dispose());

    private static string PathOf(string folder, int shard) => Path.Combine(folder, $"embeddings-{shard:00000}.safetensors");

    // Lengths before texts, so that no two lists of texts run together to the same bytes.
    private static string KeyOf(string key, string[] texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in texts.Prepend(key))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private (EmbeddingShard Shard, int At) Find(int row)
    {
        int found = Array.BinarySearch(_starts, row);
        int shard = found >= 0 ? found : ~found - 1;
        return (_shards[shard], row - _starts[shard]);
    }

    private InvertedIndex BuildInverted()
    {
        var builder = new InvertedIndex.Builder();
        var row = new List<WeightedTerm>();
        for (int i = 0; i < Count; i++)
        {
            (ReadOnlyMemory<int> terms, ReadOnlyMemory<float> weights) = TermsOf(i);
            row.Clear();
            for (int t = 0; t < terms.Length; t++)
            {
                row.Add(new WeightedTerm(terms.Span[t], weights.Span[t]));
            }
            builder.Add(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(row));
        }
        return builder.Build();
    }
}

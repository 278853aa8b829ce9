// A corpus with its embeddings, in memory or in a folder of shards. A folder makes embedding restartable: a shard is written when it is whole, and a later start
// (or another evaluation of the same model) takes every shard whose texts, model and settings are the same and computes only the others.
// A shard closes by its number of texts or by its budget of numbers, whichever comes first: multi-vectors take 1,000 times what a dense vector does, and 8,192 long texts would
// need more than an array holds. Memory while embedding is about twice the budget of 256 MB; afterwards what is mapped and touched.
// A shard says how many texts it holds and its key is that of these texts, so shards made under another budget (all 8,192 texts long before there was one) are taken too.

using System.Security.Cryptography;
using System.Text;
using BgeSharp.Embeddings;

namespace BgeSharp.Retrieval.Embedded;

/// <summary>Embeddings of a corpus by row.</summary>
public sealed class EmbeddedCorpus : IDisposable
{
    /// <summary>Texts of a shard when nothing else is said.</summary>
    public const int DefaultShardTexts = 8192;

    /// <summary>Numbers of a shard when nothing else is said: 256 MB.</summary>
    public const long DefaultShardNumbers = 1L << 26;

    // Counted with every text in estimates: an empty one has tokens too.
    private const int SlackCharacters = 4;

    private readonly EmbeddingShard[] _shards;
    private readonly int[] _starts;
    private InvertedIndex? _inverted;

    private EmbeddedCorpus(List<EmbeddingShard> shards)
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
    /// <param name="embeddings">Row i is embedding i; read once, streaming.</param>
    /// <param name="shardTexts">Texts of a shard, at least 1.</param>
    /// <param name="shardNumbers">A shard closes with the text that brings it to so many numbers, at least 1.</param>
    public static EmbeddedCorpus InMemory(IEnumerable<M3Embedding> embeddings, int shardTexts = DefaultShardTexts, long shardNumbers = DefaultShardNumbers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardTexts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shardNumbers, 1);
        var shards = new List<EmbeddingShard>();
        var open = new List<M3Embedding>();
        long numbers = 0;
        foreach (M3Embedding embedding in embeddings)
        {
            open.Add(embedding);
            numbers += EmbeddingShard.NumbersOf(embedding);
            if (open.Count >= shardTexts || numbers >= shardNumbers)
            {
                shards.Add(EmbeddingShard.Of(open));
                open.Clear();
                numbers = 0;
            }
        }
        if (open.Count > 0)
        {
            shards.Add(EmbeddingShard.Of(open));
        }
        return new EmbeddedCorpus(shards);
    }

    /// <summary>Embeds a corpus into a folder, or takes what is there.</summary>
    /// <param name="folder">Made when missing; shards that do not fit are replaced, those beyond the corpus removed.</param>
    /// <param name="texts">Row i is text i; read once, streaming.</param>
    /// <param name="key">Everything but the texts that decides the embeddings: model, outputs, lengths, instruction.</param>
    /// <param name="encode">Embeds texts of a shard, a piece of it at a time. Called for shards that are not there; the shards it finished stay when it is interrupted.</param>
    /// <param name="shardTexts">Texts of a shard, at least 1.</param>
    /// <param name="shardNumbers">A shard closes with the piece that brings it to so many numbers, at least 1.</param>
    public static EmbeddedCorpus InFolder(string folder, IEnumerable<string> texts, string key, Func<IReadOnlyList<string>, IEnumerable<M3Embedding>> encode,
        int shardTexts = DefaultShardTexts, long shardNumbers = DefaultShardNumbers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardTexts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(shardNumbers, 1);
        Directory.CreateDirectory(folder);
        var shards = new List<EmbeddingShard>();
        int reused = 0;
        var ahead = new List<string>(); // the next texts that no shard has, as many as one can hold; fewer only at the end of the corpus
        using IEnumerator<string> rest = texts.GetEnumerator();
        try
        {
            while (Fill(ahead, rest, shardTexts))
            {
                string path = PathOf(folder, shards.Count);
                EmbeddingShard? shard = EmbeddingShard.TryOpen(path, count => KeyOf(key, ahead, count));
                // One that closed too soon for this budget (the last of what was a smaller corpus) is made anew.
                if (shard is not null && (shard.Count == ahead.Count || shard.Numbers >= shardNumbers) && (shards.Count == 0 || shards[0].IsLike(shard)))
                {
                    reused++;
                }
                else
                {
                    shard?.Dispose();
                    shard = Make(path, key, ahead, encode, shardNumbers);
                }
                shards.Add(shard);
                if (!shards[0].IsLike(shard))
                {
                    throw new BadInput($"{PathOf(folder, 0)}: holds other outputs than the model gives; remove the folder, it is made anew.");
                }
                ahead.RemoveRange(0, shard.Count);
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

    /// <summary>The outputs that a folder keeps of a corpus, whatever is asked for this time; None when it keeps another corpus, or none. Its first shard speaks for all.</summary>
    /// <param name="folder">As in <see cref="InFolder"/>.</param>
    /// <param name="texts">The corpus; the texts of the first shard are read.</param>
    /// <param name="key">The key of <see cref="InFolder"/> for some outputs.</param>
    public static EmbeddingModes OutputsIn(string folder, IEnumerable<string> texts, Func<EmbeddingModes, string> key)
    {
        string path = PathOf(folder, 0);
        EmbeddingModes outputs = EmbeddingShard.OutputsOf(path);
        if (outputs == EmbeddingModes.None)
        {
            return outputs;
        }
        using EmbeddingShard? first = EmbeddingShard.TryOpen(path, count => KeyOf(key(outputs), [.. texts.Take(count)], count));
        return first is null ? EmbeddingModes.None : outputs;
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

    private static bool Fill(List<string> ahead, IEnumerator<string> rest, int count)
    {
        while (ahead.Count < count && rest.MoveNext())
        {
            ahead.Add(rest.Current);
        }
        return ahead.Count > 0;
    }

    private static EmbeddingShard Make(string path, string key, List<string> ahead, Func<IReadOnlyList<string>, IEnumerable<M3Embedding>> encode, long shardNumbers)
    {
        EmbeddingShard made = EmbeddingShard.Of(Encode(ahead, encode, shardNumbers));
        made.Save(path, KeyOf(key, ahead, made.Count)!);
        return EmbeddingShard.TryOpen(path, count => KeyOf(key, ahead, count)) ?? throw new IOException($"{path}: could not be read back after it was written");
    }

    // The embeddings of a shard. An encoder holds those of all texts it is given, so it is given pieces of about a quarter of the budget by estimate. Pieces begin with the shard
    // and follow from its texts and embeddings: a shard that an interrupted run makes anew is encoded in the batches it would have had.
    private static List<M3Embedding> Encode(List<string> texts, Func<IReadOnlyList<string>, IEnumerable<M3Embedding>> encode, long shardNumbers)
    {
        var made = new List<M3Embedding>();
        long numbers = 0;
        double perText = 0, perCharacter = 256; // before anything is known: 1,024 numbers a token of 4 characters
        while (made.Count < texts.Count && numbers < shardNumbers)
        {
            int start = made.Count, end = PieceEnd(texts, start, shardNumbers / 4.0, perText, perCharacter);
            made.AddRange(encode(texts.GetRange(start, end - start)));
            if (made.Count != end)
            {
                throw new InvalidOperationException($"{made.Count - start} embeddings were given for {end - start} texts");
            }
            perText = made[0].Dense?.Length ?? 0;
            perCharacter = start == 0 ? 0 : perCharacter;
            for (int i = start; i < end; i++)
            {
                long size = EmbeddingShard.NumbersOf(made[i]);
                numbers += size;
                perCharacter = Math.Max(perCharacter, (size - perText) / (texts[i].Length + SlackCharacters));
            }
        }
        return made;
    }

    // At least one text. Few texts say little (one that is cut off has many characters to a number): a piece is at most 16 times what was measured.
    private static int PieceEnd(List<string> texts, int start, double limit, double perText, double perCharacter)
    {
        int end = start, most = start == 0 ? texts.Count : (int)Math.Min(texts.Count, 17L * start);
        for (double expected = 0; end < most; end++)
        {
            expected += perText + ((texts[end].Length + SlackCharacters) * perCharacter);
            if (expected > limit && end > start)
            {
                break;
            }
        }
        return end;
    }

    // Lengths before texts, so that no two lists of texts run together to the same bytes. Null: there are not so many texts.
    private static string? KeyOf(string key, List<string> texts, int count)
    {
        if (count > texts.Count)
        {
            return null;
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string text in texts.Take(count).Prepend(key))
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

// The embeddings of some texts as four or fewer flat tensors: built in memory, written as one safetensors file, read back mapped.
// Flat tensors cost nothing to open and let the operating system decide what stays in memory.

using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using BgeSharp.Embeddings;
using BgeSharp.Formats;

namespace BgeSharp.Retrieval.Embedded;

/// <summary>Embeddings of consecutive texts.</summary>
public sealed class EmbeddingShard : IDisposable
{
    private static readonly (string Name, TensorType Type)[] Layout =
    [
        ("dense", TensorType.F32), ("term_offsets", TensorType.I64), ("terms", TensorType.I32), ("weights", TensorType.F32), ("vector_offsets", TensorType.I64), ("vectors", TensorType.F32),
    ];

    private readonly SafeTensorsFile? _file;

    private EmbeddingShard(SafeTensorsFile? file) => _file = file;

    /// <summary>n, the number of texts.</summary>
    public int Count { get; private init; }

    /// <summary>[n, D] row-major; empty when not computed.</summary>
    public ReadOnlyMemory<float> Dense { get; private init; }

    /// <summary>[n + 1], where the terms of each text begin; empty when not computed.</summary>
    public ReadOnlyMemory<long> TermOffsets { get; private init; }

    /// <summary>Token ids, ascending within a text.</summary>
    public ReadOnlyMemory<int> Terms { get; private init; }

    /// <summary>Weight of each term.</summary>
    public ReadOnlyMemory<float> Weights { get; private init; }

    /// <summary>[n + 1], where the vectors of each text begin, counted in vectors; empty when not computed.</summary>
    public ReadOnlyMemory<long> VectorOffsets { get; private init; }

    /// <summary>[vectors, C] row-major.</summary>
    public ReadOnlyMemory<float> Vectors { get; private init; }

    /// <summary>C; 0 when there are no multi-vectors.</summary>
    public int VectorSize { get; private init; }

    /// <summary>Numbers in it: dense vectors, token ids and their weights, multi-vectors.</summary>
    public long Numbers => (long)Dense.Length + Terms.Length + Weights.Length + Vectors.Length;

    /// <summary>The outputs that a file says it holds, None when it is no shard. Nothing but the names of its tensors is looked at: whether they are sound is for <see cref="TryOpen"/>.</summary>
    public static EmbeddingModes OutputsOf(string path)
    {
        if (!File.Exists(path))
        {
            return EmbeddingModes.None;
        }
        try
        {
            using SafeTensorsFile file = SafeTensorsFile.Open(path);
            return (file.Contains("dense") ? EmbeddingModes.Dense : EmbeddingModes.None) | (file.Contains("term_offsets") ? EmbeddingModes.Sparse : EmbeddingModes.None)
                | (file.Contains("vector_offsets") ? EmbeddingModes.MultiVector : EmbeddingModes.None);
        }
        catch (BadInput)
        {
            return EmbeddingModes.None;
        }
    }

    /// <summary>What an embedding adds to <see cref="Numbers"/>.</summary>
    public static long NumbersOf(M3Embedding embedding)
    {
        long numbers = (embedding.Dense?.Length ?? 0) + (2L * (embedding.LexicalWeights?.Count ?? 0));
        foreach (float[] vector in embedding.MultiVector ?? [])
        {
            numbers += vector.Length;
        }
        return numbers;
    }

    /// <summary>Whether both hold the same outputs, of the same sizes. A shard whose texts gave no vector at all has no C.</summary>
    public bool IsLike(EmbeddingShard other) => Dense.Length / Count == other.Dense.Length / other.Count
        && TermOffsets.IsEmpty == other.TermOffsets.IsEmpty && VectorOffsets.IsEmpty == other.VectorOffsets.IsEmpty
        && (VectorSize == other.VectorSize || VectorSize == 0 || other.VectorSize == 0);

    /// <summary>Lays embeddings out.</summary>
    public static EmbeddingShard Of(IReadOnlyList<M3Embedding> embeddings)
    {
        bool dense = embeddings.Count > 0 && embeddings[0].Dense is not null, sparse = embeddings.Count > 0 && embeddings[0].LexicalWeights is not null;
        bool multi = embeddings.Count > 0 && embeddings[0].MultiVector is not null;
        KeyValuePair<int, float>[][] weights = sparse ? [.. embeddings.Select(e => e.LexicalWeights!.OrderBy(w => w.Key).ToArray())] : [];
        float[][][] vectors = multi ? [.. embeddings.Select(e => e.MultiVector!)] : [];
        return new EmbeddingShard(null)
        {
            Count = embeddings.Count,
            Dense = dense ? Flat(embeddings.Select(e => e.Dense!)) : default,
            TermOffsets = sparse ? Offsets(weights.Select(w => w.Length)) : default,
            Terms = weights.SelectMany(w => w.Select(x => x.Key)).ToArray(),
            Weights = weights.SelectMany(w => w.Select(x => x.Value)).ToArray(),
            VectorOffsets = multi ? Offsets(vectors.Select(v => v.Length)) : default,
            Vectors = multi ? Flat(vectors.SelectMany(v => v)) : default,
            VectorSize = vectors.SelectMany(v => v).FirstOrDefault()?.Length ?? 0,
        };
    }

    /// <summary>Writes the shard, all or nothing.</summary>
    /// <param name="path">A .safetensors file.</param>
    /// <param name="key">What it was made from; <see cref="TryOpen"/> asks for the same.</param>
    public void Save(string path, string key)
    {
        var tensors = new List<TensorToWrite>();
        if (Dense.Length > 0)
        {
            tensors.Add(TensorToWrite.Of("dense", [Count, Dense.Length / Count], Dense));
        }
        if (TermOffsets.Length > 0)
        {
            tensors.Add(TensorToWrite.Of("term_offsets", [TermOffsets.Length], TermOffsets));
            ReadOnlyMemory<int> terms = Terms;
            tensors.Add(new TensorToWrite("terms", TensorType.I32, [Terms.Length], stream => stream.Write(MemoryMarshal.AsBytes(terms.Span))));
            tensors.Add(TensorToWrite.Of("weights", [Weights.Length], Weights));
        }
        if (VectorOffsets.Length > 0)
        {
            tensors.Add(TensorToWrite.Of("vector_offsets", [VectorOffsets.Length], VectorOffsets));
            tensors.Add(TensorToWrite.Of("vectors", [VectorSize > 0 ? Vectors.Length / VectorSize : 0, VectorSize], Vectors));
        }
        SafeTensorsWriter.Write(path, tensors, new Dictionary<string, string> { ["key"] = key, ["count"] = FormattableString.Invariant($"{Count}") });
    }

    /// <summary>Maps a shard; null when the file is not there, is damaged, or was made from something else.</summary>
    /// <param name="path">A file that <see cref="Save"/> wrote.</param>
    /// <param name="keyOf">The key of a shard of so many texts; null when it cannot hold so many.</param>
    public static EmbeddingShard? TryOpen(string path, Func<int, string?> keyOf)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        SafeTensorsFile? file = null;
        try
        {
            file = SafeTensorsFile.Open(path);
            if (int.TryParse(file.Metadata.GetValueOrDefault("count"), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
                && file.Metadata.GetValueOrDefault("key") is { } key && key == keyOf(count) && Map(file, count) is { } shard)
            {
                return shard;
            }
        }
        catch (BadInput)
        {
            // A file that is no shard is made anew.
        }
        file?.Dispose();
        return null;
    }

    /// <summary>Unmaps the file; spans and memories end with it.</summary>
    public void Dispose() => _file?.Dispose();

    // Sizes in the file are not trusted: each tensor must be of its type and fit a span, offsets must ascend to the ends of what they point into.
    private static EmbeddingShard? Map(SafeTensorsFile file, int count)
    {
        ReadOnlyMemory<float> dense = Tensor<float>(file, "dense", TensorType.F32), weights = Tensor<float>(file, "weights", TensorType.F32), vectors = Tensor<float>(file, "vectors", TensorType.F32);
        ReadOnlyMemory<long> termOffsets = Tensor<long>(file, "term_offsets", TensorType.I64), vectorOffsets = Tensor<long>(file, "vector_offsets", TensorType.I64);
        ReadOnlyMemory<int> terms = Tensor<int>(file, "terms", TensorType.I32);
        int size = file.Contains("vectors") && file["vectors"].Shape is [_, var c and <= int.MaxValue] ? (int)c : 0;
        bool sound = Layout.All(t => !file.Contains(t.Name) || (file[t.Name].Type == t.Type && file[t.Name].ElementCount <= int.MaxValue))
            && dense.Length % count == 0 && terms.Length == weights.Length
            && Ascends(termOffsets, count, terms.Length) && Ascends(vectorOffsets, count, size > 0 ? vectors.Length / size : 0) && terms.Span.IndexOfAnyInRange(int.MinValue, -1) < 0;
        return !sound ? null : new EmbeddingShard(file)
        {
            Count = count,
            Dense = dense,
            TermOffsets = termOffsets,
            Terms = terms,
            Weights = weights,
            VectorOffsets = vectorOffsets,
            Vectors = vectors,
            VectorSize = size,
        };
    }

    private static bool Ascends(ReadOnlyMemory<long> offsets, int count, int end)
    {
        if (offsets.Length == 0)
        {
            return end == 0;
        }
        ReadOnlySpan<long> span = offsets.Span;
        bool sound = span.Length == count + 1 && span[0] == 0 && span[^1] == end;
        for (int i = 1; sound && i < span.Length; i++)
        {
            sound = span[i] >= span[i - 1];
        }
        return sound;
    }

    private static ReadOnlyMemory<T> Tensor<T>(SafeTensorsFile file, string name, TensorType type) where T : unmanaged =>
        file.Contains(name) && file[name] is var entry && entry.Type == type && entry.ElementCount is > 0 and <= int.MaxValue
            ? new MappedMemory<T>(file.Pointer(name), (int)entry.ElementCount).Memory
            : default;

    // One array of the size that is needed: a growing one would hold the numbers twice.
    private static float[] Flat(IEnumerable<float[]> rows)
    {
        long length = rows.Sum(r => (long)r.Length);
        if (length > Array.MaxLength)
        {
            throw new ArgumentException($"{length} numbers do not fit one array; a shard has to close sooner", nameof(rows));
        }
        var flat = new float[length];
        int at = 0;
        foreach (float[] row in rows)
        {
            row.CopyTo(flat, at);
            at += row.Length;
        }
        return flat;
    }

    private static long[] Offsets(IEnumerable<int> lengths)
    {
        var offsets = new List<long> { 0 };
        foreach (int length in lengths)
        {
            offsets.Add(offsets[^1] + length);
        }
        return [.. offsets];
    }

    // Mapped pages do not move: pinning is nothing to do. The shard keeps the mapping.
    private sealed unsafe class MappedMemory<T>(nint start, int length) : MemoryManager<T> where T : unmanaged
    {
        public override Span<T> GetSpan() => new((void*)start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new((T*)start + elementIndex);

        public override void Unpin() { }

        protected override void Dispose(bool disposing) { }
    }
}

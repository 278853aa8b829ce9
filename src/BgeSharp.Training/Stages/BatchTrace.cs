// What a step trained on: the rows of its examples and a hash of its token ids. Two runs with the same hashes saw the same tokens in the same order.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Text;

namespace BgeSharp.Training.Stages;

/// <summary>Collects the micro-batches of one step.</summary>
public sealed class BatchTrace
{
    private readonly XxHash64 _hash = new();
    private readonly List<int> _rows = [];

    /// <summary>Rows of pairs or texts in the order they were trained on.</summary>
    public IReadOnlyList<int> Rows => _rows;

    /// <summary>Hash of ids and text lengths of all micro-batches so far.</summary>
    public ulong Digest => _hash.GetCurrentHashAsUInt64();

    /// <summary>Adds a micro-batch.</summary>
    /// <param name="rows">Rows of its examples.</param>
    /// <param name="batches">Everything of it that the model sees.</param>
    public void Add(ReadOnlySpan<int> rows, params ReadOnlySpan<TokenBatch> batches)
    {
        _rows.AddRange(rows);
        foreach (TokenBatch batch in batches)
        {
            _hash.Append(MemoryMarshal.AsBytes(batch.Offsets.AsSpan()));
            _hash.Append(MemoryMarshal.AsBytes(batch.Ids.AsSpan()));
        }
    }

    /// <summary>The running hash of a stage after one more step.</summary>
    /// <param name="before">16 hexadecimal digits, or empty before the first step.</param>
    public string Chain(string before)
    {
        ulong digest = Digest;
        var chain = new XxHash64();
        chain.Append(System.Text.Encoding.ASCII.GetBytes(before));
        chain.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in digest)));
        return chain.GetCurrentHashAsUInt64().ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
    }
}

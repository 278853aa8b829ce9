// What a step trained on: the rows of its examples and a hash of its token ids. Two runs with the same hashes saw the same tokens in the same order.
// The hash is a sum over texts, each hashed with its place: ranks that saw a part each add up to the hash of one process that saw all.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Text;

namespace BgeSharp.Training.Stages;

/// <summary>Collects the micro-batches of one step.</summary>
public sealed class BatchTrace
{
    private readonly List<int> _rows = [];

    /// <summary>Rows of pairs or texts in the order they were trained on, those of other ranks included.</summary>
    public IReadOnlyList<int> Rows => _rows;

    /// <summary>Hash of ids of all texts added so far, with their places.</summary>
    public ulong Digest { get; private set; }

    /// <summary>Adds a micro-batch.</summary>
    /// <param name="rows">Rows of its examples.</param>
    /// <param name="batches">Everything of it that the model sees.</param>
    public void Add(ReadOnlySpan<int> rows, params ReadOnlySpan<TokenBatch> batches)
    {
        int first = _rows.Count;
        AddRows(rows);
        for (int side = 0; side < batches.Length; side++)
        {
            for (int i = 0; i < batches[side].Count; i++)
            {
                AddText(first + i, side, batches[side][i]);
            }
        }
    }

    /// <summary>Adds the rows of a micro-batch whose texts are added apart.</summary>
    public void AddRows(ReadOnlySpan<int> rows) => _rows.AddRange(rows);

    /// <summary>Adds a text.</summary>
    /// <param name="place">Its number in the step, whoever trains on it.</param>
    /// <param name="side">What it is of its example: query or passage, original or masked.</param>
    /// <param name="ids">Its ids.</param>
    public void AddText(int place, int side, ReadOnlySpan<int> ids)
    {
        ReadOnlySpan<int> where = [place, side, ids.Length];
        unchecked
        {
            Digest += XxHash64.HashToUInt64(MemoryMarshal.AsBytes(ids), (long)XxHash64.HashToUInt64(MemoryMarshal.AsBytes(where)));
        }
    }

    /// <summary>The same rows with the digest of all ranks.</summary>
    public BatchTrace With(ulong digest)
    {
        var joined = new BatchTrace { Digest = digest };
        joined._rows.AddRange(_rows);
        return joined;
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

// The checks that hold for every miner: those that look at one pair only (any thread may make them) and those that remember pairs (in order, one thread).
// Remembered are 60 bits of hashes: about 6 bytes a pair and 7 a distinct query, the only thing in mining that grows with the corpus.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Text;
using BgeSharp.Training.Data.Cleaning;

namespace BgeSharp.Training.Data.Miners;

/// <summary>Checks of single pairs.</summary>
public static class PairChecks
{
    /// <summary>The pair as it will be written: query trimmed and cut, source and language set.</summary>
    public static TrainingExample Finish(TrainingExample raw, MiningOptions options, string source, string language) => raw with
    {
        Query = Sentences.Cut(raw.Query.Trim(), options.QueryCharacters),
        Source = source.Length > 0 ? source : null,
        Language = raw.Language ?? language,
    };

    /// <summary>Why a pair is no pair, looking at nothing but itself; null when it is one.</summary>
    public static string? Reason(TrainingExample pair, MiningOptions options)
    {
        string passage = pair.Positives[0];
        // The other side of a translated title is a title and may be short.
        if (passage.Length < options.MinPassageCharacters && pair.Miner != "translated-title")
        {
            return "short passage";
        }
        if (Script.Words(pair.Query) < options.MinQueryWords)
        {
            return "short query";
        }
        return pair.Query == passage ? "query equals passage" : null;
    }

    /// <summary>Hash of the query.</summary>
    public static ulong QueryHash(TrainingExample pair) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(pair.Query.AsSpan()));

    /// <summary>Hash of query and passage together.</summary>
    public static ulong PairHash(TrainingExample pair, ulong query) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(pair.Positives[0].AsSpan()), (long)query);
}

/// <summary>Remembers pairs and queries, in order.</summary>
/// <param name="maxPairsPerQuery">As in <see cref="MiningOptions.MaxPairsPerQuery"/>.</param>
public sealed class RepeatedPairs(int maxPairsPerQuery)
{
    private readonly PackedHashSet _pairs = new(60), _queries = new(60, counted: true);

    /// <summary>Bytes of the tables.</summary>
    public long Bytes => _pairs.Bytes + _queries.Bytes;

    /// <summary>Takes a pair in: "repeated pair", "repeated query", or null when it is new.</summary>
    public string? Reason(ulong pair, ulong query)
    {
        if (!_pairs.Add(pair))
        {
            return "repeated pair";
        }
        // A query that has its most stays at its count: further pairs of it are remembered as pairs only.
        return maxPairsPerQuery > 0 && _queries.Increment(query) >= Math.Min(maxPairsPerQuery, PackedHashSet.MaxCount) ? "repeated query" : null;
    }
}

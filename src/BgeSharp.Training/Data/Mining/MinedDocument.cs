// What a working thread finds out about a document before anything that depends on order: everything the taking thread needs, and no more.

using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Mining;

/// <summary>A pair as it will be written, and what decides whether it is.</summary>
internal sealed record MinedPair(byte[] Line, string Miner, string Language, string Query, string Passage, ulong PairHash, ulong QueryHash, ulong SampleKey, bool HeldOut);

/// <summary>A drop with its example.</summary>
internal readonly record struct Drop(string Reason, string Example);

/// <summary>A document after cleaning and mining.</summary>
internal sealed class MinedDocument
{
    /// <summary>Why the document is dropped whole; null when it is not.</summary>
    public Drop? Dropped { get; init; }

    /// <summary>What to call it in examples.</summary>
    public string Example { get; init; } = "";

    public string Language { get; init; } = "";

    public int Characters { get; init; }

    public ulong BodyHash { get; init; }

    /// <summary>MinHash bands; null for a short text, or when near duplicates stay.</summary>
    public ulong[]? Bands { get; init; }

    /// <summary>Lines of boilerplate taken out, and one of them.</summary>
    public int RemovedLines { get; init; }

    public string RemovedLine { get; init; } = "";

    public IReadOnlyList<MinedPair> Pairs { get; init; } = [];

    public IReadOnlyList<Drop> PairDrops { get; init; } = [];

    public IReadOnlyList<(int Miner, PairHalf Half)> Halves { get; init; } = [];

    /// <summary>Mines again with the miner of last resort; null when there is none.</summary>
    public Func<(IReadOnlyList<MinedPair> Pairs, IReadOnlyList<Drop> Drops)>? Otherwise { get; init; }
}

/// <summary>What a unit of documents became.</summary>
internal sealed record MinedUnit(DocumentUnit Unit, IReadOnlyList<MinedDocument> Documents, IReadOnlyList<string> Problems, long Bytes, RowFields Fields);

// Documents → pairs, streaming, on the calling thread: what a recipe does between reading and tokenising. Mining/MiningRun does the same on all cores with
// cleaning, a card and restarts.

namespace BgeSharp.Training.Data.Miners;

/// <summary>Mines the pairs of a source.</summary>
public static class PairMining
{
    /// <summary>Pairs of the documents, in order; those between documents at the end.</summary>
    /// <param name="documents">Documents to mine.</param>
    /// <param name="miners">Miners to run.</param>
    /// <param name="options">Sizes; the same as the miners were made with.</param>
    /// <param name="source">Set as the pairs' source.</param>
    /// <param name="counts">Counts pairs by miner and drops by reason as they pass; null when nobody asks.</param>
    public static IEnumerable<TrainingExample> Mine(IEnumerable<Document> documents, PairMiners miners, MiningOptions options, string source = "", MiningCounts? counts = null)
    {
        var repeats = new RepeatedPairs(options.MaxPairsPerQuery);
        using JoinSpool? spool = miners.Joined.Count > 0 ? JoinSpool.Temporary() : null;
        foreach (Document document in documents)
        {
            bool found = false;
            foreach (IPairMiner miner in miners.All)
            {
                foreach (TrainingExample pair in Accepted(miner.Mine(document), document.Language))
                {
                    found = true;
                    yield return pair;
                }
            }
            if (!found && miners.Otherwise is { } otherwise)
            {
                foreach (TrainingExample pair in Accepted(otherwise.Mine(document), document.Language))
                {
                    yield return pair;
                }
            }
            for (int i = 0; i < miners.Joined.Count; i++)
            {
                foreach (PairHalf half in miners.Joined[i].Halves(document))
                {
                    spool!.Add(i, half);
                }
            }
        }
        foreach (TrainingExample pair in spool is null ? [] : Accepted(spool.Join(miners.Joined).Select(p => p.Pair), "und"))
        {
            yield return pair;
        }

        IEnumerable<TrainingExample> Accepted(IEnumerable<TrainingExample> mined, string language)
        {
            foreach (TrainingExample raw in mined)
            {
                TrainingExample pair = PairChecks.Finish(raw, options, source, language);
                ulong query = PairChecks.QueryHash(pair);
                if ((PairChecks.Reason(pair, options) ?? repeats.Reason(PairChecks.PairHash(pair, query), query)) is { } reason)
                {
                    counts?.Drop(reason);
                    continue;
                }
                counts?.Keep(pair.Miner!);
                yield return pair;
            }
        }
    }
}

/// <summary>What became of the mined pairs.</summary>
public sealed class MiningCounts
{
    private readonly SortedDictionary<string, long> kept = new(StringComparer.Ordinal), dropped = new(StringComparer.Ordinal);

    /// <summary>Pairs kept, by miner.</summary>
    public IReadOnlyDictionary<string, long> Kept => kept;

    /// <summary>Pairs dropped, by reason: "short passage", "short query", "query equals passage", "repeated pair", "repeated query".</summary>
    public IReadOnlyDictionary<string, long> Dropped => dropped;

    internal void Keep(string miner) => kept[miner] = kept.GetValueOrDefault(miner) + 1;

    internal void Drop(string reason) => dropped[reason] = dropped.GetValueOrDefault(reason) + 1;
}

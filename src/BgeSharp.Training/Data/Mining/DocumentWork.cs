// The part of mining that looks at one document at a time and therefore runs on any thread: cleaning, hashes, signatures, miners, checks, the finished line.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Mines the documents of a source one by one.</summary>
internal sealed class DocumentWork(MiningPlan plan, MiningSource source, int sourceNumber, Boilerplate? boilerplate)
{
    /// <summary>Room for the miners of one source in the numbers of the spool.</summary>
    public const int MinersPerSource = 32;

    /// <summary>Parses and mines a unit.</summary>
    public MinedUnit Do(DocumentUnit unit)
    {
        UnitContent content = unit.Parse();
        return new MinedUnit(unit, [.. content.Documents.Select(Do)], content.Problems, content.Bytes, content.Fields);
    }

    /// <summary>A pair of two documents, checked and written as the others are; null with its reason when it is none.</summary>
    public (MinedPair? Pair, Drop? Drop) Finish(JoinedPair joined)
    {
        (bool one, bool other) = (plan.HeldOut.Holds(joined.Pair.Group!), plan.HeldOut.Holds(joined.OtherGroup));
        var pairs = new List<MinedPair>();
        var drops = new List<Drop>();
        if (one != other)
        {
            return (null, new Drop("across the split", joined.Pair.Query));
        }
        Take(joined.Pair, "und", pairs, drops);
        return pairs.Count > 0 ? (pairs[0], null) : (null, drops[0]);
    }

    private MinedDocument Do(Document raw)
    {
        Document document = raw.Group == raw.Id ? raw with { Group = LanguageMarks.Without(raw.Id) } : raw;
        string example = document.Title.Length > 0 ? document.Title : document.Id;
        if (plan.Cleaning.DetectLanguage && document.Language is "und" or "")
        {
            document = document with { Language = LanguageGuess.Of(document) };
        }
        if (source.Filter.Reason(document) is { } unwanted)
        {
            return new MinedDocument { Dropped = new Drop(unwanted, example) };
        }
        if (plan.Cleaning.Script && !LanguageGuess.ScriptAgrees(document))
        {
            return new MinedDocument { Dropped = new Drop("other script than its language", $"{document.Language}: {example}") };
        }
        int removed = 0;
        string removedLine = "";
        if (boilerplate is not null)
        {
            Document before = document;
            if (boilerplate.Clean(document, out removed) is not { } clean)
            {
                return new MinedDocument { Dropped = new Drop("nothing but boilerplate", example) };
            }
            document = clean;
            removedLine = removed > 0 ? before.Sections.SelectMany(s => s.Text.Split('\n')).First(l => boilerplate.IsBoilerplate(l)) : "";
        }
        string body = document.Body;
        if (body.Length < plan.Cleaning.MinCharacters || (plan.Cleaning.MaxCharacters > 0 && body.Length > plan.Cleaning.MaxCharacters))
        {
            return new MinedDocument { Dropped = new Drop(body.Length < plan.Cleaning.MinCharacters ? "short document" : "long document", example) };
        }
        var pairs = new List<MinedPair>();
        var drops = new List<Drop>();
        foreach (IPairMiner miner in source.Miners.All)
        {
            foreach (TrainingExample pair in miner.Mine(document))
            {
                Take(pair, document.Language, pairs, drops);
            }
        }
        return new MinedDocument
        {
            Example = example,
            Language = document.Language,
            Characters = body.Length,
            BodyHash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(body.AsSpan())),
            Bands = plan.Cleaning.NearDuplicates ? MinHash.BandsOf(body) : null,
            RemovedLines = removed,
            RemovedLine = removedLine,
            Pairs = pairs,
            PairDrops = drops,
            Halves = [.. source.Miners.Joined.SelectMany((m, i) => m.Halves(document).Select(h => ((sourceNumber * MinersPerSource) + i, h)))],
            Otherwise = source.Miners.Otherwise is { } otherwise ? Later(document, otherwise, now: pairs.Count == 0) : null,
        };
    }

    // A document without pairs needs its last resort for certain: that is work for this thread, not for the one that takes.
    private Func<(IReadOnlyList<MinedPair>, IReadOnlyList<Drop>)> Later(Document document, IPairMiner miner, bool now)
    {
        if (!now)
        {
            return () => Again(document, miner);
        }
        (IReadOnlyList<MinedPair>, IReadOnlyList<Drop>) found = Again(document, miner);
        return () => found;
    }

    private (IReadOnlyList<MinedPair>, IReadOnlyList<Drop>) Again(Document document, IPairMiner miner)
    {
        var pairs = new List<MinedPair>();
        var drops = new List<Drop>();
        foreach (TrainingExample pair in miner.Mine(document))
        {
            Take(pair, document.Language, pairs, drops);
        }
        return (pairs, drops);
    }

    private void Take(TrainingExample raw, string language, List<MinedPair> pairs, List<Drop> drops)
    {
        TrainingExample pair = PairChecks.Finish(raw, plan.Options, source.Name, language);
        string passage = pair.Positives[0];
        string? reason = PairChecks.Reason(pair, plan.Options)
            ?? (ContentsList.Is(passage) ? "table of contents" : null)
            ?? plan.Lexical?.Reason(pair)
            ?? (plan.Evaluation is { } evaluation && (evaluation.Leaks(pair.Query) || evaluation.Leaks(passage)) ? "evaluation text" : null);
        if (reason is not null)
        {
            drops.Add(new Drop(reason, $"{pair.Query} → {passage[..Math.Min(80, passage.Length)]}"));
            return;
        }
        ulong query = PairChecks.QueryHash(pair), hash = PairChecks.PairHash(pair, query);
        pairs.Add(new MinedPair(PairBytes.Of(pair), pair.Miner!, pair.Language!, pair.Query, passage, hash, query, HashCodes.Of(plan.Options.Seed, (long)hash, 7), plan.HeldOut.Holds(pair.Group!)));
    }
}

// One way of finding a query and its passage in the structure of a document. A miner looks at one document only and keeps no state,
// so that miners can be listed, left out and run in any order.

using BgeSharp.Text;

namespace BgeSharp.Training.Data.Miners;

/// <summary>Finds training pairs in one document.</summary>
public interface IPairMiner
{
    /// <summary>Name in recipes, reports and <see cref="TrainingExample.Miner"/>.</summary>
    string Name { get; }

    /// <summary>Pairs of the document, in reading order: one positive each, no negatives; possibly none. Group is set, Source is not; Language only where it differs from the document's.</summary>
    IEnumerable<TrainingExample> Mine(Document document);
}

/// <summary>Sizes that all miners keep to, in characters (UTF-16 units).</summary>
public sealed record MiningOptions
{
    /// <summary>Longest passage; longer ones are cut at a sentence end.</summary>
    public int PassageCharacters { get; init; } = 600;

    /// <summary>Shorter passages give no pair.</summary>
    public int MinPassageCharacters { get; init; } = 20;

    /// <summary>Longest query; longer ones are cut at a sentence end.</summary>
    public int QueryCharacters { get; init; } = 128;

    /// <summary>Shorter queries give no pair, in words as <see cref="Script.Words"/> counts them.</summary>
    public int MinQueryWords { get; init; } = 2;

    /// <summary>Most pairs with one and the same query; more would make each other false negatives. at most 15; 0 for no limit (held-out sets need all positives).</summary>
    public int MaxPairsPerQuery { get; init; } = 3;

    /// <summary>Most inverse-cloze, neighbour and random-crop pairs of one document each, evenly spaced over it.</summary>
    public int ClozePairsPerDocument { get; init; } = 8;

    /// <summary>In how many other languages a page asks for itself (cross-lingual), at most.</summary>
    public int LanguagesPerDocument { get; init; } = 2;

    /// <summary>Seed of what is drawn at random (the sentences of inverse-cloze), together with the document's id.</summary>
    public int Seed { get; init; } = 1;
}

// The other way of finding pairs: between documents. Each document gives halves under keys; halves of one key, wherever in the corpus they come from,
// are put together when all documents are read. The miner keeps no state; the halves wait on disk (JoinSpool).

namespace BgeSharp.Training.Data.Miners;

/// <summary>One document's part in pairs of a key.</summary>
/// <param name="Key">What the halves of a pair have in common.</param>
/// <param name="Language">Language of the document.</param>
/// <param name="Query">Text that asks; empty when this half only answers.</param>
/// <param name="Passage">Text that answers; empty when this half only asks.</param>
/// <param name="Group">Group of the document.</param>
/// <param name="Part">Tells halves of one key apart where the key is too coarse; empty for none.</param>
public sealed record PairHalf(string Key, string Language, string Query, string Passage, string Group, string Part = "");

/// <summary>A pair of two documents.</summary>
/// <param name="Pair">The pair; its group is that of one of them.</param>
/// <param name="OtherGroup">Group of the other: a split has to have both on one side.</param>
public sealed record JoinedPair(TrainingExample Pair, string OtherGroup);

/// <summary>Finds training pairs between documents.</summary>
public interface IJoinedMiner
{
    /// <summary>Name in recipes, reports and <see cref="TrainingExample.Miner"/>.</summary>
    string Name { get; }

    /// <summary>The halves a document gives, possibly none.</summary>
    IEnumerable<PairHalf> Halves(Document document);

    /// <summary>The pairs of one key's halves; these are in reading order.</summary>
    IEnumerable<JoinedPair> Join(IReadOnlyList<PairHalf> halves);
}

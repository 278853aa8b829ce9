// A passage with its parts in another order, so that a model does not learn to read beginnings alone.                     FlagEmbedding's shuffle_ratio
// There a text is cut into three parts of as many characters, which are shuffled and joined by spaces before it is tokenised. Here passages are ids when batches are drawn, so the parts
// have as many tokens: the tokens and their number stay the same, and with them budgets, words to match and what is hidden; a word that a cut goes through keeps its pieces.

namespace BgeSharp.Training.Data.Batches;

/// <summary>Puts the parts of passages in another order.</summary>
internal static class PassageParts
{
    /// <summary>Characters up to which a text is left as it is.</summary>
    public const int ShortText = 100;

    private const int Count = 3;

    /// <summary>The ids with the thirds of the text in an order that is drawn; all six are as likely, the present one too.</summary>
    /// <param name="ids">Of a passage, special tokens and instruction included.</param>
    /// <param name="start">Where its text begins.</param>
    /// <param name="length">Tokens of its text: nothing but these moves.</param>
    /// <param name="random">Draws the order.</param>
    public static int[] Shuffled(ReadOnlySpan<int> ids, int start, int length, ref SeededRandom random)
    {
        int[] order = [.. Enumerable.Range(0, Count)], shuffled = ids.ToArray();
        random.Shuffle<int>(order);
        int to = start;
        foreach (int part in order)
        {
            ReadOnlySpan<int> tokens = ids[Cut(part)..Cut(part + 1)];
            tokens.CopyTo(shuffled.AsSpan(to));
            to += tokens.Length;
        }
        return shuffled;

        int Cut(int part) => start + (part * length / Count);
    }
}

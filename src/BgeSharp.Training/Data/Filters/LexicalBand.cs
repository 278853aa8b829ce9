// How much of a query's wording its passage shares, by character bigrams: a pair that shares nothing may be no pair (a title that is a pun, a heading above
// an unrelated table), one that shares everything teaches copying. The lower end is off unless asked for: pairs without a word in common are also the ones that
// teach most.

namespace BgeSharp.Training.Data.Filters;

/// <summary>Keeps pairs whose wording is neither unrelated nor equal.</summary>
/// <param name="Low">Least share of the query's bigrams that the passage has; 0 keeps all. Below it is called "unrelated wording".</param>
/// <param name="High">Most likeness of the two as wholes (Dice coefficient of their bigrams); 1 keeps all. Above it is called "copy".</param>
public sealed record LexicalBand(double Low = 0, double High = 0.9)
{
    /// <summary>Why a pair is outside the band; null when it is inside. Pairs across languages and pairs with code are not looked at.</summary>
    public string? Reason(TrainingExample pair)
    {
        if (pair.Miner is "translated-title" or "cross-lingual" or "code-comment" || pair.Language?.Contains('>') == true)
        {
            return null;
        }
        // Texts of such unlike lengths cannot be alike: the coefficient is at most 2 |q| / (|q| + |p|), twice over for repeated bigrams.
        if (Low <= 0 && pair.Positives[0].Length * High > pair.Query.Length * 4)
        {
            return null;
        }
        (double coverage, double dice) = Overlap(pair.Query, pair.Positives[0]);
        return coverage < Low ? "unrelated wording" : dice > High ? "copy" : null;
    }

    /// <summary>Share of the query's distinct bigrams that the passage has, and the Dice coefficient of both sets of bigrams.</summary>
    public static (double Coverage, double Dice) Overlap(string query, string passage)
    {
        HashSet<int> asked = Bigrams(query);
        if (asked.Count == 0)
        {
            return (1, 0);
        }
        int shared = 0, distinct = 0;
        if (passage.Length > 8 * query.Length)
        {
            // A long passage is looked through for the query's few bigrams; the whole of its own is needed for likeness only, which is then small.
            HashSet<int> left = [.. asked];
            foreach (int bigram in CharacterBigrams.Of(passage))
            {
                shared += left.Remove(bigram) ? 1 : 0;
                distinct++;
            }
        }
        else
        {
            HashSet<int> answered = Bigrams(passage);
            (shared, distinct) = (asked.Count(answered.Contains), answered.Count);
        }
        return ((double)shared / asked.Count, 2.0 * shared / (asked.Count + Math.Max(1, distinct)));
    }

    private static HashSet<int> Bigrams(string text) => [.. CharacterBigrams.Of(text)];
}

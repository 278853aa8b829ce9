// Does a passage hold an answer? The rule of open-domain question answering (Chen et al. 2017, Karpukhin et al. 2020) that MKQA's recall uses:
// decompose (NFD), lower-case, split into runs of letters, digits and marks and single other characters, and look for the answer's tokens in a row.

using System.Globalization;
using System.Text;

namespace BgeSharp.Evaluation.Measures;

/// <summary>Finds answer strings in passages.</summary>
public static class AnswerMatch
{
    /// <summary>True when the tokens of any answer stand in the passage one after the other.</summary>
    public static bool Holds(string passage, IEnumerable<string> answers)
    {
        List<string> text = Tokens(passage);
        return answers.Select(Tokens).Any(answer => answer.Count > 0 && Contains(text, answer));
    }

    /// <summary>Recall@k of answers: 1 for a query when any of its first k passages holds an answer.</summary>
    /// <param name="ranked">Texts of the ranked passages, best first.</param>
    /// <param name="answers">Answer strings.</param>
    /// <returns>Rank of the first passage that answers, from 1; int.MaxValue when none does.</returns>
    public static int FirstRank(IEnumerable<string> ranked, IReadOnlyList<string> answers)
    {
        List<string>[] wanted = [.. answers.Select(Tokens).Where(a => a.Count > 0)];
        int rank = 0;
        foreach (string passage in ranked)
        {
            rank++;
            List<string> text = Tokens(passage);
            if (wanted.Any(answer => Contains(text, answer)))
            {
                return rank;
            }
        }
        return int.MaxValue;
    }

    /// <summary>The tokens that are compared.</summary>
    internal static List<string> Tokens(string text)
    {
        var tokens = new List<string>();
        var word = new StringBuilder();
        foreach (Rune rune in text.Normalize(NormalizationForm.FormD).EnumerateRunes())
        {
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool inWord = category is <= UnicodeCategory.OtherNumber;
            if (inWord)
            {
                word.Append(Rune.ToLowerInvariant(rune));
                continue;
            }
            Flush(tokens, word);
            if (category is not (UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned))
            {
                tokens.Add(rune.ToString());
            }
        }
        Flush(tokens, word);
        return tokens;
    }

    private static void Flush(List<string> tokens, StringBuilder word)
    {
        if (word.Length > 0)
        {
            tokens.Add(word.ToString());
            word.Clear();
        }
    }

    private static bool Contains(List<string> text, List<string> answer)
    {
        for (int i = 0; i + answer.Count <= text.Count; i++)
        {
            int j = 0;
            while (j < answer.Count && text[i + j] == answer[j])
            {
                j++;
            }
            if (j == answer.Count)
            {
                return true;
            }
        }
        return false;
    }
}

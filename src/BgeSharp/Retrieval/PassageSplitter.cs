// Cuts a text into passages of at most so many tokens: at paragraph ends where possible, else at sentence ends, else between words or characters.
// Nothing is lost but white space at the cuts. The tokens of pieces are counted one by one; a passage is their sum, so it may be a little shorter than it could be.

using BgeSharp.Text;

namespace BgeSharp.Retrieval;

/// <summary>Splits long texts.</summary>
public static class PassageSplitter
{
    /// <summary>The passages of a text, in order; none for a text of white space.</summary>
    /// <param name="text">Any length.</param>
    /// <param name="tokenizer">Counts.</param>
    /// <param name="maxTokens">Longest passage without special tokens, at least 1. A single character of more tokens is a passage of its own.</param>
    public static IEnumerable<string> Split(string text, ITokenizer tokenizer, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        int start = 0, end = 0, tokens = 0;
        foreach ((int from, int to, int count) in Pieces(text, tokenizer, maxTokens))
        {
            if (tokens > 0 && tokens + count > maxTokens)
            {
                if (text[start..end].Trim() is { Length: > 0 } full)
                {
                    yield return full;
                }
                (start, tokens) = (from, 0);
            }
            (end, tokens) = (to, tokens + count);
        }
        if (text[start..end].Trim() is { Length: > 0 } rest)
        {
            yield return rest;
        }
    }

    // Sentences; those that are too long in halves, down to single characters.
    private static IEnumerable<(int From, int To, int Tokens)> Pieces(string text, ITokenizer tokenizer, int maxTokens)
    {
        for (int start = 0; start < text.Length;)
        {
            int end = Sentences.NextEnd(text, start), count = tokenizer.Encode(text[start..end]).Length;
            if (count <= maxTokens || end - start == 1)
            {
                yield return (start, end, count);
            }
            else
            {
                int middle = Middle(text, start, end);
                foreach ((int, int, int) piece in Halves(text, start, middle, tokenizer, maxTokens).Concat(Halves(text, middle, end, tokenizer, maxTokens)))
                {
                    yield return piece;
                }
            }
            start = end;
        }
    }

    private static IEnumerable<(int From, int To, int Tokens)> Halves(string text, int from, int to, ITokenizer tokenizer, int maxTokens)
    {
        if (from >= to)
        {
            return [];
        }
        int count = tokenizer.Encode(text[from..to]).Length;
        int middle = Middle(text, from, to);
        return count <= maxTokens || middle <= from || middle >= to
            ? [(from, to, count)]
            : Halves(text, from, middle, tokenizer, maxTokens).Concat(Halves(text, middle, to, tokenizer, maxTokens));
    }

    // The space nearest to the middle within a quarter of the length, else the middle; never between the halves of a surrogate pair.
    private static int Middle(string text, int from, int to)
    {
        int middle = from + ((to - from) / 2), reach = (to - from) / 4;
        for (int d = 0; d <= reach; d++)
        {
            if (middle - d > from && char.IsWhiteSpace(text[middle - d]))
            {
                return middle - d;
            }
        }
        return middle > from && middle < to && char.IsLowSurrogate(text[middle]) ? middle + 1 : middle;
    }
}

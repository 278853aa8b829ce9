// Two letters or digits in a row, in lower case: how alike two texts are without asking for words.

using System.Runtime.InteropServices;

namespace BgeSharp.Training.Data;

/// <summary>Character bigrams of a text.</summary>
public static class CharacterBigrams
{
    /// <summary>The bigrams in order, one number each; what is neither letter nor digit divides.</summary>
    public static IEnumerable<int> Of(string text)
    {
        char before = '\0';
        foreach (char raw in text)
        {
            char c = char.IsLetterOrDigit(raw) ? char.ToLowerInvariant(raw) : '\0';
            if (c != '\0' && before != '\0')
            {
                yield return (before << 16) | c;
            }
            before = c;
        }
    }

    /// <summary>How often each stands in a text.</summary>
    public static Dictionary<int, int> Count(string text)
    {
        var counts = new Dictionary<int, int>();
        foreach (int bigram in Of(text))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(counts, bigram, out _)++;
        }
        return counts;
    }

    /// <summary>Cosine of two texts' counts, 0 to 1; 0 where one has no bigram.</summary>
    public static double Cosine(Dictionary<int, int> a, Dictionary<int, int> b)
    {
        (Dictionary<int, int> few, Dictionary<int, int> many) = a.Count <= b.Count ? (a, b) : (b, a);
        double product = few.Sum(pair => (double)pair.Value * many.GetValueOrDefault(pair.Key));
        return product == 0 ? 0 : product / Math.Sqrt(Square(a) * Square(b));

        static double Square(Dictionary<int, int> counts) => counts.Values.Sum(n => (double)n * n);
    }
}

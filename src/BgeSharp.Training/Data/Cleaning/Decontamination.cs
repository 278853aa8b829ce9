// Keeps evaluation text out of training: a training text that shares 13 words in a row with any evaluation text is leaked (GPT-3, Brown et al. 2020,
// appendix C, uses 13-grams). A Han or kana character counts as a word, hence twice as many of those, 26, make a run: 25 was the shared run by which the
// Chinese reading sets were compared. An evaluation text shorter than a run leaks when it is a training query as a whole.
// Memory: about 10 bytes a word of the evaluation sets.

using System.Buffers;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>N-grams of evaluation text.</summary>
public sealed class Decontamination
{
    /// <summary>Words in a row that make a leak: 13 Western words; a Han character is half a word.</summary>
    public const int Words = 13;

    private const int Weight = Words * 2; // a Western word weighs 2, a Han character 1
    private readonly HashSet64 _runs = new();
    private readonly HashSet64 _whole = new();

    /// <summary>Evaluation texts taken in.</summary>
    public long Texts { get; private set; }

    /// <summary>Takes in a question or a passage of an evaluation set.</summary>
    public void Add(string text)
    {
        Texts++;
        if (WholeHash(text) is { } whole)
        {
            _whole.Add(whole);
        }
        Runs(text, hash =>
        {
            _runs.Add(hash);
            return false;
        });
    }

    /// <summary>Whether a training text shares a run with evaluation text, or is one as a whole.</summary>
    public bool Leaks(string text) => Texts > 0 && ((WholeHash(text) is { } whole && _whole.Contains(whole)) || Runs(text, _runs.Contains));

    // None for texts of fewer than four letters: those are words, and words leak nothing.
    private static ulong? WholeHash(string text)
    {
        char[] letters = ArrayPool<char>.Shared.Rent(text.Length);
        int count = PlainLetters.Of(text, letters);
        ulong hash = System.IO.Hashing.XxHash3.HashToUInt64(System.Runtime.InteropServices.MemoryMarshal.AsBytes(letters.AsSpan(0, count)), 1);
        ArrayPool<char>.Shared.Return(letters);
        return count < 4 ? null : hash;
    }

    // Calls with the hash of every shortest run of words that weighs enough; true from the callback ends it.
    private static bool Runs(string text, Func<ulong, bool> found)
    {
        var words = new Queue<(ulong Hash, int Weight)>();
        ulong sum = 0;
        int weight = 0;
        foreach ((ulong word, int own) in WordHashes(text))
        {
            sum = unchecked((sum * 0x9E3779B97F4A7C15UL) + word);
            words.Enqueue((word, own));
            weight += own;
            while (weight - words.Peek().Weight >= Weight)
            {
                sum = unchecked(sum - (words.Peek().Hash * Powers[words.Count - 1]));
                weight -= words.Dequeue().Weight;
            }
            if (weight >= Weight && found(Mix(sum + (ulong)words.Count)))
            {
                return true;
            }
        }
        return false;
    }

    private static readonly ulong[] Powers = MakePowers();

    private static ulong[] MakePowers()
    {
        var powers = new ulong[Weight + 2];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++)
        {
            powers[i] = unchecked(powers[i - 1] * 0x9E3779B97F4A7C15UL);
        }
        return powers;
    }

    private static IEnumerable<(ulong Hash, int Weight)> WordHashes(string text)
    {
        ulong word = 0;
        foreach (char raw in text)
        {
            char c = char.ToLowerInvariant(raw is >= '\uFF01' and <= '\uFF5E' ? (char)(raw - 0xFEE0) : raw);
            bool alone = PlainLetters.IsWord(c);
            if (!alone && char.IsLetterOrDigit(c))
            {
                word = Mix((word * 31) + c + 1);
                continue;
            }
            if (word != 0)
            {
                yield return (word, 2);
                word = 0;
            }
            if (alone)
            {
                yield return (Mix((ulong)c + 1), 1);
            }
        }
        if (word != 0)
        {
            yield return (word, 2);
        }
    }

    private static ulong Mix(ulong x)
    {
        unchecked
        {
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
            return x ^ (x >> 31);
        }
    }
}

// Words of Chinese text, which has no spaces: the most probable split of a run of Han characters into words of a lexicon.      Viterbi over a unigram model
// The lexicon is learned from the text itself (Kudo 2018, the trainer of Unigram vocabularies), so there is no dictionary to ship and special fields have their own words.

using System.Globalization;
using System.Text;
using BgeSharp.Text.Unigram;
using BgeSharp.Text.Unigram.Training;

namespace BgeSharp.Text;

/// <summary>A lexicon of Han words with log probabilities. Immutable and thread-safe.</summary>
public sealed class HanWords
{
    /// <summary>Longest word in characters: nearly all Chinese words have 1 to 4.</summary>
    public const int LongestWord = 4;

    private readonly Dictionary<string, float> _scores;
    private readonly Dictionary<string, float>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly float _unknown;

    private HanWords(Dictionary<string, float> scores)
    {
        _scores = scores;
        _lookup = scores.GetAlternateLookup<ReadOnlySpan<char>>();
        _unknown = scores.Count == 0 ? 0 : scores.Values.Min() - 10;      // as SentencePiece: an unknown character costs more than the rarest piece
    }

    /// <summary>Words in the lexicon.</summary>
    public int Count => _scores.Count;

    /// <summary>Learns a lexicon.</summary>
    /// <param name="texts">Any text; only its runs of Han characters count. Enumerated twice and must give the same texts.</param>
    /// <param name="size">Most words, single characters included; 300 to 1,000,000.</param>
    /// <returns>An empty lexicon, which leaves every character a word, when there is no Han character.</returns>
    public static HanWords Train(IEnumerable<string> texts, int size = 32000)
    {
        IEnumerable<string> runs = texts.SelectMany(Runs);
        if (!runs.Any())
        {
            return new HanWords([]);
        }
        var options = new UnigramTrainerOptions { Size = size, Normalize = false, MaxPieceLength = LongestWord, SeedSize = Math.Max(size, 300_000), MaxCharacters = 8 << 20 };
        var scores = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (SentencePiece piece in UnigramTrainer.Train(runs, options).Pieces)
        {
            string word = piece.Text.TrimStart('▁');      // a run begins with it when the trainer marks beginnings
            if (word.Length > 0 && IsHan(word))
            {
                scores[word] = Math.Max(piece.Score, scores.GetValueOrDefault(word, float.NegativeInfinity));
            }
        }
        return new HanWords(scores);
    }

    /// <summary>Reads a lexicon that <see cref="Save"/> wrote.</summary>
    /// <exception cref="BadInput">The file is missing or a line is not "word, tab, number".</exception>
    public static HanWords Load(string path)
    {
        BadInput.RequireFile(path, "word list");
        var scores = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach ((int number, string line) in File.ReadLines(path).Index())
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab <= 0 || !float.TryParse(line.AsSpan(tab + 1), CultureInfo.InvariantCulture, out float score) || !float.IsFinite(score))
            {
                throw new BadInput($"{path}:{number + 1}: a word, a tab and a number are needed; delete the file and it is made anew.");
            }
            scores[line[..tab]] = score;
        }
        return new HanWords(scores);
    }

    /// <summary>The lexicon as text: a line a word, most probable first.</summary>
    public string Save()
    {
        var text = new StringBuilder();
        foreach ((string word, float score) in _scores.OrderByDescending(s => s.Value).ThenBy(s => s.Key, StringComparer.Ordinal))
        {
            text.Append(word).Append('\t').Append(score.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }
        return text.ToString();
    }

    /// <summary>Splits a run of Han characters.</summary>
    /// <param name="run">Han characters only.</param>
    /// <param name="begins">As long as <paramref name="run"/>; receives true where a word begins.</param>
    public void Split(ReadOnlySpan<char> run, Span<bool> begins)
    {
        begins.Clear();
        if (run.Length == 0)
        {
            return;
        }
        // best[i]: log probability of the best split of the first i characters; from[i]: where its last word begins.
        Span<float> best = run.Length < 256 ? stackalloc float[run.Length + 1] : new float[run.Length + 1];
        Span<int> from = run.Length < 256 ? stackalloc int[run.Length + 1] : new int[run.Length + 1];
        best.Fill(float.NegativeInfinity);
        best[0] = 0;
        for (int start = 0; start < run.Length; start++)
        {
            if (!float.IsFinite(best[start]))
            {
                continue;      // within a surrogate pair
            }
            int one = char.IsHighSurrogate(run[start]) && start + 1 < run.Length ? 2 : 1;
            for (int end = start + one, characters = 1; end <= run.Length && characters <= LongestWord; characters++)
            {
                float score = best[start] + (_lookup.TryGetValue(run[start..end], out float known) ? known : characters == 1 ? _unknown : float.NegativeInfinity);
                if (score > best[end])
                {
                    (best[end], from[end]) = (score, start);
                }
                end += end < run.Length && char.IsHighSurrogate(run[end]) ? 2 : 1;
            }
        }
        for (int end = run.Length; end > 0; end = from[end])
        {
            begins[from[end]] = true;
        }
    }

    /// <summary>True when all characters of a non-empty text are Han.</summary>
    public static bool IsHan(ReadOnlySpan<char> text)
    {
        bool all = text.Length > 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            all &= Script.IsHan(rune.Value);
        }
        return all;
    }

    private static IEnumerable<string> Runs(string text)
    {
        int start = -1, at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Script.IsHan(rune.Value))
            {
                start = start < 0 ? at : start;
            }
            else if (start >= 0)
            {
                yield return text[start..at];
                start = -1;
            }
            at += rune.Utf16SequenceLength;
        }
        if (start >= 0)
        {
            yield return text[start..];
        }
    }
}

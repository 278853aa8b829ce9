// Where sentences end, in Chinese and Western text, by punctuation alone: no model, no dictionary, one pass. A full stop after a common abbreviation
// or an initial does not end a sentence; a colon or semicolon never does.

using System.Buffers;

namespace BgeSharp.Text;

/// <summary>Sentence ends and cuts at them.</summary>
public static class Sentences
{
    private static readonly SearchValues<char> Ends = SearchValues.Create("。！？．…!?.\n");
    private static readonly SearchValues<char> Closers = SearchValues.Create("”’」』）】》\"')]。！？．…!?.");
    private static readonly SearchValues<char> WeakEnds = SearchValues.Create("，、；：,;: 　");

    private static readonly HashSet<string> Abbreviations = new(StringComparer.OrdinalIgnoreCase)
        { "mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "etc", "fig", "eq", "sec", "ch", "vol", "pp", "cf", "al", "inc", "ltd", "co", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec" };

    /// <summary>Sentences with their punctuation and closing quotes, white space trimmed, in order. A newline ends a sentence.</summary>
    public static IEnumerable<string> Split(string text)
    {
        int start = 0;
        while (start < text.Length)
        {
            int end = NextEnd(text, start);
            string sentence = text[start..end].Trim();
            if (sentence.Length > 0)
            {
                yield return sentence;
            }
            start = end;
        }
    }

    /// <summary>Index after the sentence that begins at <paramref name="start"/>; the text's length when it does not end before.</summary>
    public static int NextEnd(string text, int start)
    {
        int at = start;
        while (at < text.Length)
        {
            int found = text.AsSpan(at).IndexOfAny(Ends);
            if (found < 0)
            {
                return text.Length;
            }
            at += found;
            if (IsEnd(text, at))
            {
                at++;
                while (at < text.Length && Closers.Contains(text[at]))
                {
                    at++;
                }
                return at;
            }
            at++;
        }
        return text.Length;
    }

    /// <summary>Whether the text's last character ends a sentence, closing quotes passed over.</summary>
    public static bool EndsSentence(string text)
    {
        int last = text.Length - 1;
        while (last > 0 && text[last] is '”' or '’' or '」' or '』' or '）' or '"' or ')')
        {
            last--;
        }
        return last >= 0 && text[last] is '。' or '！' or '？' or '．' or '…' or '!' or '?' or '.' or '；' or ';';
    }

    /// <summary>The text when it is short enough, else its beginning up to the last sentence end within <paramref name="characters"/>
    /// (in the second half of it; else the last comma or space there, else that many characters).</summary>
    public static string Cut(string text, int characters) => text.Length <= characters ? text : text[..CutIndex(text, 0, characters)].TrimEnd();

    /// <summary>Where to end a piece that begins at <paramref name="start"/> and has at most <paramref name="characters"/>.</summary>
    public static int CutIndex(string text, int start, int characters)
    {
        if (text.Length - start <= characters)
        {
            return text.Length;
        }
        int limit = start + characters, half = start + (characters / 2), end = -1;
        for (int next = NextEnd(text, start); next <= limit && next > start; next = NextEnd(text, next))
        {
            end = next;
            if (next == text.Length)
            {
                break;
            }
        }
        if (end > half)
        {
            return end;
        }
        int weak = text.AsSpan(half, limit - half).LastIndexOfAny(WeakEnds);
        if (weak >= 0)
        {
            return half + weak + 1;
        }
        return end > start && end >= half ? end : char.IsHighSurrogate(text[limit - 1]) && limit - 1 > start ? limit - 1 : limit;
    }

    private static bool IsEnd(string text, int at)
    {
        char c = text[at];
        if (c is not ('.' or '!' or '?'))
        {
            return true;
        }
        bool spaced = at + 1 == text.Length || char.IsWhiteSpace(text[at + 1]) || Closers.Contains(text[at + 1]) || Script.IsWide(text[at + 1]);
        if (!spaced || c != '.')
        {
            return spaced || (c != '.' && at > 0 && Script.IsWide(text[at - 1]));
        }
        int word = at;
        while (word > 0 && char.IsAsciiLetter(text[word - 1]))
        {
            word--;
        }
        // "1. ", "A. ", "e.g. ", "Dr. " begin or join, they do not end.
        bool numbered = at > 0 && char.IsAsciiDigit(text[at - 1]) && (at == 1 || text[at - 2] == '\n' || (at == 2 && char.IsAsciiDigit(text[0])));
        return !numbered && !(at - word == 1) && !Abbreviations.Contains(text[word..at]);
    }
}

// What script a text is written in, by code point ranges. Enough to drop untranslated pages and to name a language when nobody did;
// it does not tell Latin-script languages apart.

using System.Text;

namespace BgeSharp.Text;

/// <summary>Scripts of letters.</summary>
public static class Script
{
    /// <summary>Share of Han characters among the letters of a text, 0 to 1; 0 when there are no letters.</summary>
    public static double HanShare(string text)
    {
        var counts = new LetterCounts();
        counts.Add(text, long.MaxValue);
        return counts.Letters == 0 ? 0 : (double)counts.Han / counts.Letters;
    }

    /// <summary>"ja" with kana, "ko" with hangul, "zh" with at least 30 % Han among the letters, else "und". The first 20,000 letters decide.</summary>
    public static string GuessLanguage(IEnumerable<string> texts)
    {
        var counts = new LetterCounts();
        foreach (string text in texts)
        {
            counts.Add(text, 20_000);
        }
        return counts.Kana * 10 > counts.Letters ? "ja"
            : counts.Hangul * 10 > counts.Letters * 3 ? "ko"
            : counts.Han * 10 >= counts.Letters * 3 && counts.Han > 0 ? "zh"
            : "und";
    }

    /// <summary>Whether a code point is a Han ideograph.</summary>
    public static bool IsHan(int codePoint) =>
        codePoint is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0xF900 and <= 0xFAFF or 0x3005 or 0x3007 or >= 0x20000 and <= 0x323AF;

    /// <summary>Whether a character belongs to a script written without spaces, its punctuation included: Han, kana, full-width forms.</summary>
    public static bool IsWide(char c) => IsHan(c) || c is >= '\u3000' and <= '\u30FF' or >= '\uFF00' and <= '\uFFEF' or >= '\uD840' and <= '\uD8BF'
        or '“' or '”' or '‘' or '’' or '…' or '—';

    /// <summary>Whether a letter belongs to a script that puts no spaces between words: Han and kana, and Thai, Lao, Tibetan, Burmese and Khmer.</summary>
    public static bool IsUnspaced(char c) => IsHan(c) || c is >= '\u3000' and <= '\u30FF' or >= '\uFF00' and <= '\uFFEF' or >= '\uD840' and <= '\uD8BF'
        or >= '\u0E00' and <= '\u109F' or >= '\u1780' and <= '\u17FF';

    /// <summary>Length as a reader feels it: a Han or kana character counts 1, a run of other letters or digits counts 1.</summary>
    public static int Words(string text)
    {
        int words = 0;
        bool inside = false;
        foreach (char c in text)
        {
            bool wide = IsHan(c) || c is >= '\u3041' and <= '\u30FF' || char.IsHighSurrogate(c);
            bool letter = !wide && char.IsLetterOrDigit(c);
            words += wide || (letter && !inside) ? 1 : 0;
            inside = letter;
        }
        return words;
    }

    // Letters by script. Every document goes through here, so the commonest letters are told without asking for their category.
    private struct LetterCounts
    {
        public long Letters, Han, Kana, Hangul;

        public void Add(string text, long most)
        {
            for (int i = 0; i < text.Length && Letters < most; i++)
            {
                char c = text[i];
                if (char.IsAscii(c))
                {
                    Letters += char.IsAsciiLetter(c) ? 1 : 0;
                }
                else if (c is >= '\u4E00' and <= '\u9FFF')
                {
                    (Letters, Han) = (Letters + 1, Han + 1);
                }
                else if (char.IsSurrogate(c))
                {
                    // Half a character is no letter.
                    if (i + 1 < text.Length && Rune.TryCreate(c, text[i + 1], out Rune rune))
                    {
                        i++;
                        Letters += Rune.IsLetter(rune) ? 1 : 0;
                        Han += Rune.IsLetter(rune) && IsHan(rune.Value) ? 1 : 0;
                    }
                }
                else if (char.IsLetter(c))
                {
                    Letters++;
                    Han += IsHan(c) ? 1 : 0;
                    Kana += c is >= '\u3041' and <= '\u30FF' ? 1 : 0;
                    Hangul += c is >= '\uAC00' and <= '\uD7A3' ? 1 : 0;
                }
            }
        }
    }
}

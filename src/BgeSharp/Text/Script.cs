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
        long han = 0, letters = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsLetter(rune))
            {
                letters++;
                han += IsHan(rune.Value) ? 1 : 0;
            }
        }
        return letters == 0 ? 0 : (double)han / letters;
    }

    /// <summary>"ja" with kana, "ko" with hangul, "zh" with at least 30 % Han among the letters, else "und".</summary>
    public static string GuessLanguage(IEnumerable<string> texts)
    {
        long han = 0, kana = 0, hangul = 0, letters = 0;
        foreach (Rune rune in texts.SelectMany(t => t.EnumerateRunes()))
        {
            if (letters >= 20_000)
            {
                break;
            }
            if (Rune.IsLetter(rune))
            {
                letters++;
                han += IsHan(rune.Value) ? 1 : 0;
                kana += rune.Value is >= 0x3041 and <= 0x30FF ? 1 : 0;
                hangul += rune.Value is >= 0xAC00 and <= 0xD7A3 ? 1 : 0;
            }
        }
        return kana * 10 > letters ? "ja" : hangul * 10 > letters * 3 ? "ko" : han * 10 >= letters * 3 && han > 0 ? "zh" : "und";
    }

    /// <summary>Whether a code point is a Han ideograph.</summary>
    public static bool IsHan(int codePoint) =>
        codePoint is >= 0x4E00 and <= 0x9FFF or >= 0x3400 and <= 0x4DBF or >= 0xF900 and <= 0xFAFF or 0x3005 or 0x3007 or >= 0x20000 and <= 0x323AF;

    /// <summary>Whether a character belongs to a script written without spaces, its punctuation included: Han, kana, full-width forms.</summary>
    public static bool IsWide(char c) => IsHan(c) || c is >= '\u3000' and <= '\u30FF' or >= '\uFF00' and <= '\uFFEF' or >= '\uD840' and <= '\uD8BF'
        or '“' or '”' or '‘' or '’' or '…' or '—';

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
}

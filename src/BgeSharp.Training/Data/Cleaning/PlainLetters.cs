// Text as duplicate and leak detection see it: letters and digits only, case folded, full-width forms as their plain ones. Punctuation, spaces and line
// breaks differ between copies of one text more often than its letters do.

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Reduces text to what identifies it.</summary>
internal static class PlainLetters
{
    /// <summary>Writes the letters and digits of a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="letters">At least as long as the text.</param>
    /// <returns>How many were written.</returns>
    public static int Of(ReadOnlySpan<char> text, Span<char> letters)
    {
        int count = 0;
        foreach (char raw in text)
        {
            char c = raw is >= '\uFF01' and <= '\uFF5E' ? (char)(raw - 0xFEE0) : raw;
            if (char.IsAscii(c))
            {
                if (char.IsAsciiLetterOrDigit(c))
                {
                    letters[count++] = (char)(c is >= 'A' and <= 'Z' ? c | 0x20 : c);
                }
            }
            else if (c is >= '\u4E00' and <= '\u9FFF' || char.IsSurrogate(c))
            {
                letters[count++] = c;
            }
            else if (char.IsLetterOrDigit(c))
            {
                letters[count++] = char.ToLowerInvariant(c);
            }
        }
        return count;
    }

    /// <summary>Whether a letter is a word by itself: Han, kana, halves of rare characters.</summary>
    public static bool IsWord(char c) => c is >= '\u4E00' and <= '\u9FFF' or >= '\u3400' and <= '\u4DBF' or >= '\u3041' and <= '\u30FF' || char.IsSurrogate(c);
}

// Tokens found as literals: "[MASK]" in a text is the token, not five pieces; special ones in the raw text, others in the normalised one. One vectorised
// search finds the next; a text without any costs little more than that search. Both tokenizers find theirs here.

using System.Buffers;
using System.Globalization;
using System.Text;

namespace BgeSharp.Text;

/// <summary>A token that is matched in raw text.</summary>
/// <param name="Content">Its literal.</param>
/// <param name="Id">Its id.</param>
/// <param name="Special">Left out by decoding.</param>
/// <param name="SingleWord">Only between characters that are no word characters.</param>
/// <param name="LeftStrip">Takes the white space before it.</param>
/// <param name="RightStrip">Takes the white space after it.</param>
/// <param name="Normalized">Matched in normalised text; false for special tokens.</param>
internal sealed record AddedToken(string Content, int Id, bool Special = true, bool SingleWord = false, bool LeftStrip = false, bool RightStrip = false, bool Normalized = false);

/// <summary>A found token: <c>Start..End</c> of the text, stripped white space included.</summary>
internal readonly record struct FoundToken(int Id, int Start, int End);

/// <summary>Leftmost-longest search for added tokens. Thread-safe.</summary>
internal sealed class AddedTokens
{
    private readonly AddedToken[] _tokens;
    private readonly SearchValues<string> _search;

    /// <param name="tokens">Of equal literals the first counts; empty ones are left out.</param>
    public AddedTokens(IEnumerable<AddedToken> tokens)
    {
        _tokens = [.. tokens.Where(token => token.Content.Length > 0).OrderByDescending(token => token.Content.Length)];
        _search = SearchValues.Create([.. _tokens.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>True when there is nothing to find.</summary>
    public bool IsEmpty => _tokens.Length == 0;

    /// <summary>Finds the next token of <paramref name="text"/>.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="taken">Everything before is taken by tokens found earlier.</param>
    /// <param name="found">The token.</param>
    public bool Next(ReadOnlySpan<char> text, int taken, out FoundToken found)
    {
        for (int from = taken; _tokens.Length > 0;)
        {
            int at = text[from..].IndexOfAny(_search);
            if (at < 0)
            {
                break;
            }
            int start = from + at;
            AddedToken token = LongestAt(text, start);
            int end = start + token.Content.Length;
            from = end;
            if (token.SingleWord && (EndsInWord(text[..start]) || StartsWithWord(text[end..])))
            {
                continue;
            }
            while (token.LeftStrip && start > taken && char.IsWhiteSpace(text[start - 1]))
            {
                start--;
            }
            while (token.RightStrip && end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }
            found = new FoundToken(token.Id, start, end);
            return true;
        }
        found = default;
        return false;
    }

    private AddedToken LongestAt(ReadOnlySpan<char> text, int start)
    {
        foreach (AddedToken token in _tokens)
        {
            if (text[start..].StartsWith(token.Content, StringComparison.Ordinal))
            {
                return token;
            }
        }
        throw new InvalidOperationException("the search found a token that is not there");
    }

    private static bool EndsInWord(ReadOnlySpan<char> text) => Rune.DecodeLastFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) => Rune.DecodeFromUtf16(text, out Rune rune, out _) == OperationStatus.Done && IsWord(rune);

    // Unicode Technical Standard 18, annex C: alphabetic, mark, decimal number, connector, join control.
    private static bool IsWord(Rune rune) => Rune.IsLetter(rune) || Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.LetterNumber or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => true,
        _ => rune.Value is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
    };
}

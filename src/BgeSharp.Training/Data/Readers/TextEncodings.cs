// Which encoding a file is in, from its first bytes: byte order marks, UTF-16 by its zero bytes, UTF-8 by validity, else GB18030 or Big5, whichever decodes
// without error into the more common Chinese characters. A file whose lines are UTF-8 except for some is damaged UTF-8, not another encoding.

using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Detects the encodings of Chinese and Unicode text.</summary>
internal static class TextEncodings
{
    /// <summary>Bytes looked at.</summary>
    public const int HeadBytes = 1 << 20;

    // Less than this share of common characters is not Chinese text decoded rightly. Real text has .2 to .4.
    private const double LeastCommon = 0.05;

    private static readonly SearchValues<char> Common = SearchValues.Create(
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重" +
        "這個們來為國說時會對於著過發後裡與從還點無麼樣學經種當沒動進實軍長機關業將兩間問現開");

    /// <summary>The encoding of a text that begins with these bytes; null for UTF-8, or when it is none of those known.</summary>
    /// <param name="head">Beginning of the file.</param>
    /// <param name="whole">True when it is the whole file.</param>
    public static Encoding? Detect(ReadOnlySpan<byte> head, bool whole)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
        {
            return new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true);
        }
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            return new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true);
        }
        int asciiUntil = head.IndexOfAnyExceptInRange((byte)1, (byte)127);
        if (asciiUntil < 0 || IsUtf8(head, whole))
        {
            return Utf16WithoutMark(head);
        }
        return Utf16WithoutMark(head) ?? (MostlyUtf8(head[..^(whole ? 0 : LineTail(head))]) ? null : Legacy(head));
    }

    private static int LineTail(ReadOnlySpan<byte> head) => head.Length - (head.LastIndexOf((byte)'\n') + 1) is int tail && tail < head.Length ? tail : 0;

    private static bool IsUtf8(ReadOnlySpan<byte> head, bool whole)
    {
        if (Utf8.IsValid(head))
        {
            return true;
        }
        for (int cut = 1; !whole && cut <= 3 && cut < head.Length; cut++)
        {
            if (Utf8.IsValid(head[..^cut]))
            {
                return true;
            }
        }
        return false;
    }

    // Text in UTF-16 has ASCII spaces, digits or line ends: zero bytes on one side of each pair only. UTF-8 text has no zero bytes.
    private static UnicodeEncoding? Utf16WithoutMark(ReadOnlySpan<byte> head)
    {
        int even = 0, odd = 0, sample = Math.Min(head.Length & ~1, 4096);
        for (int i = 0; i < sample; i++)
        {
            (even, odd) = head[i] != 0 ? (even, odd) : (i & 1) == 0 ? (even + 1, odd) : (even, odd + 1);
        }
        return even + odd < Math.Max(2, sample / 100) || Math.Min(even, odd) * 10 > even + odd
            ? null
            : new UnicodeEncoding(bigEndian: even > odd, byteOrderMark: false, throwOnInvalidBytes: true);
    }

    // A line of GB18030 or Big5 is hardly ever valid UTF-8 by chance.
    private static bool MostlyUtf8(ReadOnlySpan<byte> text)
    {
        int valid = 0, invalid = 0;
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range];
            if (line.IndexOfAnyInRange((byte)128, (byte)255) >= 0)
            {
                (valid, invalid) = Utf8.IsValid(line) ? (valid + 1, invalid) : (valid, invalid + 1);
            }
        }
        return valid * 5 > invalid;
    }

    private static Encoding? Legacy(ReadOnlySpan<byte> head)
    {
        (Encoding? best, double bestScore) = (null, LeastCommon);
        foreach (string name in (ReadOnlySpan<string>)["GB18030", "big5"])
        {
            Encoding encoding = CodePagesEncodingProvider.Instance.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!;
            double score = Score(encoding, head);
            (best, bestScore) = score > bestScore ? (encoding, score) : (best, bestScore);
        }
        return best;
    }

    // Share of common characters among those that are not ASCII; −1 when the bytes are not of this encoding.
    private static double Score(Encoding encoding, ReadOnlySpan<byte> head)
    {
        var chars = new char[head.Length + 2];
        int count;
        try
        {
            count = encoding.GetDecoder().GetChars(head, chars, flush: false);
        }
        catch (DecoderFallbackException)
        {
            return -1;
        }
        int common = 0, others = 0;
        foreach (char c in chars.AsSpan(0, count))
        {
            common += Common.Contains(c) ? 1 : 0;
            others += c > 127 ? 1 : 0;
        }
        return others == 0 ? -1 : (double)common / others;
    }
}

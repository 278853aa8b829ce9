// Numbers as the native library reads them from JSON (Rust's serde_json without its feature float_roundtrip): all digits that fit 64 bits as one integer, then
// one division or product by a power of ten. With 16 digits and more the result may be one unit in the last place beside the nearest double, and that decides
// ties between segmentations: every fourth score of a trained vocabulary differs.

using System.Globalization;

namespace BgeSharp.Text.Unigram.Native;

/// <summary>Reads JSON numbers with serde_json's rounding.</summary>
internal static class NativeNumber
{
    // 10⁰ to 10³⁰⁸, each the nearest double.
    private static readonly double[] s_powers = [.. Enumerable.Range(0, 309).Select(e => double.Parse("1e" + e.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))];

    /// <param name="number">A JSON number, checked by the JSON reader before.</param>
    /// <returns>Infinity when it is too large.</returns>
    internal static double Parse(ReadOnlySpan<byte> number)
    {
        bool negative = number[0] == '-';
        number = number[(negative ? 1 : 0)..];
        ulong digits = 0;
        long exponent = 0;
        bool full = false, fraction = false;
        int at = 0;
        for (; at < number.Length && number[at] is not ((byte)'e' or (byte)'E'); at++)
        {
            if (number[at] == '.')
            {
                fraction = true;
                continue;
            }
            uint digit = (uint)(number[at] - '0');
            full = full || digits > (ulong.MaxValue - digit) / 10;
            if (!full)
            {
                digits = (digits * 10) + digit;
            }
            exponent += full ? (fraction ? 0 : 1) : (fraction ? -1 : 0); // a digit without room counts as a zero
        }
        if (at < number.Length)
        {
            // Beyond ±100,000 everything is 0 or infinite.
            exponent += int.TryParse(number[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int written) ? Math.Clamp(written, -100_000, 100_000)
                : number[at + 1] == '-' ? -100_000 : 100_000;
        }
        double value = digits;
        while (value != 0 && Math.Abs(exponent) > 308)
        {
            if (exponent > 0)
            {
                return negative ? double.NegativeInfinity : double.PositiveInfinity;
            }
            value /= 1e308;
            exponent += 308;
        }
        if (value != 0)
        {
            value = exponent < 0 ? value / s_powers[-exponent] : value * s_powers[exponent];
        }
        return negative ? -value : value;
    }

}

// Scores of tokenizer.json are read with the native library's rounding, because that decides ties.

using System.Globalization;
using System.Text;
using BgeSharp.Text.Unigram;
using BgeSharp.Text.Unigram.Native;
using CsCheck;

namespace BgeSharp.Tests.Text.Unigram;

public sealed class NativeNumberTests
{
    private static double Parse(string number) => NativeNumber.Parse(Encoding.UTF8.GetBytes(number));

    // Recorded from the native library, version 0.23.2, on this very file. With nearest doubles the 3 would stand elsewhere.
    [Theory]
    [InlineData(7, "1 2 3")]
    [InlineData(11, "1 2 3 3")]
    [InlineData(15, "1 3 3 3 2")]
    [InlineData(23, "1 3 3 3 2 3 3")]
    [InlineData(31, "1 3 3 3 2 3 3 3 3")]
    public void A_tie_between_segmentations_is_broken_as_in_the_native_library(int length, string ids)
    {
        var tokenizer = UnigramTokenizer.FromTokenizerJson(Encoding.UTF8.GetBytes("""
            {"added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"post_processor":null,"decoder":null,
             "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["▁",-3.5],["aaa",-11.399835586547852],["aaaa",-12.041450500488281]],"byte_fallback":false}}
            """), "tie.json");
        Assert.Equal(ids, string.Join(' ', tokenizer.Encode(new string('a', length))));
    }

    [Fact]
    public void Short_numbers_are_the_nearest_double() => Gen.Select(Gen.Long[-9_000_000_000_000_000, 9_000_000_000_000_000], Gen.Int[-22, 22]).Sample((digits, exponent) =>
    {
        string number = string.Create(CultureInfo.InvariantCulture, $"{digits}e{exponent}");
        Assert.Equal(double.Parse(number, CultureInfo.InvariantCulture), Parse(number));
    });

    [Fact]
    public void Any_double_is_at_most_two_units_in_the_last_place_off() => Gen.Double[-1e6, 1e6].Sample(value =>
    {
        double read = Parse(value.ToString("R", CultureInfo.InvariantCulture));
        Assert.True(Math.Abs(BitConverter.DoubleToInt64Bits(read) - BitConverter.DoubleToInt64Bits(value)) <= 2, $"{value:R} was read as {read:R}");
    });

    [Theory]
    [InlineData("0", 0.0)]
    [InlineData("-0", -0.0)]
    [InlineData("0.000", 0.0)]
    [InlineData("0e999999999999", 0.0)]
    [InlineData("12345678901234567890123", 1.2345678901234567e22)]
    [InlineData("1.5E+3", 1500.0)]
    [InlineData("1e-400", 0.0)]
    [InlineData("1e309", double.PositiveInfinity)]
    [InlineData("-1e99999999999", double.NegativeInfinity)]
    [InlineData("1e-99999999999", 0.0)]
    public void Corners(string number, double value) => Assert.Equal(value, Parse(number), Math.Abs(value) * 1e-15);
}

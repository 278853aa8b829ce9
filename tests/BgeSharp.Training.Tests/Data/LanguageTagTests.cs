// One spelling of language tags, in documents whatever reader they come from.

using BgeSharp.Training.Data;
using CsCheck;

namespace BgeSharp.Training.Tests.Data;

public sealed class LanguageTagTests
{
    [Theory]
    [InlineData("zh", "zh")]
    [InlineData("zh_CN", "zh-CN")]
    [InlineData("zh-cn", "zh-CN")]
    [InlineData("ZH-hant-tw", "zh-Hant-TW")]
    [InlineData("sr-Latn-RS", "sr-Latn-RS")]
    [InlineData("es-419", "es-419")]
    [InlineData("de_DE.UTF-8", "de-DE")]
    [InlineData("ca_ES@valencia", "ca-ES")]
    [InlineData("en-us-x-twain", "en-US-x-twain")]
    [InlineData("de-DE-u-co-phonebk", "de-DE-u-co-phonebk")]
    [InlineData(" en ", "en")]
    [InlineData("", "")]
    [InlineData("Chinese (simplified)", "Chinese (simplified)")]
    [InlineData("zh--CN", "zh--CN")]
    [InlineData("中文", "中文")]
    public void A_tag_has_one_spelling(string given, string expected) => Assert.Equal(expected, LanguageTag.Normalized(given));

    [Fact]
    public void Case_and_separator_never_matter_and_a_normal_tag_stays()
    {
        Gen<string> part = Gen.String[Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789"], 1, 8];
        part.Array[1, 5].Select(Gen.Bool.Array[8]).Sample((parts, choices) =>
        {
            string tag = string.Join('-', parts), normal = LanguageTag.Normalized(tag);
            string other = string.Join("", parts.Select((p, i) => (i == 0 ? "" : choices[i % 8] ? "_" : "-") + (choices[(i + 3) % 8] ? p.ToUpperInvariant() : p)));
            return LanguageTag.Normalized(other) == normal && LanguageTag.Normalized(normal) == normal;
        });
    }

    [Fact]
    public void A_document_keeps_the_usual_spelling()
    {
        var document = new Document("id", "zh_tw", "", [], "id");
        Assert.Equal("zh-TW", document.Language);
        Assert.Equal("en-GB", (document with { Language = "en_gb" }).Language);
    }
}

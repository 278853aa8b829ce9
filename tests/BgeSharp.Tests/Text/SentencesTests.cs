using BgeSharp.Text;
using CsCheck;

namespace BgeSharp.Tests.Text;

public class SentencesTests
{
    private static readonly string[] Pieces = ["甲", "乙丙", "。", "．", "！", "”", "，", "\n", " ", "a", "Dr.", ". ", "3.14", "?", "😀", "…"];
    private static readonly Gen<string> Text = Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]).Array[0, 60].Select(string.Concat);

    [Theory]
    [InlineData("他说：“走吧。”然后走了。", "他说：“走吧。”|然后走了。")]
    [InlineData("真的吗？！好．完", "真的吗？！|好．|完")]
    [InlineData("It costs 3.14 dollars, e.g. for Dr. Smith. Is it? Yes!", "It costs 3.14 dollars, e.g. for Dr. Smith.|Is it?|Yes!")]
    [InlineData("1. 第一步。\n2. 第二步", "1. 第一步。|2. 第二步")]
    [InlineData("用 TiDB v8.5.0。见 a.md。", "用 TiDB v8.5.0。|见 a.md。")]
    public void Sentences_end_where_a_reader_ends_them(string text, string wanted) => Assert.Equal(wanted.Split('|'), Sentences.Split(text));

    [Theory]
    [InlineData("短。", 10, "短。")]
    [InlineData("第一句话。第二句话。第三句话。", 12, "第一句话。第二句话。")]
    [InlineData("一。没有句号的一长串，后面还有很多很多", 14, "一。没有句号的一长串，")]
    [InlineData("没有任何标点的一长串文字", 5, "没有任何标")]
    [InlineData("😀😀😀", 3, "😀")]
    public void A_cut_falls_on_the_best_end_there_is(string text, int characters, string wanted) => Assert.Equal(wanted, Sentences.Cut(text, characters));

    [Fact]
    public void Sentences_lose_nothing_but_white_space() =>
        Text.Sample(text => string.Concat(Sentences.Split(text)).Replace(" ", "").Replace("\n", "") == text.Replace(" ", "").Replace("\n", ""));

    [Fact]
    public void Cuts_keep_to_their_length_and_to_whole_characters() =>
        Gen.Select(Text, Gen.Int[2, 40]).Sample((text, n) =>
        {
            string cut = Sentences.Cut(text, n);
            return cut.Length <= n && text.StartsWith(cut, StringComparison.Ordinal) && (cut.Length == 0 || !char.IsHighSurrogate(cut[^1]));
        });
}

using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Filters;

namespace BgeSharp.Training.Tests.Data;

public class DocumentFilterTests
{
    private static Document Page(string id, string language, string text) => new(id, language, "", [new Section(0, "", text)], id);

    [Theory]
    [InlineData("zh", "zh", true)]
    [InlineData("zh-CN", "zh", true)]
    [InlineData("ZH_tw", "zh", true)]
    [InlineData("zho", "zh", false)]
    [InlineData("zh", "zh-CN", false)]
    [InlineData("und", "zh", false)]
    public void A_language_keeps_its_varieties(string tag, string wanted, bool kept) => Assert.Equal(kept, DocumentFilter.Speaks(tag, wanted));

    [Fact]
    public void Documents_are_kept_by_language_script_first_body_and_limit_and_the_rest_is_counted()
    {
        Document[] pages = [Page("1", "en", "text"), Page("2", "zh", "Untranslated page 一"), Page("3", "zh", "中文页"), Page("4", "zh-CN", "中文页"), Page("5", "zh", "又一页"), Page("6", "zh", "第三页")];
        var counts = new DocumentCounts();
        var filter = new DocumentFilter { Languages = ["zh"], MinHanShare = 0.5, Limit = 2 };
        Assert.Equal(["3", "5"], filter.Apply(pages, counts).Select(d => d.Id));
        Assert.Equal((2, 6), (counts.Kept, counts.Characters));
        Assert.Equal(new Dictionary<string, long> { ["language"] = 1, ["repeated body"] = 1, ["script"] = 1 }, counts.Dropped);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("123 。", 0)]
    [InlineData("汉字ab", 0.5)]
    [InlineData("𠀀㐀々〇", 1)]
    [InlineData("かな", 0)]
    public void The_han_share_counts_letters_only(string text, double share) => Assert.Equal(share, Script.HanShare(text));
}

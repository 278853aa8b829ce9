using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Filters;

namespace BgeSharp.Training.Tests.Data.Cleaning;

public class CleaningTests
{
    private static Document Page(string text, string language = "zh", string id = "a") => new(id, language, "", [new Section(0, "", text)], id);

    private static string Text(int seed, int length)
    {
        var random = new SeededRandom((ulong)seed);
        return string.Concat(Enumerable.Range(0, length).Select(_ => (char)(0x4E00 + random.Next(3000))));
    }

    [Fact]
    public void MinHash_estimates_the_likeness_of_five_grams()
    {
        foreach (int changed in (int[])[0, 100, 300, 600])
        {
            string text = Text(1, 2000), other = text[changed..] + Text(2, changed);
            HashSet<string> a = [.. Enumerable.Range(0, 1996).Select(i => text.Substring(i, 5))], b = [.. Enumerable.Range(0, 1996).Select(i => other.Substring(i, 5))];
            double exact = (double)a.Intersect(b).Count() / a.Union(b).Count();
            Assert.InRange(MinHash.Similarity(text, other), exact - 0.18, exact + 0.18); // three standard deviations of 64 minima
        }
        Assert.Equal(1, MinHash.Similarity("开源许可证决定别人可以怎样使用你的代码，选择之前先想清楚你愿意让别人做什么。再想一遍。", "开源许可证 决定别人可以怎样使用你的代码；选择之前，先想清楚你愿意让别人做什么！\n再想一遍"));
    }

    [Fact]
    public void Nearly_equal_texts_are_found_and_different_ones_are_not()
    {
        var seen = new NearDuplicates();
        int found = 0;
        for (int i = 0; i < 200; i++)
        {
            string text = Text(i + 10, 600);
            Assert.True(seen.Add(MinHash.BandsOf(text)));
            found += seen.Add(MinHash.BandsOf(text[..300] + "改" + text[301..])) ? 0 : 1; // five of 596 shingles differ: J is .98
        }
        Assert.True(found >= 199);
        Assert.True(seen.Add(MinHash.BandsOf("短文")));
        Assert.True(seen.Add(MinHash.BandsOf("短文")));
    }

    [Fact]
    public void Lines_that_a_source_repeats_and_lines_of_navigation_are_taken_out()
    {
        var counts = new LineCounts();
        Document[] pages = [.. Enumerable.Range(0, 100).Select(i => Page($"网站 首页 论坛\n第{i}页说的是{i}。\n上一页 | 下一页\n版权所有 2026", id: $"{i}"))];
        Array.ForEach(pages, counts.Add);
        var boilerplate = new Boilerplate(counts, Boilerplate.ThresholdFor(100));
        Assert.Equal("第7页说的是7。", boilerplate.Clean(pages[7], out int removed)!.Body);
        Assert.Equal(3, removed);
        Assert.Null(boilerplate.Clean(Page("网站 首页 论坛"), out _));
        Document clean = Page("正文只此一行。");
        Assert.Same(clean, boilerplate.Clean(clean, out _));
    }

    [Fact]
    public void Evaluation_text_is_recognised_by_a_run_of_words_or_as_a_whole()
    {
        var evaluation = new Decontamination();
        evaluation.Add("北京大学创办于一八九八年，初名京师大学堂，是中国第一所国立综合性大学，也是当时中国最高教育行政机关。");
        evaluation.Add("the quick brown fox jumps over the lazy dog and runs away from all of us at once");
        evaluation.Add("二叉树是什么");
        Assert.True(evaluation.Leaks("有人说，初名京师大学堂 是中国第一所国立综合性大学 也是当时中国最高教育行政机关，这话不错"));
        Assert.True(evaluation.Leaks("He wrote: The quick, brown fox jumps over the lazy dog and runs away from all."));
        Assert.True(evaluation.Leaks("二叉树是什么？"));
        Assert.False(evaluation.Leaks("二叉树是什么样的结构，有什么用处，怎么遍历它的所有结点？"));
        Assert.False(evaluation.Leaks("the quick brown fox jumps over a fence"));
        Assert.False(evaluation.Leaks("是中国第一所国立综合性大学"));
        Assert.False(new Decontamination().Leaks("什么都没有"));
    }

    [Theory]
    [InlineData("The committee met on Thursday to discuss the new proposal for public transport in the city centre.", "en")]
    [InlineData("Die Kommission hat am Donnerstag über den neuen Vorschlag für den Nahverkehr in der Innenstadt beraten.", "de")]
    [InlineData("La commission s'est réunie jeudi pour discuter de la nouvelle proposition de transport public.", "fr")]
    [InlineData("Комиссия собралась в четверг, чтобы обсудить новое предложение об общественном транспорте в городе.", "ru")]
    [InlineData("委员会星期四开会讨论了城市公共交通的新方案。", "zh")]
    [InlineData("委員会は木曜日に会議を開き、新しい提案について話し合いました。", "ja")]
    [InlineData("위원회는 목요일에 모여 도심 대중교통에 대한 새로운 제안을 논의했습니다.", "ko")]
    [InlineData("Η επιτροπή συνεδρίασε την Πέμπτη για να συζητήσει τη νέα πρόταση.", "el")]
    [InlineData("short", "und")]
    public void Languages_are_named_by_script_and_by_Lingua_where_a_script_has_many(string text, string language) => Assert.Equal(language, LanguageGuess.Of(Page(text, "und")));

    [Theory]
    [InlineData("zh-CN", "委员会星期四开会。", true)]
    [InlineData("zh_TW", "This page was never translated.", false)]
    [InlineData("ja", "Diese Seite wurde nie übersetzt.", false)]
    [InlineData("ru", "This page was never translated.", false)]
    [InlineData("de", "Эта страница не переведена.", false)]
    [InlineData("de", "Diese Seite wurde übersetzt.", true)]
    [InlineData("xx", "anything", true)]
    public void A_page_in_another_script_than_its_language_is_told(string language, string text, bool agrees) => Assert.Equal(agrees, LanguageGuess.ScriptAgrees(Page(text, language)));

    [Fact]
    public void The_lexical_band_leaves_out_copies_and_unrelated_wording()
    {
        var band = new LexicalBand(0.05, 0.9);
        Assert.Null(band.Reason(new TrainingExample("怎样选择许可证", ["选择许可证之前先想清楚你愿意让别人做什么。"], [])));
        Assert.Equal("unrelated wording", band.Reason(new TrainingExample("怎样选择许可证", ["今天天气很好，我们去公园散步。"], [])));
        Assert.Equal("copy", band.Reason(new TrainingExample("选择许可证之前先想清楚", ["选择许可证之前，先想清楚。"], [])));
        Assert.Null(band.Reason(new TrainingExample("How to choose", ["怎样选择许可证"], []) { Language = "en>zh" }));
    }

    [Fact]
    public void A_table_of_contents_is_one()
    {
        Assert.True(ContentsList.Is("3.1. 安装概述\n3.2. 备份数据\n3.3. 有用的信息\n3.3.1. 文档\n3.4. 最低要求"));
        Assert.False(ContentsList.Is("1. 打开终端，输入下面的命令，然后等待它运行结束，大约需要几分钟的时间，期间不要关闭窗口，也不要断开网络，以免安装的过程被打断了。\n2. 重启。\n好了。\n就这样。\n再见。"));
    }
}

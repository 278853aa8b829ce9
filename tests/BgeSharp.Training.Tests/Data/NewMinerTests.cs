using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Tests.Data;

public class NewMinerTests
{
    private static readonly MiningOptions Options = new() { PassageCharacters = 120 };

    private static List<TrainingExample> Mine(string miner, params Document[] documents) => [.. PairMining.Mine(documents, PairMiners.Create([miner], Options), Options)];

    private static Document Page(string id, string language, string title, string text) => new(id, language, title, [new Section(0, "", text)], id);

    [Fact]
    public void A_title_asks_for_its_translation_unless_nobody_translated_it()
    {
        TrainingExample pair = Assert.Single(Mine("translated-title", Page("a", "zh", "如何安装驱动程序", "正文。") with { TranslatedTitle = "How to install a driver" }));
        Assert.Equal(("How to install a driver", "如何安装驱动程序", "en>zh"), (pair.Query, pair.Positives[0], pair.Language));
        Assert.Empty(Mine("translated-title", Page("a", "zh", "Release notes 7.1", "正文。") with { TranslatedTitle = "Release notes 7.1" }));
    }

    [Theory]
    [InlineData("zh/guide/a.md", "en/guide/a.md")]
    [InlineData("guide/README.md", "guide/README_EN.md")]
    [InlineData("page", "page")]
    public void A_page_asks_for_itself_in_another_language(string chinese, string english)
    {
        List<TrainingExample> pairs = Mine("cross-lingual",
            Page(chinese, "zh-CN", "怎样安装驱动程序", "先下载驱动程序，再双击打开它，按照屏幕上的说明一步一步做完。"),
            Page(english, "en", "Installing the driver", "Download the driver, open it with a double click and follow the steps on the screen."),
            Page("zh/other.md", "zh-CN", "别的一页", "这一页没有译文，所以它在这里找不到另外一半，也就没有样本。"));
        Assert.Equal(["zh-CN>en", "en>zh-CN"], pairs.Select(p => p.Language));
        Assert.Equal("怎样安装驱动程序", pairs[0].Query);
        Assert.StartsWith("Download", pairs[0].Positives[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Pages_of_one_group_that_is_more_than_one_page_are_told_apart_by_id()
    {
        Document[] pages = [.. Enumerable.Range(0, 4).Select(i => Page($"{(i < 2 ? "zh" : "en")}/{i % 2}.md", i < 2 ? "zh" : "en", $"Title number {i} of it", $"Text number {i} with twenty letters and some more.") with { Group = "book" })];
        Assert.Equal([("Title number 0 of it", 2), ("Title number 2 of it", 0), ("Title number 1 of it", 3), ("Title number 3 of it", 1)],
            Mine("cross-lingual", pages).Select(p => (p.Query, int.Parse(p.Positives[0].Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void A_link_asks_for_the_page_it_leads_to()
    {
        using var folder = new TemporaryFolder();
        folder.Write("docs/a.md", "# 甲\n\n详见[怎样备份整个集群](../ops/backup.md#how)，或者[这里](../ops/backup.md)，或者[外面](https://example.org/ops/backup)。");
        folder.Write("ops/backup.md", "# 备份\n\n备份之前先检查磁盘空间，然后运行备份命令，等它结束以后再核对一遍文件。");
        folder.Write("index.html", "<main><p>回到<a href='/docs/a'>第一页文档的说明</a>，这里还有一些别的文字，凑够二十个字。</main>");
        List<TrainingExample> pairs = [.. PairMining.Mine(DocumentReader.Read(folder.Path), PairMiners.Create(["link-target"], Options), Options)];
        Assert.Equal([("第一页文档的说明", "详见"), ("怎样备份整个集群", "备份之前")], pairs.OrderBy(p => p.Query, StringComparer.Ordinal).Reverse().Select(p => (p.Query, p.Positives[0][..p.Positives[0].IndexOfAny(['怎', '先'])])).OrderBy(p => p.Item1.Length));
    }

    [Fact]
    public void A_page_is_asked_for_by_the_first_four_names_that_links_give_it()
    {
        static Document Linking(string id, params string[] names) => Page(id, "zh", "页", "正文。") with { Links = [.. names.Select(n => new Link(n, "/target.md"))] };
        List<TrainingExample> pairs = Mine("link-target", Linking("a.md", "第一种说法", "第二种说法"), Linking("b.md", "第一种说法", "第三种说法"),
            Page("target.md", "zh", "目标", "这一页是许多别的页都要说到的一页，所以有许多名字可以叫它。"), Linking("c.md", "第四种说法", "第五种说法"), Linking("d.md", "第六种说法"));
        Assert.Equal(["第一种说法", "第二种说法", "第三种说法", "第四种说法"], pairs.Select(p => p.Query));
    }

    [Fact]
    public void Code_answers_the_comment_at_its_head_or_the_sentence_before_it()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.md", "# 例\n\n下面的函数把两个有序数组合并起来：\n\n```cpp\nvoid merge(int* a, int n, int* b, int m) { while (n && m) { } }\n```\n\n```python\n# Sort a list of numbers in place\n# without extra memory\ndef sort(numbers):\n    numbers.sort()  # Timsort does it\n```\n\n```\nls\n```\n");
        List<TrainingExample> pairs = Mine("code-comment", [.. DocumentReader.Read(path)]);
        Assert.Equal(["下面的函数把两个有序数组合并起来", "Sort a list of numbers in place without extra memory"], pairs.Select(p => p.Query));
        Assert.StartsWith("def sort", pairs[1].Positives[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Neighbours_and_crops_come_from_one_passage_after_the_other_and_are_the_same_every_time()
    {
        string text = string.Concat(Enumerable.Range(0, 60).Select(i => $"这是第{i}句话，说的是第{i * 37 % 101}件事情。"));
        Document page = Page("a", "zh", "", text);
        Assert.All(Mine("neighbours", page), p => Assert.Equal(text.IndexOf(p.Query, StringComparison.Ordinal) + p.Query.Length, text.IndexOf(p.Positives[0], StringComparison.Ordinal)));
        List<TrainingExample> crops = Mine("random-crop", page);
        Assert.InRange(crops.Count, 4, 8);
        Assert.All(crops, p => Assert.True(text.Contains(p.Query, StringComparison.Ordinal) && text.Contains(p.Positives[0], StringComparison.Ordinal)));
        Assert.Equal(crops.Select(p => p.Query), Mine("random-crop", page).Select(p => p.Query));
    }

    [Fact]
    public void A_spool_too_large_for_one_part_joins_to_the_same_pairs()
    {
        using var folder = new TemporaryFolder();
        using JoinSpool spool = JoinSpool.Open(folder.Path + "/halves", 0);
        string filler = new('文', 12_000);
        for (int i = 0; i < 1200; i++)
        {
            spool.Add(0, new PairHalf($"{i}", "zh", $"题目{i}", $"正文{i}{filler}", $"{i}"));
        }
        for (int i = 0; i < 1200; i++)
        {
            spool.Add(0, new PairHalf($"{i}", "en", $"title {i}", $"text {i}", $"{i}"));
        }
        Assert.True(spool.Flush() > 32 << 20);
        List<JoinedPair> pairs = [.. spool.Join([new CrossLingualMiner(Options)])];
        Assert.Equal(2400, pairs.Count);
        Assert.All(pairs.Where(p => p.Pair.Language == "zh>en"), p => Assert.Equal("text " + p.Pair.Query[2..], p.Pair.Positives[0]));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    // A stand-in for a model: a text is its letters.
    private static float[] Letters(IReadOnlyList<string> texts, bool queries)
    {
        var vectors = new float[texts.Count * 26];
        for (int i = 0; i < texts.Count; i++)
        {
            foreach (char c in texts[i].Where(char.IsAsciiLetterLower))
            {
                vectors[(i * 26) + c - 'a'] = queries ? 1.001f : 1;
            }
        }
        return vectors;
    }

    [Fact]
    public void The_consistency_filter_keeps_what_the_model_finds_again_and_shows_what_it_drops()
    {
        TrainingExample[] pairs = [.. Enumerable.Range(0, 20).Select(i => new TrainingExample($"{(char)('a' + i)}", [$"{(char)('a' + i)}{(char)('b' + i)}"], [])), new TrainingExample("z", ["abcdefghijklm"], [])];
        IReadOnlyList<string> sample = ConsistencyFilter.Sample(pairs, 100, seed: 1);
        Assert.Equal(21, sample.Count);
        Assert.Equal(5, ConsistencyFilter.Sample(pairs, 5, seed: 1).Count);
        var counts = new PairStatistics();
        List<TrainingExample> kept = [.. PairFiltering.Apply(pairs, [new ConsistencyFilter(3, Letters, sample)], counts)];
        Assert.DoesNotContain(kept, p => p.Query == "z");
        Assert.Equal(21 - kept.Count, counts.Dropped["not found again"].Count);
        Assert.Contains("z → abcdefghijklm", counts.Dropped["not found again"].Examples);
    }

    [Fact]
    public void A_threshold_reads_scores_or_asks_a_teacher()
    {
        TrainingExample[] pairs = [new("a", ["abc"], []) { PositiveScores = [0.9] }, new("z", ["abc"], []) { PositiveScores = [0.1] }];
        Assert.Equal([true, false], new ScoreThreshold(0.43, null).Keep(pairs));
        Assert.Equal([true, false], new ScoreThreshold(0.43, Letters).Keep(pairs));
        Assert.Contains("no \"pos_scores\"", Assert.Throws<BadInput>(() => new ScoreThreshold(0.43, null).Keep([new TrainingExample("q", ["p"], [])])).Message, StringComparison.Ordinal);
    }
}

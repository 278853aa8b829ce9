// Corpora for the tests of mining: enough structure for every kind of drop and pair, a function of the seed.

using System.Text;
using System.Text.Json;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Data.Mining;

internal static class Corpora
{
    private const string Words = "索引事务存储节点查询优化日志副本分区锁缓存视图集群备份恢复监控统计权限连接线程内存磁盘网络协议编码压缩排序聚合";

    public static string Sentence(ref SeededRandom random)
    {
        var text = new StringBuilder();
        for (int i = random.Next(8) + 6; i > 0; i--)
        {
            text.Append(Words.AsSpan(random.Next(Words.Length / 2) * 2, 2));
        }
        return text.Append('。').ToString();
    }

    // Some pages repeat, some nearly, some are short or in another script; every page has a translation and a line of navigation.
    public static string Pages(int count, int seed)
    {
        var lines = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            var random = new SeededRandom((ulong)(seed + (i % 17 == 3 ? i - 1 : i)));
            string body = string.Concat(Enumerable.Range(0, 6).Select(_ => Sentence(ref random)));
            body = i % 19 == 5 ? "" : i % 23 == 7 ? "too short" : i % 29 == 4 ? "This page was never translated into the language it says." : body;
            var sections = new object[] { new object[] { 0, "", "首页 论坛 关于\n" + body }, new object[] { 2, $"怎样使用第{i % 40}号功能？", i % 29 == 4 ? "Nor was this answer, not one single word of it." : $"使用第{i % 40}号功能时：" + string.Concat(Enumerable.Range(0, 3).Select(_ => Sentence(ref random))) } };
            lines.AppendLine(JsonSerializer.Serialize(new { id = $"zh/{i}.md", lang = "zh", title = $"{Sentence(ref random)[..6]}的第{i % 50}种做法", title_en = $"Way number {i} of doing it", sections }));
            lines.AppendLine(JsonSerializer.Serialize(new { id = $"en/{i}.md", lang = "en", title = $"How to do thing number {i}", body = $"Thing number {i} is done by following the {i * 7 % 31} steps below, one after the other. Then wait for it." }));
        }
        return lines.ToString();
    }

    public static PairRecipe Recipe(params string[] paths) => new()
    {
        Name = "test",
        Seed = 3,
        Sources = [.. paths.Select((p, i) => new DocumentSourceOptions { Name = $"source {i}", Path = p, Miners = ["question-answer", "title-body", "heading-section", "translated-title", "neighbours", "random-crop", "inverse-cloze", "cross-lingual"] })],
        PassageCharacters = 80,
        HeldOut = 0.1,
    };
}

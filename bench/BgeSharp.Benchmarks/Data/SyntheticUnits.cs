// Documents made as they are read, so that ten million of them need no disk: JSONL bytes like those of a file, in units like those of a reader.

using System.Globalization;
using System.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Benchmarks.Data;

/// <summary>A corpus of any size, a function of the document's number.</summary>
/// <param name="Documents">Number of documents.</param>
/// <param name="Characters">Characters of a body, about.</param>
internal sealed record SyntheticUnits(long Documents, int Characters) : IDocumentUnits
{
    private const int PerUnit = 256;
    private const string Words = "索引事务存储节点查询优化日志副本分区锁缓存视图集群备份恢复监控统计权限连接线程内存磁盘网络协议编码压缩排序聚合过滤计算调度任务队列消息文件目录用户请求响应服务配置参数版本升级部署测试错误异常";

    /// <inheritdoc/>
    public string Fingerprint => string.Create(CultureInfo.InvariantCulture, $"synthetic {Documents} {Characters}");

    /// <inheritdoc/>
    public IEnumerable<DocumentUnit> From(ReadPosition start)
    {
        for (long row = start.Row; row < Documents; row += PerUnit)
        {
            long from = row, to = Math.Min(Documents, row + PerUnit);
            yield return new DocumentUnit(new ReadPosition(0, 0, to), () => Make(from, to));
        }
    }

    private UnitContent Make(long from, long to)
    {
        var documents = new List<Document>();
        long bytes = 0;
        var text = new StringBuilder();
        for (long i = from; i < to; i++)
        {
            var random = new SeededRandom((ulong)i);
            string title = Sentence(text, ref random, 8), body = Sentence(text, ref random, Characters);
            bytes += 3L * (title.Length + body.Length);
            documents.Add(new Document(i.ToString(CultureInfo.InvariantCulture), "zh", title, [new Section(0, "", body)], i.ToString(CultureInfo.InvariantCulture)));
        }
        return new UnitContent(documents, [], bytes);
    }

    private static string Sentence(StringBuilder text, ref SeededRandom random, int characters)
    {
        text.Clear();
        while (text.Length < characters)
        {
            text.Append(Words.AsSpan(random.Next(Words.Length / 2) * 2, 2));
            if (random.Next(12) == 0)
            {
                text.Append('。');
            }
        }
        return text.Append('。').ToString();
    }
}

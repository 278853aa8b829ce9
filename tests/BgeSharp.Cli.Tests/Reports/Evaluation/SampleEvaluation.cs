// A made-up evaluation for the tests of its page: two stages, languages, tasks, hostile texts.

using BgeSharp.Evaluation.Reports;
using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Cli.Tests.Reports.Evaluation;

internal static class SampleEvaluation
{
    public static EvaluationReport Create(double gain = 0) => new("样例 evaluation",
    [
        .. new[] { "zh", "en", "de" }.SelectMany((language, i) => new[]
        {
            Retrieval("untrained", $"xquad-{language}", "xquad", language, "dense", 0.2 + (0.1 * i)),
            Retrieval("finetune", $"xquad-{language}", "xquad", language, "dense", 0.55 + (0.1 * i) + gain),
            Retrieval("bm25", $"xquad-{language}", "xquad", language, "bm25", 0.8),
        }),
        new EvaluationResult { Stage = "finetune", Dataset = "sts-b", Task = "sts", Mode = "dense", Main = "spearman", Metrics = new Dictionary<string, double> { ["spearman"] = 0.71, ["pearson"] = 0.7 }, Interval = new Interval(0.68, 0.74), Count = 1361 },
    ])
    {
        Created = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
        Machine = "2 threads",
        Seconds = 61,
    };

    private static EvaluationResult Retrieval(string stage, string dataset, string group, string language, string mode, double value) => new()
    {
        Stage = stage,
        Dataset = dataset,
        Task = "retrieval",
        Group = group,
        Language = language,
        Mode = mode,
        Main = "ndcg@10",
        Metrics = new Dictionary<string, double> { ["ndcg@10"] = value, ["recall@10"] = value, ["recall@100"] = Math.Min(1, value + 0.2) },
        Interval = new Interval(value - 0.04, value + 0.04),
        Count = 40,
        Passages = 240,
        Settings = "query 64 tokens",
        Notes = ["2 judgements have a negative grade; they count as not judged."],
        PerItem = Enumerable.Range(0, 40).ToDictionary(i => $"q{i}", i => Math.Clamp(value + (((i * 7 % 11) - 5) / 50.0), 0, 1)),
        RecallCurve = [new RecallPoint(1, value / 2), new RecallPoint(10, value), new RecallPoint(100, Math.Min(1, value + 0.2))],
        Worst =
        [
            new WorstQuery("q1", $"哪一年建成？ {SampleReport.Hostile}", 0, [new ShownHit("p<1>", 1, 0.91, null, $"一段很长的文字。{SampleReport.Hostile}", ["哪一", "年"])], new ShownHit("p2", 0, 0, 1, "建成于一九三一年。", ["建成"])),
        ],
    };
}

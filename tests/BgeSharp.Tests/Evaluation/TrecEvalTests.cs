using System.Globalization;
using BgeSharp.Evaluation;
using BgeSharp.Tests.Formats;

namespace BgeSharp.Tests.Evaluation;

/// <summary>Every figure of trec_eval that we have too, to all its four decimals, query by query.</summary>
[Trait("Category", "Golden")]
public class TrecEvalTests
{
    // Ours for theirs; "_" separates the cut-off. Not here: trec_eval's experimental measures (G, binG, ndcg_rel, Rndcg, rbp, utility) and plain counts.
    private static readonly Dictionary<string, string> s_families = new()
    {
        ["ndcg_cut"] = "ndcg",
        ["recall"] = "recall",
        ["P"] = "precision",
        ["success"] = "success",
        ["map_cut"] = "map",
        ["relative_P"] = "recall_cap",
        ["iprec_at_recall"] = "iprec",
        ["Rprec_mult"] = "rprec",
        ["unj"] = "unjudged",
    };

    private static readonly Dictionary<string, string> s_names = new()
    {
        ["map"] = "map",
        ["ndcg"] = "ndcg",
        ["recip_rank"] = "mrr",
        ["gm_map"] = "gm_map",
        ["Rprec"] = "rprec",
        ["bpref"] = "bpref",
        ["gm_bpref"] = "gm_bpref",
        ["11pt_avg"] = "11pt",
        ["set_recall"] = "recall",
        ["set_F"] = "f1",
    };

    private static string? OurName(string theirs)
    {
        int end = theirs.LastIndexOf('_');
        return s_names.GetValueOrDefault(theirs)
            ?? (end > 0 && s_families.TryGetValue(theirs[..end], out string? family) ? $"{family}@{theirs[(end + 1)..]}" : null);
    }

    [Theory]
    [InlineData("out.test.a", "qrels.test", "results.test", false, 1, int.MaxValue, 80)]
    [InlineData("out.test", "qrels.test", "results.test", false, 1, int.MaxValue, 22)]
    [InlineData("out.test.meas_params", "qrels.test", "results.test", false, 1, int.MaxValue, 60)]
    [InlineData("out.test.aq", "qrels.test", "results.test", false, 1, int.MaxValue, 300)]
    [InlineData("out.test.aq", "qrels.test.with-comments", "results.test", false, 1, int.MaxValue, 300)]
    [InlineData("out.test.aqc", "qrels.test", "results.trunc", true, 1, int.MaxValue, 300)]
    [InlineData("out.test.aqcM", "qrels.test", "results.trunc", true, 1, 100, 300)]
    [InlineData("out.test.aql", "qrels.rel_level", "results.test", false, 2, int.MaxValue, 300)]
    public void Figures_equal_those_of_trec_eval(string expected, string qrels, string run, bool complete, int relevantFrom, int depth, int atLeast)
    {
        string folder = GoldenFolder.Find("trec_eval");
        (string[] Columns, string Name)[] lines =
        [
            .. File.ReadLines(Path.Combine(folder, expected)).Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Select(columns => (columns, OurName(columns[0]) ?? "")),
        ];
        RetrievalReport report = RunFileEvaluation.Run(Path.Combine(folder, run + ".gz"), Path.Combine(folder, qrels + ".gz"),
            [.. lines.Select(l => l.Name).Where(n => n.Length > 0).Distinct().Select(RetrievalMetric.Parse)], complete, relevantFrom, depth);
        int compared = 0;
        foreach (var (columns, name) in lines)
        {
            if (name.Length > 0)
            {
                double ours = columns[1] == "all" ? report.Metrics[name] : report.PerQuery[columns[1]][name];
                Assert.Equal($"{columns[0]} {columns[1]} {columns[2]}", $"{columns[0]} {columns[1]} {ours.ToString("F4", CultureInfo.InvariantCulture)}");
                compared++;
            }
            else if (columns[0] == "num_q")
            {
                Assert.Equal(int.Parse(columns[2], CultureInfo.InvariantCulture), report.QueryCount);
            }
        }
        Assert.InRange(compared, atLeast, int.MaxValue);
    }
}

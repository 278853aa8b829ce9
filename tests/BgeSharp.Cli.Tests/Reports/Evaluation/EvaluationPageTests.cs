using BgeSharp.Cli.Reports.Evaluation;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Reports;

namespace BgeSharp.Cli.Tests.Reports.Evaluation;

public class EvaluationPageTests
{
    [Fact]
    public void The_page_loads_nothing_and_encodes_every_text()
    {
        string page = EvaluationPage.Render(SampleEvaluation.Create());
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme:dark", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_shows_stages_languages_recall_and_the_worst_queries_with_their_words()
    {
        string page = EvaluationPage.Render(SampleEvaluation.Create());
        foreach (string wanted in (string[])["From stage to stage", "xquad by language", "Recall by depth", "Queries that went worst", "relevant, not found", ">建成</span>", "negative grade", "0.510–0.590", "+0.350 *"])
        {
            Assert.Contains(wanted, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_report_without_results_is_a_page_too() => Assert.Contains("</html>", EvaluationPage.Render(new EvaluationReport("none", [])), StringComparison.Ordinal);

    [Fact]
    public void Reports_stand_side_by_side_with_tested_differences()
    {
        EvaluationReport[] reports = [SampleEvaluation.Create(), SampleEvaluation.Create(0.03)];
        IReadOnlyList<ComparedRow> rows = ReportComparison.Of(reports, samples: 500);
        ComparedRow better = rows.First(r => r is { Stage: "finetune", Dataset: "xquad-zh" }), same = rows.First(r => r is { Stage: "untrained", Dataset: "xquad-zh" });
        Assert.True(better.Differences[1]!.Value.P < 0.01);
        Assert.Equal(1, same.Differences[1]!.Value.P);
        string page = ComparisonPage.Render(reports, ["a", "<b>"], rows);
        Assert.Contains("+0.030", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        var text = new StringWriter();
        ComparisonPage.Print(Terminal.For(text, text).Console, ["a", "b"], rows);
        EvaluationConsole.Print(Terminal.For(text, text).Console, reports[0]);
        Assert.Contains("+0.030", text.ToString(), StringComparison.Ordinal);
    }
}

// An evaluation in the terminal: a table, and under it what must be known to read it.

using System.Globalization;
using BgeSharp.Evaluation.Reports;
using Spectre.Console;

namespace BgeSharp.Cli.Reports.Evaluation;

/// <summary>Prints evaluations.</summary>
internal static class EvaluationConsole
{
    /// <summary>One table for all sets.</summary>
    public static void Print(IAnsiConsole console, EvaluationReport report)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("set").AddColumn("stage").AddColumn("mode").AddColumn("measure");
        foreach (string title in (string[])["value", "95 %", "step", "others", "n"])
        {
            table.AddColumn(new TableColumn(title) { Alignment = title is "others" ? Justify.Left : Justify.Right });
        }
        foreach ((string dataset, IReadOnlyList<EvaluationRow> rows) in EvaluationTable.Of(report))
        {
            for (int i = 0; i < rows.Count; i++)
            {
                EvaluationResult r = rows[i].Result;
                string value = EvaluationTable.Figure(r.MainValue);
                table.AddRow(i == 0 ? Markup.Escape(dataset) : "", Markup.Escape(r.Stage), Markup.Escape(r.Mode), Markup.Escape(r.Main), rows[i].Best ? $"[bold]{value}[/]" : value,
                    EvaluationTable.IntervalOf(r), EvaluationTable.StepOf(rows[i].Step),
                    string.Join("  ", EvaluationTable.Others(r).Select(o => $"{Markup.Escape(o.Name)} {EvaluationTable.Figure(o.Value)}")), r.Count.ToString(CultureInfo.InvariantCulture));
            }
        }
        console.Write(table);
        foreach (IGrouping<string, string> notes in report.Results.SelectMany(r => r.Notes.Select(n => (r.Dataset, n))).Distinct().GroupBy(n => n.Dataset, n => n.n))
        {
            console.MarkupLine($"{Markup.Escape(notes.Key)}: {Markup.Escape(string.Join(" ", notes))}");
        }
        if (report.Results.Any(r => r.Stage != "bm25") && report.Results.Select(r => r.Stage).Distinct().Count() > 2)
        {
            console.MarkupLine("[dim]step: against the stage before in the same mode; * where chance gives such a step in less than one of twenty cases (paired permutation test).[/]");
        }
    }
}

// bge compare: two or more evaluation.json side by side, with a paired test of each difference.

using System.CommandLine;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Cli.Reports.Evaluation;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge compare".</summary>
internal static class CompareCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("REPORTS") { Description = "Two or more evaluation.json of \"bge eval --report\", or their folders; differences are to the first.", Arity = new ArgumentArity(2, 12) };
        var output = new Option<string>("--out") { Description = "Page to write (HTML); the terminal only when left out.", HelpName = "FILE" };
        var seed = new Option<long>("--seed") { Description = "Seed of the permutation test.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var samples = new Option<int>("--samples") { Description = "Permutations of the test.", DefaultValueFactory = _ => 10_000, HelpName = "N" };
        var command = new Command("compare", "Compare evaluation reports.") { files, output, seed, samples };
        command.SetAction(line =>
        {
            AtomicFile.RequirePlace(line.GetValue(output));
            string[] paths = [.. line.GetValue(files)!.Select(f => Directory.Exists(f) ? Path.Combine(f, EvaluationRun.JsonName) : f)];
            EvaluationReport[] reports = [.. paths.Select(ReportFile.Read)];
            if (line.GetValue(samples) < 1)
            {
                throw new BadInput($"--samples {line.GetValue(samples)}: at least 1 is needed.");
            }
            // Reports of one name are told apart by their folders.
            string[] names = [.. reports.Select((r, i) => reports.Count(o => o.Name == r.Name) > 1 ? $"{r.Name} ({Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(paths[i])))})" : r.Name)];
            IReadOnlyList<ComparedRow> rows = ReportComparison.Of(reports, line.GetValue(samples), line.GetValue(seed));
            ComparisonPage.Print(terminal.Console, names, rows);
            if (line.GetValue(output) is { } page)
            {
                ComparisonPage.Write(page, reports, names, rows);
                terminal.Output.WriteLine($"report  {page}");
            }
            return ExitCode.Done;
        });
        return command;
    }
}

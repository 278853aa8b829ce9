// All sets by all models, and the report files: what "bge eval" does after its options are read.

using System.Diagnostics;
using System.Globalization;
using BgeSharp.Cli.Reports.Evaluation;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Training.Native;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Measures and reports.</summary>
internal static class EvaluationRun
{
    /// <summary>Name of the report for programs within its folder.</summary>
    public const string JsonName = "evaluation.json";

    /// <summary>Name of the page.</summary>
    public const string PageName = "evaluation.html";

    /// <summary>Measures every set with every model, one model in memory at a time.</summary>
    /// <param name="progress">Told what is measured; ends the work when that was asked for.</param>
    /// <param name="name">Of the report.</param>
    /// <param name="sets">What to measure on.</param>
    /// <param name="models">Each is opened in turn; none for BM25 alone.</param>
    /// <param name="cancellation">Asks for an end.</param>
    public static EvaluationReport Measure(WorkProgress progress, string name, IReadOnlyList<SetEvaluation> sets, IEnumerable<MeasuredModel> models, CancellationToken cancellation)
    {
        long began = Stopwatch.GetTimestamp();
        var results = new List<(int Set, EvaluationResult Row)>();
        if (sets.CountBy(s => s.Name).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } twice)
        {
            // Rows are known by the names of their sets, and so are saved runs and embeddings.
            throw new BadInput($"{twice.Value} sets are called \"{twice.Key}\"; give each another \"name\".");
        }
        MeasuredModel[] all = [.. models];
        foreach (MeasuredModel model in all)
        {
            model.RequireDimensions();      // found with the last model, it would cost what the others gave
        }
        for (int s = 0; s < sets.Count; s++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress.About = $"bm25: {sets[s].Name}: ";
            results.AddRange(sets[s].Yardstick().Select(r => (s, r)));
        }
        foreach (MeasuredModel model in all)
        {
            using (model)
            {
                for (int s = 0; s < sets.Count; s++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    long start = Stopwatch.GetTimestamp();
                    progress.About = $"{model.Label}: {sets[s].Name}: ";
                    model.Progress = (done, of) => progress.Reach(done, of, "texts encoded");
                    results.AddRange(sets[s].Rows(model).Select(r => (s, r)));
                    progress.Say(string.Create(CultureInfo.InvariantCulture, $"{model.Label}: {sets[s].Name} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)"));
                }
            }
        }
        return new EvaluationReport(name, [.. results.OrderBy(r => r.Set).Select(r => r.Row)])
        {
            Created = TimeProvider.System.GetUtcNow(),
            Machine = Machine.Line,
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
        };
    }

    /// <summary>Writes evaluation.json and evaluation.html into a folder.</summary>
    public static void Write(Terminal terminal, string folder, EvaluationReport report)
    {
        ReportFile.Write(Path.Combine(folder, JsonName), report);
        EvaluationPage.Write(Path.Combine(folder, PageName), report);
        terminal.Output.WriteLine($"report  {Path.Combine(folder, PageName)}");
    }
}

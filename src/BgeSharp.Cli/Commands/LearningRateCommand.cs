// bge lr: which learning rate a stage of a recipe can take. A table and a chart; nothing of a run is touched.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using Spectre.Console;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge lr RECIPE".</summary>
internal static class LearningRateCommand
{
    private const int Rows = 12;

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var recipe = new Argument<string>("RECIPE") { Description = "Recipe file (JSON)." };
        var set = new Option<string[]>("--set") { Description = "Change an option: path=value, as in bge run.", HelpName = "PATH=VALUE" };
        var stage = new Option<string>("--stage") { Description = "Name or type of the stage; the first one when left out." };
        var model = new Option<string>("--model") { Description = "Model folder that the stage starts from, such as stages/01-retromae of a run; where the recipe's first stage starts when left out.", HelpName = "DIR" };
        var low = new Option<double>("--from") { Description = "Lowest rate.", DefaultValueFactory = _ => 1e-6, HelpName = "RATE" };
        var high = new Option<double>("--to") { Description = "Highest rate.", DefaultValueFactory = _ => 1e-1, HelpName = "RATE" };
        var steps = new Option<int>("--steps") { Description = "Steps from the lowest to the highest.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var chart = new Option<string>("--chart") { Description = "SVG file to draw the curve into; none when left out.", HelpName = "FILE" };
        var machine = new MachineOptions();
        var command = new Command("lr", "Try learning rates on the batches of a stage and suggest one.") { recipe, set, stage, model, low, high, steps, chart };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            AtomicFile.RequirePlace(line.GetValue(chart));
            Recipe loaded = RecipeFile.Load(line.GetValue(recipe)!, line.GetValue(set) ?? []);
            int index = IndexOf(loaded, line.GetValue(stage) ?? "", line.GetValue(recipe)!);
            LearningRateSweep sweep = Sweep(line.GetValue(low), line.GetValue(high), line.GetValue(steps), loaded.Stages[index].MaxGradientNorm);
            string? start = line.GetValue(model);
            if (start is not null && !Directory.Exists(start))
            {
                throw new BadInput($"--model {start}: no such folder.");
            }
            Training.Modeling.Compute compute = machine.Start(line);
            LearningRateCurve curve;
            using (RunProgress progress = terminal.Progress())
            {
                string folder = Path.Combine(Path.GetTempPath(), $"bge-lr-{Guid.NewGuid():N}");
                curve = SweepRun.Run(loaded, index, start, sweep, new RunOptions(folder, compute, progress, TimeProvider.System, false), cancellation);
            }
            Show(terminal, curve, loaded.Stages[index], index, line.GetValue(chart));
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    private static int IndexOf(Recipe recipe, string stage, string file)
    {
        int index = stage.Length == 0 ? 0 : recipe.Stages.ToList().FindIndex(s => s.Label == stage || s.Type == stage);
        return index >= 0 ? index : throw new BadInput($"--stage {stage}: {file} has no such stage; it has {string.Join(", ", recipe.Stages.Select(s => s.Label))}.");
    }

    private static LearningRateSweep Sweep(double from, double to, int steps, double maxNorm)
        => from > 0 && to > from && to <= 10 && steps >= 8 ? new LearningRateSweep(from, to, steps, maxNorm)
            : throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--from {from} --to {to} --steps {steps}: rates above 0 and at most 10, the second the larger, and 8 steps or more are needed."));

    private static void Show(Terminal terminal, LearningRateCurve curve, StageOptions stage, int index, string? chart)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("rate").RightAligned()).AddColumn(new TableColumn("loss").RightAligned());
        foreach (LearningRatePoint point in curve.Points.Where((_, i) => i % Math.Max(1, curve.Points.Count / Rows) == 0))
        {
            table.AddRow(point.Rate.ToString("0.0e+0", CultureInfo.InvariantCulture), point.Smooth.ToString("0.0000", CultureInfo.InvariantCulture));
        }
        terminal.Console.Write(table);
        terminal.Output.WriteLine(curve.Suggested is double rate
            ? string.Create(CultureInfo.InvariantCulture, $"suggested {rate:0.0e+0} (the steepest fall, at most a third of the rate of the lowest loss, {curve.Lowest:0.0e+0}); the recipe has {stage.LearningRate:0.0e+0}. To use it: --set stages[{index}].learningRate={rate:0.0e+0}")
            : "the loss did not fall at any rate: try a wider range (--from, --to) or more --steps.");
        if (chart is not null && curve.Points.Count > 1)
        {
            AtomicFile.WriteText(chart, Chart(curve).ToSvg());
            terminal.Output.WriteLine($"chart  {chart}");
        }
    }

    // Over the logarithm of the rate to base 10: -4 is 1e-4.
    private static LineChart Chart(LearningRateCurve curve)
    {
        double[] exponents = [.. curve.Points.Select(p => Math.Log10(p.Rate))];
        return new LineChart
        {
            Label = "loss over the logarithm of the learning rate",
            Series = [new CurveSeries("loss, smoothed", exponents, [.. curve.Points.Select(p => p.Smooth)]), new CurveSeries("loss", exponents, [.. curve.Points.Select(p => p.Loss)])],
            Width = 680,
            Height = 320,
            Standalone = true,
        };
    }
}

// bge run: a recipe from its documents to a model folder and a report.

using System.CommandLine;
using System.Runtime.InteropServices;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge run RECIPE".</summary>
internal static class RunCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var recipe = new Argument<string>("RECIPE") { Description = "Recipe file (JSON), such as recipes/quickstart.json." };
        var set = new Option<string[]>("--set") { Description = "Change an option: path=value, for example stages[0].steps=100. May be given several times.", HelpName = "PATH=VALUE" };
        var output = new Option<string>("--out") { Description = "Folder of the run; runs/NAME when left out.", HelpName = "DIR" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the folder, finished or not; an unfinished run of the same recipe goes on without it too." };
        var changed = AllowChangedData();
        var machine = new MachineOptions();
        var command = new Command("run", "Run a recipe: data, vocabulary, all its stages, evaluation and report.") { recipe, set, output, resume, changed };
        var ranks = new RankOptions();
        machine.AddTo(command);
        ranks.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            IProcessGroup group = terminal.Join();
            Recipe loaded = RecipeFile.Load(line.GetValue(recipe)!, line.GetValue(set) ?? []);
            string folder = line.GetValue(output) ?? Path.Combine("runs", loaded.Name);
            string[] again = ["bge", "run", line.GetValue(recipe)!, "--out", folder, .. (line.GetValue(set) ?? []).SelectMany(s => new[] { "--set", s }), .. machine.Given(line), .. ranks.Given(line), "--resume"];
            var how = new RunRequest(folder, line.GetValue(resume), line.GetValue(changed), ShellWords.Join(again), () => machine.Start(line, group), ranks.Read(line));
            return Task.FromResult(Execute(terminal, loaded, how, cancellation));
        });
        return command;
    }

    /// <summary>"--allow-changed-data".</summary>
    public static Option<bool> AllowChangedData()
        => new("--allow-changed-data") { Description = "Go on although files that the run reads have changed since it began; its end is then nobody's but this run's." };

    /// <summary>Runs a recipe and writes its reports.</summary>
    /// <param name="terminal">Where to show it.</param>
    /// <param name="recipe">A checked recipe.</param>
    /// <param name="how">Where and how.</param>
    /// <param name="cancellation">Asks for an orderly stop.</param>
    public static int Execute(Terminal terminal, Recipe recipe, RunRequest how, CancellationToken cancellation)
    {
        string folder = how.Folder;
        (Training.Modeling.Compute compute, IProcessGroup group) = how.Start();
        using RunProgress progress = terminal.Progress();
        var checkpoint = new CheckpointRequest();
        using IDisposable? asking = OnUserSignal(checkpoint.Ask);
        RunReport? report = null;
        var run = new RecipeRun(recipe, new RunOptions(folder, compute, progress, TimeProvider.System, how.Resume)
        {
            AllowChangedData = how.AllowChangedData,
            Group = group,
            Exchange = how.Ranks.Exchange,
            ShardOptimizer = how.Ranks.Shard,
            Checkpoint = checkpoint,
            Conclude = state =>
            {
                progress.Message("writing the report");
                report = RunReports.Make(recipe, new RunFolder(folder), state, compute);
                ReportJson.Write(Path.Combine(folder, "report.json"), report);
                HtmlReport.Write(Path.Combine(folder, "report.html"), report);
            },
        });
        if (run.Run(cancellation) is null || report is null)
        {
            if (!group.Leads())
            {
                return ExitCode.Done;
            }
            progress.Message($"stopped, what is done is kept; go on with: {how.Again}");
            return ExitCode.Done;
        }
        progress.Message("");
        ConsoleTable.Print(terminal.Console, report.Results);
        terminal.Output.WriteLine($"model   {run.Folder.Model}");
        terminal.Output.WriteLine($"report  {Path.Combine(folder, "report.html")}");
        foreach (NextCommand next in report.Next)
        {
            terminal.Output.WriteLine($"{next.Purpose}:  {next.Command}");
        }
        return ExitCode.Done;
    }

    // SIGUSR1 has no name in .NET, and its number is that of the system; Windows has no such signal.
    private static PosixSignalRegistration? OnUserSignal(Action act)
    {
        int? number = OperatingSystem.IsLinux() ? 10 : OperatingSystem.IsMacOS() ? 30 : null;
        return number is int signal
            ? PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                act();
            })
            : null;
    }
}

/// <summary>Where and how to run a recipe.</summary>
/// <param name="Folder">The run's folder.</param>
/// <param name="Resume">Go on with what the folder holds.</param>
/// <param name="AllowChangedData">Go on with other data than the run began with.</param>
/// <param name="Again">Command that goes on after a stop.</param>
/// <param name="Start">Starts libtorch, on all ranks.</param>
/// <param name="Ranks">What gradients are sent as between ranks, and whether they share the moments.</param>
internal sealed record RunRequest(string Folder, bool Resume, bool AllowChangedData, string Again, Func<(Training.Modeling.Compute Compute, IProcessGroup Group)> Start,
    (TorchSharp.torch.ScalarType Exchange, bool Shard) Ranks);

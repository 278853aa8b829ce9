// bge quickstart: the whole way on the samples, with one word.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge quickstart".</summary>
internal static class QuickstartCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var output = new Option<string>("--out") { Description = "Folder of the run.", DefaultValueFactory = _ => Path.Combine("runs", "quickstart"), HelpName = "DIR" };
        var seed = new Option<int?>("--seed") { Description = "Another seed than the recipe's.", HelpName = "N" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run in the folder." };
        var changed = RunCommand.AllowChangedData();
        var machine = new MachineOptions();
        var command = new Command("quickstart", "Make an embedding model from the sample texts, all stages, in five to fifteen minutes.") { output, seed, resume, changed };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            string[] set = line.GetValue(seed) is int number ? [string.Create(CultureInfo.InvariantCulture, $"seed={number}")] : [];
            Recipe recipe = RecipeFile.Load(ProjectFiles.Find(Path.Combine("recipes", "quickstart.json")), set);
            string folder = FreeFolder(line.GetValue(output)!, line.GetResult(output)?.Implicit ?? true, line.GetValue(resume), recipe);
            string[] again = ["bge", "quickstart", "--out", folder, .. line.GetValue(seed) is int given ? ["--seed", given.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(), .. machine.Given(line), "--resume"];
            var how = new RunRequest(folder, line.GetValue(resume), line.GetValue(changed), ShellWords.Join(again), () => (machine.Start(line), LocalProcessGroup.Instance), (TorchSharp.torch.ScalarType.Float32, false));
            return Task.FromResult(RunCommand.Execute(terminal, recipe, how, cancellation));
        });
        return command;
    }

    // Without --out a second quick start gets a folder of its own instead of an error; one that was stopped or killed goes on.
    private static string FreeFolder(string folder, bool isDefault, bool resume, Recipe recipe)
    {
        string free = folder;
        for (int i = 2; isDefault && !resume && Directory.Exists(free) && !GoesOn(free); i++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{folder}-{i}");
        }
        return free;

        bool GoesOn(string taken) => RunState.Load(new RunFolder(taken).Progress) is { } state
            ? !state.Finished && state.Recipe == BegunRecipe.HashFor(recipe, new RunFolder(taken))
            : new RunFolder(taken).IsHardlyBegun;
    }
}

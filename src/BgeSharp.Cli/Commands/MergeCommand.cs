// bge merge: several models of one shape → their weighted mean.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Models;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge merge".</summary>
internal static class MergeCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var models = new Argument<string[]>("MODELS") { Description = "Two or more model folders with the same sizes and vocabulary; the first gives tokenizer and bge.json.", Arity = ArgumentArity.OneOrMore };
        var weights = new Option<string?>("--weights") { Description = "A number for each model, separated by commas; they are divided by their sum. Equal when left out.", HelpName = "W,W,..." };
        var output = new Option<string>("--out") { Description = "Folder to write; must not exist or be empty.", HelpName = "DIR", Required = true };
        var command = new Command("merge", "Average the weights of models (LM-Cocktail).") { models, weights, output };
        command.SetAction((line, cancellation) =>
        {
            string[] folders = line.GetRequiredValue(models);
            double[] shares = line.GetValue(weights) is string given ? Parse(given) : [.. folders.Select(_ => 1.0)];
            IReadOnlyList<string> left = ModelMerge.Run(folders, shares, line.GetRequiredValue(output), cancellation);
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.GetRequiredValue(output)}: the mean of {folders.Length} models."));
            foreach (string sentence in left)
            {
                terminal.Output.WriteLine(sentence);
            }
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    private static double[] Parse(string given) =>
    [
        .. given.Split(',', StringSplitOptions.TrimEntries).Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value
            : throw new BadInput($"--weights {given}: \"{part}\" is no number; give one for each model, such as 0.7,0.3; nothing was written.")),
    ];
}

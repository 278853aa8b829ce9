// bge import: another project's model folder → ours, with an account of what was taken, what was left out and what to know.

using System.CommandLine;
using BgeSharp.Cli.Terminals;
using BgeSharp.Models;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge import".</summary>
internal static class ImportCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var from = new Option<string>("--from") { Description = "Hugging Face, sentence-transformers or FlagEmbedding folder with a BERT or XLM-RoBERTa model; one of ours too.", HelpName = "DIR", Required = true };
        var output = new Option<string>("--out") { Description = "Folder to write; must not exist or be empty.", HelpName = "DIR", Required = true };
        var pooling = new Option<string?>("--pooling") { Description = "cls or mean; what the folder says when left out, else cls.", HelpName = "NAME" };
        pooling.AcceptOnlyFromAmong("cls", "mean");
        var instruction = new Option<string?>("--query-instruction") { Description = "Put before every query; what the folder says when left out.", HelpName = "TEXT" };
        var before = new Option<string?>("--passage-instruction") { Description = "Put before every passage; what the folder says when left out.", HelpName = "TEXT" };
        var positions = new Option<int?>("--positions") { Description = "Make room for texts of up to N tokens.", HelpName = "N" };
        var extend = new Option<string>("--extend") { Description = "How: tile (repeat the table) or interpolate (stretch it).", HelpName = "HOW", DefaultValueFactory = _ => "tile" };
        extend.AcceptOnlyFromAmong("tile", "interpolate");
        var heads = new Option<bool>("--init-heads") { Description = "Start missing sparse and multi-vector heads at random." };
        var seed = new Option<int>("--seed") { Description = "Seed of these start values.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = new Command("import", "Bring another project's model folder in.") { from, output, pooling, instruction, before, positions, extend, heads, seed };
        command.Validators.Add(line =>
        {
            if (line.GetResult(extend) is { Implicit: false } && line.GetValue(positions) is null)
            {
                line.AddError("--extend says how to reach --positions N, which is missing.");
            }
        });
        command.SetAction((line, cancellation) =>
        {
            string folder = line.GetRequiredValue(output);
            var options = new ImportOptions
            {
                Pooling = line.GetValue(pooling),
                QueryInstruction = line.GetValue(instruction),
                PassageInstruction = line.GetValue(before),
                Positions = line.GetValue(positions),
                Extend = line.GetRequiredValue(extend) == "tile" ? PositionMethod.Tile : PositionMethod.Interpolate,
                InitHeads = line.GetValue(heads),
                Seed = line.GetValue(seed),
            };
            Write(terminal, folder, ModelImport.Run(line.GetRequiredValue(from), folder, options, cancellation));
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    /// <summary>Prints an account.</summary>
    public static void Write(Terminal terminal, string folder, ModelAccount account)
    {
        foreach (var (what, lines) in new[] { ("taken", account.Taken), ("left out", account.LeftOut), ("note", account.Notes) })
        {
            foreach (string line in lines)
            {
                terminal.Output.WriteLine($"{what}: {line}");
            }
        }
        terminal.Output.WriteLine($"{folder}: written.");
    }
}

// bge mine pairs: documents → training pairs with a data card, on all cores. Without --recipe the options below make one.

using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge mine pairs".</summary>
internal static class MinePairsCommand
{
    private static readonly string[] Steps = ["boilerplate", "near-duplicates", "script", "lexical-band"];

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var recipe = new Option<string>("--recipe") { Description = "JSON file with sources, cleaning, filters and mix, in place of --input and the options about documents and pairs, which cannot stand beside it.", HelpName = "FILE" };
        var set = new Option<string[]>("--set") { Description = "Changes an option of the recipe, for example heldOut=0.02.", HelpName = "PATH=VALUE" };
        var output = new Option<string>("--out") { Description = "Pairs to write, FlagEmbedding JSONL; .gz too. Its card is written beside it.", HelpName = "FILE", Required = true };
        var heldOutFile = new Option<string>("--held-out-file") { Description = "Where held-out pairs go; the name of --out with .heldout before its end when left out.", HelpName = "FILE" };
        var threads = new Option<int>("--threads") { Description = "Working threads; 0 for one a core. The result is the same with any.", HelpName = "N" };
        var restart = new Option<bool>("--restart") { Description = "Begins anew instead of going on with a run that was stopped." };
        var given = new MinePairsOptions();
        var command = new Command("pairs", "Mine training pairs from the structure of documents.") { recipe, set, output, heldOutFile, threads, restart };
        given.AddTo(command, Steps);
        command.SetAction((line, cancellation) =>
        {
            string? file = line.GetValue(recipe);
            string[] inputs = given.Inputs(line);
            if ((file is null) == (inputs.Length == 0))
            {
                throw new BadInput("name documents with --input, or a recipe with --recipe; one of the two.");
            }
            RefuseIdle(line, file);
            string path = line.GetRequiredValue(output);
            AtomicFile.RequirePlace(path);
            AtomicFile.RequirePlace(line.GetValue(heldOutFile));
            foreach (string input in inputs)
            {
                DocumentFiles.Find(input, _ => true);     // named as it was given, not as a field of the recipe that is made of it
            }
            PairRecipe pairs = file is null ? given.Recipe(line) : RecipeFile.LoadPairs(file, line.GetValue(set) ?? []);
            RecipeFile.Check(pairs);
            string? heldOut = pairs.HeldOut > 0 ? line.GetValue(heldOutFile) ?? HeldOutName(path) : null;
            int count = line.GetValue(threads) is > 0 and int n ? n : Environment.ProcessorCount;
            return Task.FromResult(Run(terminal, pairs, new MiningPlace(path, heldOut, count, TimeProvider.System) { Progress = Watch(terminal), Restart = line.GetValue(restart) }, cancellation));
        });
        return command;
    }

    // An option that nobody reads must not seem to count.
    private static void RefuseIdle(ParseResult line, string? recipe)
    {
        HashSet<string> typed = EvalRefusals.Given(line);
        if (recipe is null && typed.Contains("--set"))
        {
            throw new BadInput("--set changes an option of --recipe, and there is none; use the option of its own, or name a recipe.");
        }
        string[] besideRecipe = ["--recipe", "--set", "--out", "--held-out-file", "--threads", "--restart"];
        if (recipe is not null && typed.Except(besideRecipe).FirstOrDefault() is { } idle)
        {
            throw new BadInput($"{idle} does nothing beside --recipe; write it into {recipe}, or change it there with --set.");
        }
    }

    private static int Run(Terminal terminal, PairRecipe recipe, MiningPlace place, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var run = new MiningRun(PairRecipePlan.Of(recipe), place);
        if (!place.Restart && run.Resumes)
        {
            terminal.Output.WriteLine($"going on with the run in {run.WorkFolder}.");
        }
        string card = CardName(place.Out);
        PairStatistics counts;
        try
        {
            counts = run.Run(found => DataCard.Write(card, new DataCard(recipe.Name, place.Out, RecipeFile.ToJson(recipe), found)), cancellation);
        }
        catch (OperationCanceledException)
        {
            terminal.Output.WriteLine("the same command goes on from here.");
            throw;
        }
        Tell(terminal, place, counts, watch.Elapsed);
        terminal.Output.WriteLine($"card: {card}.html, {card}.json");
        return ExitCode.Done;
    }

    private static void Tell(Terminal terminal, MiningPlace place, PairStatistics counts, TimeSpan time)
    {
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{place.Out}: {counts.PairCount - counts.MixedOut.Values.Sum()} pairs from {counts.DocumentCount} documents{Listed(counts)} in {time.TotalSeconds:0.0} s."));
        if (place.HeldOut is not null)
        {
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{place.HeldOut}: {counts.Sources.Values.Sum(s => s.HeldOutPairs)} held-out pairs."));
        }
        if (counts.Dropped.Count > 0)
        {
            terminal.Output.WriteLine($"left out: {string.Join(", ", counts.Dropped.Select(d => string.Create(CultureInfo.InvariantCulture, $"{d.Value.Count} {d.Value.What} ({d.Key})")))}.");
        }
        foreach (string problem in counts.ProblemExamples)
        {
            terminal.Error.WriteLine(problem);
        }
        if (counts.Problems > 0)
        {
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counts.Problems} lines or files were passed over{(counts.Problems > counts.ProblemExamples.Count ? "; the first are named above" : "")}."));
        }
    }

    private static string Listed(PairStatistics counts) =>
        counts.Pairs.Count == 0 ? "" : $" ({string.Join(", ", counts.ByMiner.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Count} {m.Miner}")))})";

    private static Action<long, long>? Watch(Terminal terminal)
    {
        if (!terminal.Interactive)
        {
            return null;
        }
        var watch = Stopwatch.StartNew();
        long last = 0;
        return (bytes, pairs) =>
        {
            if (watch.ElapsedMilliseconds - last > 500)
            {
                last = watch.ElapsedMilliseconds;
                terminal.Output.Write(string.Create(CultureInfo.InvariantCulture, $"\r{bytes / 1e6:0} MB read, {pairs} pairs, {bytes / 1e3 / Math.Max(1, watch.ElapsedMilliseconds):0.0} MB/s  "));
            }
        };
    }

    /// <summary>Names of the card's files without their extensions: those of the pairs with ".card".</summary>
    internal static string CardName(string output) => Stem(output) + ".card";

    private static string HeldOutName(string output) => Stem(output) + ".heldout" + output[Stem(output).Length..];

    private static string Stem(string output)
    {
        string plain = output.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? output[..^3] : output;
        return plain.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) ? plain[..^6] : plain;
    }
}

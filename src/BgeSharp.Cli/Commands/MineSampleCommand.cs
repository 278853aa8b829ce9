// bge mine sample: some pairs of each miner, drawn by a seed, to read before training. The same command gives the same pairs, so a judgement can be repeated.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Training;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Pairs;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge mine sample".</summary>
internal static class MineSampleCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var input = new Option<string>("--input") { Description = "Pairs, FlagEmbedding JSONL; .gz too.", HelpName = "FILE", Required = true };
        var each = new Option<int>("--per-miner") { Description = "Pairs of each miner.", HelpName = "N", DefaultValueFactory = _ => 10 };
        var seed = new Option<int>("--seed") { Description = "Seed of the draw.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = new Command("sample", "Show pairs of each miner, drawn by a seed.") { input, each, seed };
        command.SetAction((line, cancellation) =>
        {
            var drawn = new SortedDictionary<string, SortedDictionary<ulong, TrainingExample>>(StringComparer.Ordinal);
            foreach (TrainingExample pair in PairFile.Read(line.GetRequiredValue(input)))
            {
                cancellation.ThrowIfCancellationRequested();
                string miner = pair.Miner ?? "given";
                SortedDictionary<ulong, TrainingExample> own = drawn.TryGetValue(miner, out var there) ? there : drawn[miner] = [];
                own[HashCodes.Of(line.GetValue(seed), (long)PairChecks.PairHash(pair, PairChecks.QueryHash(pair)), 13)] = pair;
                if (own.Count > line.GetValue(each))
                {
                    own.Remove(own.Keys.Last());
                }
            }
            int number = 0;
            foreach ((string miner, SortedDictionary<ulong, TrainingExample> pairs) in drawn)
            {
                foreach (TrainingExample pair in pairs.Values)
                {
                    terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{++number}. {miner}, {pair.Source}: {pair.Query.ReplaceLineEndings(" / ")}"));
                    terminal.Output.WriteLine($"   {pair.Positives[0].ReplaceLineEndings(" / ")}");
                }
            }
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }
}

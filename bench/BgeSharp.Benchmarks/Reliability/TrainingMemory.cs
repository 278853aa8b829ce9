// Resident memory of a long stage, by steps: it must stand still once every batch shape has been met. Linux only (/proc).
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- --training-memory RECIPE STEPS [arguments of bge run]
// The recipe's last stage is lengthened to STEPS; give those before it few steps in the recipe or with --set.

using System.Globalization;
using System.Text.RegularExpressions;

namespace BgeSharp.Benchmarks.Reliability;

/// <summary>Measures and prints.</summary>
internal static partial class TrainingMemory
{
    /// <summary>First argument.</summary>
    public const string Argument = "--training-memory";

    /// <summary>Runs the recipe and samples its memory at each tenth of the steps.</summary>
    /// <returns>The exit code: 1 when the second half grew by more than 2 %.</returns>
    public static int Run(string recipe, int steps, string[] more)
    {
        string folder = Directory.CreateTempSubdirectory("bge-memory").FullName;
        try
        {
            int last = Training.Stages.Recipes.RecipeFile.Load(recipe, []).Stages.Count - 1;
            var samples = new SortedDictionary<int, long>();
            BgeProcess? running = null;
            using BgeProcess bge = running = BgeProcess.Run(recipe, Path.Combine(folder, "run"),
                [.. more, "--set", $"stages[{last}].steps={steps}", "--set", $"stages[{last}].logEvery={Math.Max(1, steps / 100)}"], line =>
                {
                    if (StepLine().Match(line) is { Success: true } match && int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) == steps && running is { } process)
                    {
                        samples[int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)] = Resident(process.Id);
                    }
                });
            bge.Finish();
            foreach ((int step, long bytes) in samples.Where(s => s.Key % Math.Max(1, steps / 10) == 0))
            {
                Print($"step {step,6}: {bytes / 1e6,8:0.0} MB");
            }
            // The highest of each half, since collections of garbage come and go.
            double first = samples.Where(s => s.Key <= steps / 2).Max(s => s.Value), second = samples.Where(s => s.Key > steps / 2).Max(s => s.Value);
            Print($"highest of the first half {first / 1e6:0.0} MB, of the second {second / 1e6:0.0} MB: {(second / first) - 1:+0.00%;-0.00%}");
            return second <= first * 1.02 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static long Resident(int process)
    {
        string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line["VmRSS:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex("^[^ ]+ ([0-9]+)/([0-9]+) ")]
    private static partial Regex StepLine();
}

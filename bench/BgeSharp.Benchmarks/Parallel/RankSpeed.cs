// What ranks cost: tokens a second of one process with two threads and of two ranks with one thread each, on this machine, in alternation.
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- --parallel RECIPE STEPS [PAIRS] [arguments of bge run]
// Trains STEPS steps of the recipe's first stage; the time of each is that of its line in metrics.jsonl, the first fifth left out.

using System.Globalization;
using System.Text.Json;
using BgeSharp.Benchmarks.Reliability;

namespace BgeSharp.Benchmarks.Parallel;

/// <summary>Measures and prints.</summary>
internal static class RankSpeed
{
    /// <summary>First argument.</summary>
    public const string Argument = "--parallel";

    private static readonly string[] Mpirun = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", "2"];

    /// <summary>Runs the pairs.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string recipe, int steps, int pairs, string[] more)
    {
        Environment.SetEnvironmentVariable("OMPI_ALLOW_RUN_AS_ROOT", "1");
        Environment.SetEnvironmentVariable("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        string root = Directory.CreateTempSubdirectory("bge-parallel").FullName;
        try
        {
            var ratios = new List<double>();
            for (int pair = 1; pair <= pairs; pair++)
            {
                double alone = Seconds(Path.Combine(root, $"alone{pair}"), [], "2"), ranks = Seconds(Path.Combine(root, $"ranks{pair}"), Mpirun, "1");
                ratios.Add(alone / ranks);
                Print($"pair {pair}: one process, two threads {alone:0.000} s a step; two ranks, one thread each {ranks:0.000} s a step; ratio of speeds {ratios[^1]:0.00}");
            }
            ratios.Sort();
            Print($"median of {pairs}: two ranks have {ratios[ratios.Count / 2]:0.00} of the tokens a second of one process (the batches are the same)");
            return 0;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        // Batches are the same on both sides, so seconds a step compare as tokens a second do.
        double Seconds(string folder, string[] launcher, string threads)
        {
            string[] set = ["--set", FormattableString.Invariant($"stages[0].steps={steps}"), "--set", "stages[0].logEvery=1", "--set", "checkpoints.everySteps=1000000"];
            using BgeProcess bge = BgeProcess.Run(recipe, folder, ["--threads", threads, .. more, .. set], launcher: launcher);
            DateTimeOffset[] times = [];
            while (times.Length < steps && !bge.Wait(TimeSpan.FromMilliseconds(200)))
            {
                times = Times(Path.Combine(folder, "metrics.jsonl"));
            }
            if (times.Length < steps)
            {
                throw new InvalidOperationException($"bge ended after {times.Length} of {steps} steps: {bge.Error}");
            }
            bge.Kill();
            int first = steps / 5;
            return (times[steps - 1] - times[first]).TotalSeconds / (steps - 1 - first);
        }
    }

    // When each step was logged.
    private static DateTimeOffset[] Times(string log)
    {
        if (!File.Exists(log))
        {
            return [];
        }
        using var file = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        string[] lines = file.ReadToEnd().Split('\n');
        return [.. lines[..^1].Where(l => l.Contains("\"batches\"", StringComparison.Ordinal)).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("time").GetDateTimeOffset())];
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

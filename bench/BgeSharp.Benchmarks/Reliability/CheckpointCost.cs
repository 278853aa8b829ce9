// What checkpoints cost a run: the time training stood still for them and the time of the thread that wrote them (from the run's own account; together they are
// more than checkpoints can have cost), and the training time of the same run with and without them, in alternation.
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- --checkpoint-cost RECIPE PAIRS [arguments of bge run]

using System.Globalization;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Benchmarks.Reliability;

/// <summary>Measures and prints.</summary>
internal static class CheckpointCost
{
    /// <summary>First argument.</summary>
    public const string Argument = "--checkpoint-cost";

    /// <summary>Runs the pairs.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string recipe, int pairs, string[] more)
    {
        string root = Directory.CreateTempSubdirectory("bge-cost").FullName;
        try
        {
            List<RunState> with = [], without = [];
            for (int pair = 1; pair <= pairs; pair++)
            {
                with.Add(One(Path.Combine(root, $"with{pair}"), []));
                without.Add(One(Path.Combine(root, $"without{pair}"), ["--set", "checkpoints.everySteps=1000000"]));
                Print($"pair {pair}: {with[^1].Checkpoints} checkpoints, stood still {with[^1].CheckpointSeconds:0.00} s of {with[^1].TrainingSeconds:0.0} s training ({with[^1].CheckpointSeconds / with[^1].TrainingSeconds:0.00%}), wrote for {with[^1].CheckpointWritingSeconds:0.00} s; without: {without[^1].TrainingSeconds:0.0} s training");
            }
            Print($"median of {pairs}: stood still {Median(with.Select(w => w.CheckpointSeconds / w.TrainingSeconds)):0.00%} of training, {Median(with.Select(w => w.CheckpointSeconds / w.Seconds)):0.00%} of the run; stood still or wrote {Median(with.Select(w => (w.CheckpointSeconds + w.CheckpointWritingSeconds) / w.TrainingSeconds)):0.00%} of training; training time with / without checkpoints {Median(with.Zip(without, (w, o) => w.TrainingSeconds / o.TrainingSeconds)):0.000}");
            return 0;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        RunState One(string folder, string[] set)
        {
            using BgeProcess bge = BgeProcess.Run(recipe, folder, [.. more, .. set]);
            bge.Finish();
            return RunState.Load(new RunFolder(folder).Progress)!;
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

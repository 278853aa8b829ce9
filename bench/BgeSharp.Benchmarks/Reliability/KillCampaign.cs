// kill -9 at random times over a run, the same command started again each time: the end must be that of a run nobody disturbed, byte for byte.
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- --kill-campaign RECIPE KILLS [SEED] [--reference FOLDER] [arguments of bge run]
// --reference compares with a run of the same recipe and arguments that is there already, in place of making one.

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Benchmarks.Reliability;

/// <summary>Kills and compares.</summary>
internal static partial class KillCampaign
{
    /// <summary>First argument.</summary>
    public const string Argument = "--kill-campaign";

    /// <summary>Runs the campaign and prints what happened.</summary>
    /// <returns>The exit code: 0 when every run ended with the same bytes.</returns>
    public static int Run(string recipe, int kills, int seed, string[] more)
    {
        string root = Directory.CreateTempSubdirectory("bge-kills").FullName;
        try
        {
            string? reference = more is ["--reference", var given, ..] ? given : null;
            more = reference is null ? more : more[2..];
            string whole = reference ?? Path.Combine(root, "whole");
            double firstStep, seconds;
            using (BgeProcess undisturbed = BgeProcess.Run(recipe, Path.Combine(root, "whole"), more, _ => { }))
            {
                double? seen = null;
                while (!(reference is not null && seen is not null) && !undisturbed.Wait(TimeSpan.FromMilliseconds(50)))
                {
                    seen ??= StepLine().IsMatch(undisturbed.Last) ? undisturbed.Seconds : null;
                }
                firstStep = seen ?? 1;
                if (reference is null)
                {
                    undisturbed.Finish();
                    seconds = undisturbed.Seconds;
                }
                else
                {
                    undisturbed.Kill();
                    seconds = RunState.Load(new RunFolder(reference).Progress)?.Seconds ?? throw new BadInput($"{reference}: no finished run; leave --reference out to make one.");
                }
            }
            Dictionary<string, string> expected = Digests(whole);
            Print($"undisturbed: {seconds:0.0} s, first step at {firstStep:0.0} s, {expected.Count} files, digest {Digest(expected)}");

            // Long enough on average to get past reading and tokenising and some steps, so that the kills spread over the run.
            double mean = firstStep + (seconds / kills);
            var random = new Random(seed);
            int done = 0, runs = 0;
            bool equal = true;
            while (done < kills)
            {
                string folder = Path.Combine(root, $"run{++runs}");
                for (bool finished = false; !finished;)
                {
                    using BgeProcess bge = BgeProcess.Run(recipe, folder, more);
                    if (done < kills && !bge.Wait(TimeSpan.FromSeconds(random.NextDouble() * 2 * mean)))
                    {
                        double at = bge.Seconds;
                        bge.Kill();
                        done++;
                        Print($"kill {done,3} after {at,6:0.00} s  {bge.Last}");
                        equal &= CheckpointsAreWhole(folder);
                        continue;
                    }
                    bge.Wait(Timeout.InfiniteTimeSpan);
                    // The last kill may have come after the last file: then there is nothing left to do, which the command says.
                    finished = bge.ExitCode == 0 || bge.Error.Contains("holds this run already, finished", StringComparison.Ordinal)
                        ? true
                        : throw new InvalidOperationException($"bge ended with code {bge.ExitCode}: {bge.Error}");
                }
                Dictionary<string, string> found = Digests(folder);
                string[] differing = [.. expected.Keys.Union(found.Keys).Where(f => expected.GetValueOrDefault(f) != found.GetValueOrDefault(f)).Order(StringComparer.Ordinal)];
                equal &= differing.Length == 0;
                Print($"run {runs} ended after {done} kills: digest {Digest(found)}, {(differing.Length == 0 ? "the same files and bytes" : "DIFFERENT: " + string.Join(' ', differing))}");
                Directory.Delete(folder, recursive: true);
            }
            Print($"{done} kills, {runs} runs to their end: {(equal ? "all equal to the undisturbed run, no published checkpoint damaged, no litter" : "NOT EQUAL")}");
            return equal ? 0 : 1;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    // Every file but those that hold times or the run's own path; litter would be a file too many. TensorBoard writes one file a start.
    private static Dictionary<string, string> Digests(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .Select(f => (Name: Path.GetRelativePath(folder, f), File: f))
        .Where(f => !f.Name.StartsWith("tensorboard", StringComparison.Ordinal) && f.Name is not ("progress.json" or "report.json" or "report.html"))
        .ToDictionary(f => f.Name, f => Convert.ToHexStringLower(SHA256.HashData(f.Name == "metrics.jsonl"
            ? Encoding.UTF8.GetBytes(Time().Replace(File.ReadAllText(f.File), ""))
            : File.ReadAllBytes(f.File))), StringComparer.Ordinal);

    private static string Digest(Dictionary<string, string> files)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(files.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Key + f.Value)))))[..16];

    private static bool CheckpointsAreWhole(string folder)
    {
        string checkpoints = Path.Combine(folder, "checkpoints");
        bool whole = true;
        foreach (string one in Directory.Exists(checkpoints) ? Directory.GetDirectories(checkpoints) : [])
        {
            if (!one.EndsWith(".writing", StringComparison.Ordinal) && !one.EndsWith(".removing", StringComparison.Ordinal) && CheckpointManifest.Damage(one, out _) is string damage)
            {
                Print($"DAMAGED: {one}: {damage}");
                whole = false;
            }
        }
        return whole;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex(",\"time\":\"[^\"]*\"")]
    private static partial Regex Time();

    [GeneratedRegex("^[^ ]+ [0-9]+/[0-9]+ ")]
    private static partial Regex StepLine();
}

// What pre-training is worth: the same contrastive and fine-tuning stages after nothing, MLM, RetroMAE and DupMAE, by two seeds. Each arm is a run of bge in a folder of its
// own, so the campaign goes on where it was stopped or killed.
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- --ablation recipes/ablation-zh.json OUT [--seeds 1,2] [--arms nothing,retromae] [arguments of bge run]

using System.Globalization;
using System.Text;
using System.Text.Json;
using BgeSharp.Benchmarks.Reliability;
using BgeSharp.Formats;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Runs the arms and writes the table.</summary>
internal static class Ablation
{
    /// <summary>First argument.</summary>
    public const string Argument = "--ablation";

    private const string Metric = "ndcg@10";
    private static readonly string[] Arms = ["nothing", "mlm", "retromae", "dupmae"];

    /// <param name="recipe">Recipe whose first stage is "retromae".</param>
    /// <param name="output">Folder of the campaign.</param>
    /// <param name="more">Seeds, arms, and arguments of bge run.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="BadInput">The recipe does not begin with a retromae stage, or an arm or a seed is not one.</exception>
    public static int Run(string recipe, string output, IReadOnlyList<string> more)
    {
        (string[] arms, int[] seeds, List<string> rest) = Read(more);
        // --set belongs to the recipe of every arm, anything else to bge run.
        string[] set = [.. Enumerable.Range(0, Math.Max(0, rest.Count - 1)).Where(i => rest[i] == "--set").Select(i => rest[i + 1])];
        string[] passed = [.. rest.Where((_, i) => rest[i] != "--set" && (i == 0 || rest[i - 1] != "--set"))];
        Recipe given = RecipeFile.Load(recipe, set);
        if (given.Stages[0] is not RetroMaeStageOptions)
        {
            throw new BadInput($"{recipe}: stages[0] is \"{given.Stages[0].Type}\"; an ablation varies a first stage of type \"retromae\".");
        }
        var results = new List<(string Arm, int Seed, IReadOnlyDictionary<string, double> Sets)>();
        foreach (int seed in seeds)
        {
            foreach (string arm in arms)
            {
                string folder = Path.Combine(output, $"{arm}-{seed}");
                string report = Path.Combine(folder, "report.json"), file = Path.Combine(output, $"{arm}-{seed}.json"), text = RecipeFile.ToJson(Of(given, arm, seed));
                if (File.Exists(file) && RecipeFile.Hash(RecipeFile.Load(file, [])) != RecipeFile.Hash(Of(given, arm, seed)))
                {
                    throw new BadInput($"{file}: an arm of another recipe; name another folder, or remove this one.");
                }
                if (!File.Exists(report))
                {
                    Console.WriteLine($"{arm}, seed {seed}");
                    AtomicFile.WriteText(file, text);
                    using BgeProcess bge = BgeProcess.Run(file, folder, passed, Console.WriteLine);
                    bge.Finish();
                }
                results.Add((arm, seed, Scores(report)));
                AtomicFile.WriteText(Path.Combine(output, "ablation.md"), Table(results));
            }
        }
        Console.WriteLine(Table(results));
        return 0;
    }

    private static (string[] Arms, int[] Seeds, List<string> Passed) Read(IReadOnlyList<string> more)
    {
        var rest = more.ToList();
        string arms = Take("--arms") ?? string.Join(',', Arms), seeds = Take("--seeds") ?? "1,2";
        string? unknown = arms.Split(',').FirstOrDefault(a => !Arms.Contains(a));
        return unknown is not null ? throw new BadInput($"--arms {unknown}: known are {string.Join(", ", Arms)}.")
            : !seeds.Split(',').All(s => int.TryParse(s, CultureInfo.InvariantCulture, out _)) ? throw new BadInput($"--seeds {seeds}: whole numbers separated by commas are needed.")
            : (arms.Split(','), [.. seeds.Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture))], rest);

        string? Take(string option)
        {
            int at = rest.IndexOf(option);
            if (at < 0 || at + 1 >= rest.Count)
            {
                return null;
            }
            string value = rest[at + 1];
            rest.RemoveRange(at, 2);
            return value;
        }
    }

    private static Recipe Of(Recipe recipe, string arm, int seed) => recipe with
    {
        Name = $"{recipe.Name}-{arm}-{seed}",
        Seed = seed,
        Development = arm == "nothing" && !recipe.Stages.Skip(1).Any(s => s.EvaluateEvery > 0) ? null : recipe.Development,
        Stages = arm == "nothing" ? [.. recipe.Stages.Skip(1)] : [OfArm((RetroMaeStageOptions)recipe.Stages[0], arm), .. recipe.Stages.Skip(1)],
    };

    // An arm has what its objective uses: options of a decoder or of the bag that do nothing are refused.
    private static RetroMaeStageOptions OfArm(RetroMaeStageOptions given, string arm)
    {
        var usual = new RetroMaeStageOptions();
        RetroMaeStageOptions options = given with { Objective = arm, BagWeight = arm == "dupmae" ? given.BagWeight : usual.BagWeight };
        return arm != "mlm" ? options : options with
        {
            Decoding = usual.Decoding,
            DecoderMaskRatio = usual.DecoderMaskRatio,
            DecoderMaskPool = usual.DecoderMaskPool,
            DecoderQuery = usual.DecoderQuery,
            DecoderLayers = usual.DecoderLayers,
            Sentence = usual.Sentence,
        };
    }

    // Set → score of the last stage.
    private static Dictionary<string, double> Scores(string report)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(report));
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (JsonElement result in document.RootElement.GetProperty("results").EnumerateArray().Where(r => r.GetProperty("mode").GetString() == "dense"))
        {
            scores[result.GetProperty("dataset").GetString()!] = result.GetProperty("metrics").GetProperty(Metric).GetDouble();      // stages come in order: the last one stays
        }
        return scores;
    }

    private static string Table(IReadOnlyList<(string Arm, int Seed, IReadOnlyDictionary<string, double> Sets)> results)
    {
        string[] sets = [.. results.SelectMany(r => r.Sets.Keys).Distinct(StringComparer.Ordinal)];
        var table = new StringBuilder();
        table.Append("| pre-training | seed |").AppendJoin("", sets.Select(s => $" {s} |")).Append(" mean |\n|---|---|").AppendJoin("", sets.Select(_ => "--:|")).Append("--:|\n");
        foreach (var (arm, seed, scores) in results)
        {
            Row(arm, seed.ToString(CultureInfo.InvariantCulture), sets.Select(s => scores.TryGetValue(s, out double score) ? score : double.NaN));
        }
        foreach (var arm in results.GroupBy(r => r.Arm).Where(g => g.Count() > 1))
        {
            Row(arm.Key, "mean", sets.Select(s => arm.Select(r => r.Sets.TryGetValue(s, out double score) ? score : double.NaN).Average()));
        }
        return table.ToString();

        void Row(string arm, string seed, IEnumerable<double> scores)
        {
            double[] values = [.. scores];
            table.Append(CultureInfo.InvariantCulture, $"| {arm} | {seed} |").AppendJoin("", values.Append(values.Average()).Select(v => v.ToString(" 0.0000 |", CultureInfo.InvariantCulture))).Append('\n');
        }
    }
}

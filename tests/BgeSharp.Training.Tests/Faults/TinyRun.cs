// A whole recipe that takes a fraction of a second: vocabulary, RetroMAE, contrastive learning with a best checkpoint, fine-tuning with hard negatives.

using System.Text;
using System.Text.RegularExpressions;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Faults;

internal sealed partial class TinyRun : IDisposable
{
    private const string Short = """
        {
          "name": "tiny", "seed": 3,
          "data": { "documents": [ { "path": "docs.jsonl", "miners": [ "title-body" ] } ], "heldOut": 0.3, "passageCharacters": 60 },
          "tokenizer": { "from": "letters" },
          "model": { "hiddenSize": 8, "layers": 1, "heads": 2, "maxLength": 32, "pooling": "mean" },
          "stages": [
            { "type": "finetune", "steps": 3, "batchPairs": 4, "groupSize": 2, "queryMaxLength": 16, "passageMaxLength": 24, "learningRate": 1e-2, "logEvery": 2, "evaluateEvery": 2, "keepBest": true,
              "hardNegatives": { "fromRank": 1, "toRank": 5, "perQuery": 2 } }
          ],
          "checkpoints": { "everySteps": 1, "keep": 1 }
        }
        """;

    private const string Json = """
        {
          "name": "tiny", "seed": 3,
          "data": { "documents": [ { "path": "docs.jsonl", "miners": [ "title-body" ] } ], "heldOut": 0.3, "passageCharacters": 60 },
          "tokenizer": { "size": 300 },
          "model": { "hiddenSize": 8, "layers": 1, "heads": 2, "maxLength": 32, "pooling": "mean" },
          "stages": [
            { "type": "retromae", "steps": 3, "batchTokens": 128, "maxLength": 24, "learningRate": 1e-2, "logEvery": 2 },
            { "type": "contrastive", "steps": 4, "batchPairs": 4, "queryMaxLength": 16, "passageMaxLength": 24, "learningRate": 1e-2, "logEvery": 3, "accumulate": 2, "evaluateEvery": 2, "keepBest": true },
            { "type": "finetune", "steps": 3, "batchPairs": 4, "groupSize": 2, "queryMaxLength": 16, "passageMaxLength": 24, "learningRate": 1e-2, "logEvery": 2,
              "hardNegatives": { "fromRank": 1, "toRank": 5, "perQuery": 2 } }
          ],
          "checkpoints": { "everySteps": 2, "keep": 1 }
        }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly int _threads = TorchSharp.torch.get_num_threads();
    private readonly bool _short;

    /// <param name="isShort">True takes a vocabulary that is there and one stage.</param>
    public TinyRun(bool isShort = false)
    {
        _short = isShort;
        TorchSharp.torch.set_num_threads(1);
        TinyModel.Tokenizer().Save(Path.Combine(_folder.Path, "letters"));
        var lines = new StringBuilder();
        for (int i = 1; i <= 24; i++)
        {
            lines.Append(System.Globalization.CultureInfo.InvariantCulture, $$"""{"id":"d{{i}}","title":"{{TinyModel.Text(3, i)}}","text":"{{TinyModel.Text(14, i + 100)}}"}""").Append('\n');
        }
        _folder.Write("docs.jsonl", lines.ToString());
    }

    /// <summary>Clock of the runs.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>Stands between loop and stages.</summary>
    public Func<ITrainableStage, ITrainableStage> Backend { get; set; } = stage => stage;

    public string Documents => Path.Combine(_folder.Path, "docs.jsonl");

    public string In(string run) => Path.Combine(_folder.Path, run);

    public Recipe Recipe(params string[] set) => RecipeFile.Parse(Encoding.UTF8.GetBytes(_short ? Short : Json), "tiny.json", _folder.Path, set);

    /// <summary>Runs the recipe in a folder.</summary>
    /// <param name="run">Name of the folder.</param>
    /// <param name="stop">Step of a stage after which to stop, "stage step"; empty runs to the end.</param>
    /// <param name="resume">As --resume.</param>
    /// <param name="changed">As --allow-changed-data.</param>
    /// <param name="set">Overrides.</param>
    public (RunState? State, List<string> Messages) Run(string run, string stop = "", bool resume = false, bool changed = false, params string[] set)
    {
        using var stopping = new CancellationTokenSource();
        var observer = new Observer(stop, stopping.Cancel);
        var options = new RunOptions(In(run), Compute.Float32, observer, Time, resume) { AllowChangedData = changed, Backend = Backend };
        return (new RecipeRun(Recipe(set), options).Run(stopping.Token), observer.Messages);
    }

    /// <summary>Runs the recipe over ranks; all of them see the same stop.</summary>
    /// <param name="ranks">Number of ranks.</param>
    /// <param name="run">Name of the folder.</param>
    /// <param name="change">Changes the options; null for none.</param>
    /// <param name="stop">Step of a stage after which rank 0 is asked to stop, "stage step"; empty runs to the end.</param>
    /// <param name="set">Overrides.</param>
    public RunState?[] RunOver(int ranks, string run, Func<RunOptions, RunOptions>? change = null, string stop = "", params string[] set)
        => Collectives.ThreadGroup.Run(ranks, group =>
        {
            using var stopping = new CancellationTokenSource();
            var options = new RunOptions(In(run), Compute.Float32, new Observer(stop, stopping.Cancel), TimeProvider.System, Resume: false) { Group = group };
            return new RecipeRun(Recipe(set), change?.Invoke(options) ?? options).Run(stopping.Token);
        });

    /// <summary>Everything that must be equal in two runs: path → content. Times are taken out; TensorBoard writes one file a start.</summary>
    public Dictionary<string, string> Result(string run)
    {
        string root = In(run);
        return Directory.GetFiles(root, "*", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(root, f).Replace('\\', '/'), File: f))
            .Where(f => !f.Name.StartsWith("tensorboard/", StringComparison.Ordinal))
            .ToDictionary(f => f.Name, f => Content(f.Name, File.ReadAllBytes(f.File)), StringComparer.Ordinal);
    }

    public void Dispose()
    {
        TorchSharp.torch.set_num_threads(_threads);
        _folder.Dispose();
    }

    private static string Content(string name, byte[] bytes)
        => name is "metrics.jsonl" or "progress.json" ? Times().Replace(Encoding.UTF8.GetString(bytes), "") : Convert.ToHexString(bytes);

    [GeneratedRegex("\"(time|seconds|peakMemoryBytes|trainingSeconds|checkpointSeconds|checkpointWritingSeconds|checkpoints)\": ?[^,}\n]*")]
    private static partial Regex Times();

    private sealed class Observer(string stop, Action act) : IRunObserver
    {
        public List<string> Messages { get; } = [];

        public void StageStarted(string stage, int totalSteps)
        {
        }

        public void Progress(StepReport report)
        {
            if ($"{report.Stage} {report.Step}" == stop)
            {
                act();
            }
        }

        public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
        {
        }

        public void Message(string sentence)
        {
            Messages.Add(sentence);
            if (sentence == stop)
            {
                act();
            }
        }
    }
}

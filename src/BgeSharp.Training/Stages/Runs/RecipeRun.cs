// A whole recipe: documents → vocabulary → model → stage by stage, each evaluated → final model folder.
// Everything is a function of the recipe, so a run that was stopped goes on by doing again what costs little (reading, mining, tokenising)
// and loading what costs much: finished stages, the newest checkpoint of the one under way, evaluations.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Runs a recipe.</summary>
public sealed class RecipeRun
{
    private readonly Recipe _recipe;
    private readonly RunOptions _options;
    private readonly RunFolder _folder;
    private readonly string _hash;
    private readonly RecipeDocuments _documents;
    private readonly long _began;
    private RunState _state;

    /// <summary>Checks the folder; nothing is written yet.</summary>
    /// <exception cref="BadInput">The folder holds a run and resuming was not asked for, or it holds the run of another recipe.</exception>
    public RecipeRun(Recipe recipe, RunOptions options)
    {
        _recipe = recipe;
        _options = options;
        _folder = new RunFolder(options.Out);
        _hash = RecipeFile.Hash(recipe);
        _documents = new RecipeDocuments(recipe);
        _began = options.Time.GetTimestamp();
        RunState? before = RunState.Load(_folder.Progress);
        if (before is not null && !options.Resume)
        {
            throw new BadInput($"{options.Out}: holds a run already; add --resume to go on with it, or choose another --out.");
        }
        if (before is not null && before.Recipe != _hash)
        {
            throw new BadInput($"{options.Out}: holds a run of another recipe (its {_folder.Recipe} differs); choose another --out.");
        }
        _state = before ?? new RunState(_hash, 0, 0, []);
        SecondsBefore = _state.Seconds;
    }

    /// <summary>The run's folder.</summary>
    public RunFolder Folder => _folder;

    /// <summary>Seconds of earlier starts.</summary>
    private double SecondsBefore { get; }

    /// <summary>Runs to the end, or until asked to stop.</summary>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>Results and time; null when stopped before the end.</returns>
    public RunState? Run(CancellationToken stop)
    {
        IRunObserver observer = _options.Observer;
        Directory.CreateDirectory(_folder.Root);
        AtomicFile.WriteText(_folder.Recipe, RecipeFile.ToJson(_recipe));
        SaveState();

        observer.Message("reading documents and evaluation sets");
        var evaluation = new RunEvaluation(_recipe, _documents);
        ITokenizer tokenizer = RunVocabulary.Prepare(_recipe, _documents, _folder, observer);
        ModelConfig config = RunModel.Config(_recipe.Model, tokenizer);
        if (!Done("bm25"))
        {
            observer.Message("evaluating BM25");
            Keep(evaluation.Bm25());
        }

        using var metrics = MetricsLog.Open(_folder.Metrics, _options.Time);
        string? previous = _recipe.Model.From.Length > 0 ? _recipe.Model.From : null;
        if (!Done("untrained"))
        {
            EvaluateUntrained(evaluation, config, tokenizer, previous);
        }
        for (int i = 0; i < _recipe.Stages.Count; i++)
        {
            StageOptions stage = _recipe.Stages[i];
            string finished = _folder.Stage(i, stage.Label);
            if (!Directory.Exists(finished))
            {
                var run = new StageRun(_recipe, i, _hash, _folder, _documents, tokenizer, config, _options, metrics, SaveState);
                if (!run.Train(previous, stop))
                {
                    SaveState();
                    return null;
                }
            }
            if (stage is RerankerStageOptions)
            {
                continue;       // a model of its own: it gives no vectors, and the next stage starts where this one did
            }
            if (!Done(stage.Label))
            {
                using TextModel model = TextModel.Load(finished, _options.Compute);
                Keep(evaluation.Dense(stage.Label, model, observer.Message));
            }
            previous = finished;
        }
        CopyModel(_recipe.Stages.All(s => s is RerankerStageOptions) ? _folder.Stage(_recipe.Stages.Count - 1, _recipe.Stages[^1].Label) : previous!);
        SaveState();
        return _state;
    }

    private bool Done(string stage) => _state.Results.Any(r => r.Stage == stage);

    private void EvaluateUntrained(RunEvaluation evaluation, ModelConfig config, ITokenizer tokenizer, string? start)
    {
        string folder = Path.Combine(_folder.Work, "untrained");
        using (Weights weights = RunModel.Create(Encoder.Shapes("", config), "", config, _options.Compute, _recipe.Seed, start))
        {
            ModelFolder.Save(folder, weights, "", config, tokenizer, new ModelCard { Pooling = _recipe.Model.Pooling });
        }
        using (TextModel model = TextModel.Load(folder, _options.Compute))
        {
            Keep(evaluation.Dense("untrained", model, _options.Observer.Message));
        }
        Directory.Delete(folder, recursive: true);
    }

    private void Keep(IEnumerable<StageResult> results)
    {
        _state = _state with { Results = [.. _state.Results, .. results.ToArray()] };
        SaveState();
    }

    private void SaveState()
    {
        _state = _state with
        {
            Seconds = SecondsBefore + _options.Time.GetElapsedTime(_began).TotalSeconds,
            PeakMemoryBytes = Math.Max(_state.PeakMemoryBytes, Machine.PeakResidentBytes),
        };
        _state.Save(_folder.Progress);
    }

    // The last stage's folder is the model; a copy beside it first, so that model/ is whole at any moment.
    private void CopyModel(string from)
    {
        string staging = _folder.Model + ".writing";
        Directory.CreateDirectory(staging);
        foreach (string file in Directory.GetFiles(from).Where(f => Path.GetFileName(f) != ModelFolder.PretrainingFile))
        {
            File.Copy(file, Path.Combine(staging, Path.GetFileName(file)), overwrite: true);
        }
        if (Directory.Exists(_folder.Model))
        {
            Directory.Delete(_folder.Model, recursive: true);
        }
        Directory.Move(staging, _folder.Model);
    }
}

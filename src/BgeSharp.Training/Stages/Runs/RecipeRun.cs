// A whole recipe: documents → vocabulary → model → stage by stage, each evaluated → final model folder.
// Everything is a function of the recipe, so a run that was stopped or killed goes on by doing again what costs little (reading, mining, tokenising)
// and loading what costs much: finished stages, the newest checkpoint of the one under way, evaluations. docs/reliability.md has the promises.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
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
    private double _secondsBefore;

    /// <summary>Checks the folder; nothing is written yet.</summary>
    /// <exception cref="BadInput">The folder holds a finished run and resuming was not asked for, or it holds the run of another recipe.</exception>
    public RecipeRun(Recipe recipe, RunOptions options)
    {
        _recipe = recipe;
        _options = options;
        _folder = new RunFolder(options.Out);
        _hash = RecipeFile.Hash(recipe);
        _documents = new RecipeDocuments(recipe);
        _began = options.Time.GetTimestamp();
        _state = Before();
    }

    /// <summary>The run's folder.</summary>
    public RunFolder Folder => _folder;

    /// <summary>Runs to the end, or until asked to stop.</summary>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <returns>Results and time; null when stopped before the end.</returns>
    /// <exception cref="BadInput">Another process works in the folder, or the data is not what the run began with.</exception>
    public RunState? Run(CancellationToken stop)
    {
        IRunObserver observer = _options.Observer;
        FileSystem.Current.CreateFolder(_folder.Root);
        using RunLock held = RunLock.Take(_folder);
        _state = Before();      // again: another process may have been here until a moment ago
        _secondsBefore = _state.Seconds;
        RemoveLeftovers();
        DataIdentity data = CheckData();
        AtomicFile.WriteText(_folder.Recipe, RecipeFile.ToJson(_recipe));
        SaveState();
        FileSystem.Current.FlushFolder(_folder.Root);

        observer.Message("reading documents and evaluation sets");
        var evaluation = new RunEvaluation(_recipe, _documents);
        ITokenizer tokenizer = RunVocabulary.Prepare(_recipe, _documents, _folder, observer);
        ModelConfig config = RunModel.Config(_recipe.Model, tokenizer);
        if (!Done("bm25") && !stop.IsCancellationRequested)
        {
            observer.Message("evaluating BM25");
            Keep(evaluation.Bm25());
        }

        using var metrics = MetricsLog.Open(_folder.Metrics, _options.Time);
        var run = new RunContext(_recipe, _hash, data.Digest(), _folder, _documents, tokenizer, config, _options, metrics, evaluation, Account);
        string? previous = _recipe.Model.From.Length > 0 ? _recipe.Model.From : null;
        if (!Done("untrained") && !stop.IsCancellationRequested)
        {
            EvaluateUntrained(evaluation, config, tokenizer, previous);
        }
        for (int i = 0; i < _recipe.Stages.Count; i++)
        {
            StageOptions stage = _recipe.Stages[i];
            string finished = _folder.Stage(i, stage.Label);
            if (stop.IsCancellationRequested || (!Directory.Exists(finished) && !new StageRun(run, i).Train(previous, stop)))
            {
                SaveState();
                return null;
            }
            SaveState();
            if (!Done(stage.Label) && !stop.IsCancellationRequested)
            {
                Keep(stage is RerankerStageOptions ? ScoreReranker(evaluation, stage.Label, finished, previous) : ScoreModel(evaluation, stage.Label, finished));
            }
            // A reranker is a model of its own: it gives no vectors, and the next stage starts where it did.
            previous = stage is RerankerStageOptions ? previous : finished;
        }
        if (stop.IsCancellationRequested)
        {
            return null;
        }
        if (!Directory.Exists(_folder.Model))
        {
            // The last stage's folder is the model; its pre-training head stays behind.
            AtomicFolder.Publish(_folder.Model, staging => CopyFiles(_recipe.Stages.All(s => s is RerankerStageOptions) ? _folder.Stage(_recipe.Stages.Count - 1, _recipe.Stages[^1].Label) : previous!, staging));
        }
        FileSystem.Current.DeleteFolder(_folder.Work);
        SaveState();
        _options.Conclude(_state);
        _state = _state with { Finished = true };
        _state.Save(_folder.Progress);
        return _state;
    }

    private RunState Before()
    {
        RunState? before = RunState.Load(_folder.Progress);
        if (before is null)
        {
            return new RunState(_hash, 0, 0, []);
        }
        if (before.Recipe != _hash)
        {
            throw new BadInput($"{_options.Out}: holds a run of another recipe (its {_folder.Recipe} differs); choose another --out.");
        }
        return before.Finished && !_options.Resume
            ? throw new BadInput($"{_options.Out}: holds this run already, finished; add --resume to write its reports anew, or choose another --out.")
            : before;
    }

    // What a kill may have left half written. Checkpoints are looked after by CheckpointFolder.
    private void RemoveLeftovers()
    {
        AtomicFolder.RemoveLeftovers(_folder.Root);
        AtomicFolder.RemoveLeftovers(_folder.Stages);
        FileSystem.Current.DeleteFolder(_folder.Work);
        if (!Directory.Exists(_folder.Stages))
        {
            FileSystem.Current.CreateFolder(_folder.Stages);
        }
    }

    private DataIdentity CheckData()
    {
        DataIdentity? before = DataIdentity.Load(_folder.Data);
        DataIdentity now = DataIdentity.Of(_recipe, before);
        if (before is not null && now.ChangeSince(before) is string change)
        {
            if (!_options.AllowChangedData)
            {
                throw new BadInput($"{change}; restore it, add --allow-changed-data to go on all the same, or choose another --out.");
            }
            _options.Observer.Message($"warning: {change}; the run goes on with it, as --allow-changed-data says.");
        }
        if (before is null || !now.Files.SequenceEqual(before.Files))
        {
            now.Save(_folder.Data);
        }
        return now;
    }

    private void Account(TimeSpan training, BackgroundCheckpoints checkpoints) => _state = _state with
    {
        TrainingSeconds = _state.TrainingSeconds + training.TotalSeconds,
        CheckpointSeconds = _state.CheckpointSeconds + checkpoints.Stall.TotalSeconds,
        CheckpointWritingSeconds = _state.CheckpointWritingSeconds + checkpoints.Writing.TotalSeconds,
        Checkpoints = _state.Checkpoints + checkpoints.Count,
    };

    private bool Done(string stage) => _state.Results.Any(r => r.Stage == stage);

    private void EvaluateUntrained(RunEvaluation evaluation, ModelConfig config, ITokenizer tokenizer, string? start)
    {
        using Weights weights = RunModel.Create(Encoder.Shapes("", config), "", config, _options.Compute, _recipe.Seed, start);
        var encoder = new TorchEncoder(new Encoder(weights, "", config), PoolingExtensions.Parse(_recipe.Model.Pooling));
        Keep(evaluation.Dense("untrained", encoder, tokenizer, "", _options.Observer.Message));
    }

    private StageResult[] ScoreModel(RunEvaluation evaluation, string stage, string folder)
    {
        using TextModel model = TextModel.Load(folder, _options.Compute);
        return [.. evaluation.Score(stage, model, _options.Observer.Message)];
    }

    private StageResult[] ScoreReranker(RunEvaluation evaluation, string stage, string folder, string? previous)
    {
        using TorchReranker reranker = TorchReranker.Load(folder, _options.Compute);
        using TextModel? first = previous is null ? null : TextModel.Load(previous, _options.Compute);
        return [.. evaluation.Reranked(stage, reranker, first, _options.Observer.Message)];
    }

    private void Keep(IEnumerable<StageResult> results)
    {
        _state = _state with { Results = [.. _state.Results, .. results] };
        SaveState();
    }

    private void SaveState()
    {
        _state = _state with
        {
            Seconds = _secondsBefore + _options.Time.GetElapsedTime(_began).TotalSeconds,
            PeakMemoryBytes = Math.Max(_state.PeakMemoryBytes, Machine.PeakResidentBytes),
        };
        _state.Save(_folder.Progress);
    }

    private static void CopyFiles(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from).Where(f => Path.GetFileName(f) != ModelFolder.PretrainingFile).Order(StringComparer.Ordinal))
        {
            using FileStream source = File.OpenRead(file);
            AtomicFile.Write(Path.Combine(to, Path.GetFileName(file)), source.CopyTo);
        }
    }
}

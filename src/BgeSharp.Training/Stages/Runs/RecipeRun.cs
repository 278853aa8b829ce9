// A whole recipe: documents → vocabulary → model → stage by stage, each evaluated → final model folder.
// Everything is a function of the recipe, so a run that was stopped or killed goes on by doing again what costs little (reading, mining, tokenising)
// and loading what costs much: finished stages, the newest checkpoint of the one under way, evaluations. docs/reliability.md has the promises.
// Over ranks all do the same; rank 0 alone writes the folder, evaluates and talks, and where the way divides it says which way (docs/cluster.md).

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Collectives;
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
    private readonly IProcessGroup _group;
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
        _group = options.Group;
        _options = _group.Leads() ? options : options with { Observer = SilentObserver.Instance };
        _folder = new RunFolder(options.Out) { Rank = _group.Rank };
        if (_group.Leads())
        {
            _folder.RefuseForeign();
        }
        _hash = BegunRecipe.HashFor(recipe, _folder);
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
        _group.RequireSame("recipe", _hash);
        using RunLock? held = _group.Leads() ? Open() : null;
        string data = _group.Agree(() => CheckData());

        RunEvaluation? evaluation = null;
        _group.First(() =>
        {
            if (_recipe.Model.From is { Length: > 0 } from && ModelCard.LeftOutOfStart(from) is { Count: > 0 } leftOut)
            {
                observer.Message($"{from}: training starts from its encoder alone; its module {string.Join(" and ", leftOut)}, which changes the vectors after pooling, is left out.");
            }
            observer.Message("reading documents and evaluation sets");
            var work = new WatchedWork(_group, observer, _options.Time, stop);
            evaluation = new RunEvaluation(_recipe, _documents)
            {
                Progress = (done, all) =>
                {
                    stop.ThrowIfCancellationRequested();
                    if (all > 0)
                    {
                        work.Tell($"encoded {done} of {all} texts");
                    }
                    else
                    {
                        work.Tell($"{done} texts or pairs done");
                    }
                },
            };
            if (!evaluation.CanDevelop && _recipe.Stages.FirstOrDefault(s => s.EvaluateEvery > 0 && !(s is RetroMaeStageOptions && s.EvaluateBy is "auto" or "loss")) is { } stage)
            {
                throw new BadInput($"stage \"{stage.Label}\": evaluateEvery is set, but the held-out documents give no query to evaluate on; raise data.heldOut, or name a set in \"development\".");
            }
            CheckContents(stop);
        });
        if (_group.Agree(() => stop.IsCancellationRequested))
        {
            return null;
        }
        ITokenizer tokenizer = _group.Prepared(() => RunVocabulary.Prepare(_recipe, _documents, _folder, observer));
        ModelConfig config = RunModel.Config(_recipe.Model, tokenizer);
        if (_state.Results.Count == 0)
        {
            StageRun.Check(_recipe, config, tokenizer);     // a run that has begun goes on as it can: its longest texts may be short enough
        }
        OnceFor("bm25", () =>
        {
            observer.Message("evaluating BM25");
            Keep(evaluation!.Bm25());
        }, stop);

        using MetricsLog? metrics = _group.Leads() ? MetricsLog.Open(_folder.Metrics, _options.Time) : null;
        _group.First(() => FileSystem.Current.FlushFolder(_folder.Root));       // checkpoints count on the log's being there
        var run = new RunContext(_recipe, _hash, data, _folder, _documents, tokenizer, config, _options, metrics, evaluation, Account);
        string? previous = _recipe.Model.From.Length > 0 ? _recipe.Model.From : null;
        OnceFor("untrained", () => EvaluateUntrained(evaluation!, config, tokenizer, previous), stop);
        for (int i = 0; i < _recipe.Stages.Count; i++)
        {
            StageOptions stage = _recipe.Stages[i];
            string finished = _folder.Stage(i, stage.Label);
            bool? done = _group.Agree(() => stop.IsCancellationRequested ? (bool?)null : Directory.Exists(finished));
            if (done is null || (done is false && !new StageRun(run, i).Train(previous, stop)))
            {
                SaveState();
                return null;
            }
            SaveState();
            OnceFor(stage.Label, () => Keep(stage is RerankerStageOptions ? ScoreReranker(evaluation!, stage.Label, finished, previous) : ScoreModel(evaluation!, stage.Label, finished)), stop);
            // A reranker is a model of its own: it gives no vectors, and the next stage starts where it did.
            previous = stage is RerankerStageOptions ? previous : finished;
        }
        if (_group.Agree(() => stop.IsCancellationRequested))
        {
            return null;
        }
        _group.First(() => Finish(previous));
        return _state = _group.Agree(() => _state);
    }

    private RunLock Open()
    {
        if (!Directory.Exists(_folder.Root))
        {
            FileSystem.Current.CreateFolder(_folder.Root);
            FileSystem.Current.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(_folder.Root))!);
        }
        RunLock held = RunLock.Take(_folder);
        try
        {
            _state = Before();      // again: another process may have been here until a moment ago
            _secondsBefore = _state.Seconds;
            RemoveLeftovers();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private void Finish(string? previous)
    {
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
    }

    // What rank 0 does unless the run has it already, or is to stop. Left half way it keeps nothing; all ranks agree to end right after it.
    private void OnceFor(string stage, Action act, CancellationToken stop) => _group.First(() =>
    {
        if (!Done(stage) && !stop.IsCancellationRequested)
        {
            try
            {
                act();
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                _options.Observer.Message($"the evaluation \"{stage}\" is left; it begins anew when the run goes on");
            }
        }
    });

    private RunState Before()
    {
        RunState? before = RunState.Load(_folder.Progress);
        if (before is null || (before.Recipe != _hash && !HasMade(before)))
        {
            return new RunState(_hash, 0, 0, []);
        }
        if (before.Recipe != _hash)
        {
            throw new BadInput($"{_options.Out}: holds a run of another recipe ({BegunRecipe.Difference(_recipe, _folder) ?? $"its {_folder.Recipe} differs"}); choose another --out.");
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
        AtomicFolder.RemoveLeftovers(_folder.Negatives);
        FileSystem.Current.DeleteFolder(_folder.Work);
        if (!Directory.Exists(_folder.Stages))
        {
            FileSystem.Current.CreateFolder(_folder.Stages);
        }
    }

    private string CheckData()
    {
        DataIdentity? before = DataIdentity.Load(_folder.Data);
        DataIdentity now = DataIdentity.Of(_recipe, before);
        if (before is not null && now.ChangeSince(before) is string change)
        {
            bool made = HasMade(_state);
            if (made && !_options.AllowChangedData)
            {
                throw new BadInput($"{change}; restore it, add --allow-changed-data to go on all the same, or choose another --out.");
            }
            _options.Observer.Message($"warning: {change}; {(made ? "the run goes on with it, as --allow-changed-data says." : "nothing has been made of it yet, so the run begins with it as it is.")}");
        }
        if (before is null || !now.Files.SequenceEqual(before.Files))
        {
            now.Save(_folder.Data);
        }
        // What an earlier version wrote stays: its bytes are what the run is known by.
        if (_hash == RecipeFile.Hash(_recipe))
        {
            AtomicFile.WriteText(_folder.Recipe, RecipeFile.ToJson(_recipe));
        }
        SaveState();
        FileSystem.Current.FlushFolder(_folder.Root);
        return now.Digest();
    }

    private void CheckContents(CancellationToken stop)
    {
        var check = new DataCheck(_recipe, _documents, _options.Observer, stop);
        if (!HasMade(_state))
        {
            check.Documents();
        }
        for (int i = 0; i < _recipe.Stages.Count; i++)
        {
            if (!Directory.Exists(_folder.Stage(i, _recipe.Stages[i].Label)))
            {
                check.Stage(_recipe.Stages[i]);
            }
        }
    }

    // Whether anything was made of recipe and data. A first start that met something wrong made nothing: mended, it is no change that matters.
    private bool HasMade(RunState state) => state.Results.Count > 0 || Directory.Exists(_folder.Tokenizer) || File.Exists(_folder.Words) || Holds(_folder.Stages) || Holds(_folder.Checkpoints);

    private static bool Holds(string folder) => Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();

    private void Account(TimeSpan training, BackgroundCheckpoints? checkpoints) => _state = _state with
    {
        TrainingSeconds = _state.TrainingSeconds + training.TotalSeconds,
        CheckpointSeconds = _state.CheckpointSeconds + (checkpoints?.Stall.TotalSeconds ?? 0),
        CheckpointWritingSeconds = _state.CheckpointWritingSeconds + (checkpoints?.Writing.TotalSeconds ?? 0),
        Checkpoints = _state.Checkpoints + (checkpoints?.Count ?? 0),
    };

    private bool Done(string stage) => _state.Results.Any(r => r.Stage == stage);

    private void EvaluateUntrained(RunEvaluation evaluation, ModelConfig config, ITokenizer tokenizer, string? start)
    {
        using Weights weights = RunModel.Create(Encoder.Shapes("", config), "", config, _options.Compute, _recipe.Seed, start);
        var encoder = new TorchEncoder(new Encoder(weights, "", config), PoolingExtensions.Parse(_recipe.Model.Pooling));
        Keep(evaluation.Dense("untrained", encoder, tokenizer, start is null ? new ModelCard() : ModelCard.LoadStart(start), _options.Observer.Message));
    }

    private StageResult[] ScoreModel(RunEvaluation evaluation, string stage, string folder)
    {
        using TextModel model = TextModel.Load(folder, _options.Compute);
        return [.. evaluation.Score(stage, model, _options.Observer.Message)];
    }

    private StageResult[] ScoreReranker(RunEvaluation evaluation, string stage, string folder, string? previous)
    {
        using TorchReranker reranker = TorchReranker.Load(folder, _options.Compute);
        using TextModel? first = previous is null || TorchReranker.IsReranker(previous) ? null : TextModel.Load(previous, _options.Compute, encoderAlone: true);
        StageResult[] results = [.. evaluation.Reranked(stage, reranker, first, _options.Observer.Message)];
        string searched = first is null ? "bm25" : _recipe.Stages.TakeWhile(s => s.Label != stage).LastOrDefault(s => s is not RerankerStageOptions)?.Label ?? "untrained";
        // Untrained vectors are pooled as the recipe says, those that are ordered anew as the folder does: another search where the two differ.
        bool same = searched != "untrained" || first!.Card.Pooling == _recipe.Model.Pooling;
        string[] pupils = [.. _recipe.Stages.Where(s => TeacherChoices.Of(s).Any(t => t.Choice.TeacherStage == stage)).Select(s => s.Label)];
        if (same && RerankingVerdict.Of(stage, results, [.. _state.Results.Where(r => r.Stage == searched && r.Mode == (first is null ? "bm25" : "dense"))], pupils) is { } warning)
        {
            _options.Observer.Message(warning);
        }
        return results;
    }

    private void Keep(IEnumerable<StageResult> results)
    {
        _state = _state with { Results = [.. _state.Results, .. results] };
        SaveState();
    }

    private void SaveState()
    {
        if (!_group.Leads())
        {
            return;
        }
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

// One set, any number of models, as rows of a report. The set is read once; BM25 is measured once beside them.

using System.Diagnostics;
using BgeSharp.Evaluation;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Evaluation.Tasks;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Measures a set.</summary>
internal sealed class SetEvaluation
{
    private readonly EvaluationSet _set;
    private readonly Lazy<TestCollection> _collection;
    private readonly Lazy<ITask> _task;
    private readonly Lazy<RetrievalRows> _rows;

    /// <param name="set">What to measure on; nothing is read yet.</param>
    /// <param name="collection">A collection that is at hand; null to read the set's path.</param>
    public SetEvaluation(EvaluationSet set, TestCollection? collection = null)
    {
        _set = set;
        _collection = new Lazy<TestCollection>(() => collection ?? ReadCollection());
        _task = new Lazy<ITask>(ReadTask);
        _rows = new Lazy<RetrievalRows>(() => new RetrievalRows(_collection.Value));
    }

    /// <summary>The set's name.</summary>
    public string Name => _set.Task == "retrieval" ? _collection.Value.Set.Name : _task.Value.Name;

    /// <summary>Ways to search.</summary>
    public required IReadOnlyList<RetrievalMode> Modes { get; init; }

    /// <summary>True leaves out, for each model, the modes that it has no output for; false complains.</summary>
    public bool OnlyWhatModelsCan { get; init; }

    /// <summary>Depths and weights.</summary>
    public SearchOptions Search { get; init; } = new();

    /// <summary>Measures; the usual ones when null.</summary>
    public IReadOnlyList<RetrievalMetric>? Metrics { get; init; }

    /// <summary>Folder under which embeddings are kept; null for none.</summary>
    public string? IndexFolder { get; init; }

    /// <summary>Folder for TREC runs, one a stage and mode; null for none.</summary>
    public string? RunsFolder { get; init; }

    /// <summary>Development set whose questions choose the weights of the hybrid; null to take them as they are.</summary>
    public TestCollection? Dev { get; init; }

    /// <summary>Told the figures of each mode of retrieval, with those of every query.</summary>
    public Action<string, RetrievalReport>? Scored { get; init; }

    /// <summary>Called with texts encoded so far and in all.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Rows of a model: one a mode, or one for a task.</summary>
    public IEnumerable<EvaluationResult> Rows(MeasuredModel measured)
    {
        if (_set.Task != "retrieval")
        {
            long began = Stopwatch.GetTimestamp();
            EvaluatedModel model = measured.Open();
            TaskResult result = _task.Value.Run(model);
            Scored?.Invoke("dense", new RetrievalReport(result.Metrics, result.PerItem.ToDictionary(i => i.Key, i => (IReadOnlyDictionary<string, double>)new Dictionary<string, double> { [result.Main] = i.Value })));
            return [Row(measured.Label, "dense", result, model.Settings, Stopwatch.GetElapsedTime(began).TotalSeconds)];
        }
        EvaluatedModel searching = measured.Open();
        RetrievalMode[] modes = [.. Modes.Where(m => m.Search != "bm25" && !(OnlyWhatModelsCan && !searching.Encoder.Modes.HasFlag(m.Needs)))];
        return Retrieval(measured.Label, modes, searching, IndexFolder is null ? "" : measured.Key());
    }

    /// <summary>Rows that need no model.</summary>
    public IEnumerable<EvaluationResult> Yardstick()
    {
        if (_set.Task == "bitext" && Modes.Any(m => m.Name == "bm25"))
        {
            long began = Stopwatch.GetTimestamp();
            TaskResult result = ((BitextTask)_task.Value).RunBm25();
            return [Row("bm25", "bm25", result, $"k1 {Search.Bm25.K1} b {Search.Bm25.B}", Stopwatch.GetElapsedTime(began).TotalSeconds)];
        }
        RetrievalMode[] modes = [.. Modes.Where(m => m.Search == "bm25")];
        return _set.Task == "retrieval" && modes.Length > 0 ? Retrieval("bm25", modes, null, "") : [];
    }

    private List<EvaluationResult> Retrieval(string stage, RetrievalMode[] modes, EvaluatedModel? model, string key)
    {
        var rows = new List<EvaluationResult>();
        if (modes.Length == 0)
        {
            return rows;
        }
        TestCollection collection = _collection.Value;
        var notes = new List<string>();
        SearchOptions options = Search;
        if (Dev is not null && model is not null && modes.Any(m => m.Search == "hybrid"))
        {
            WeightSweep.RequireApart(Dev.Set, collection.Set);
            SweepPoint best = WeightSweep.Run(Dev.Set, new RetrievalRun(Dev, modes, options).Candidates(model))[0];
            options = options with { Weights = best.Weights };
            notes.Add(FormattableString.Invariant($"Weights of the hybrid chosen on {Dev.Set.Queries.Count} development questions: {string.Join(", ", best.Weights.Select(w => FormattableString.Invariant($"{w.Key} {w.Value}")))} (ndcg@10 there {best.Value:0.0000})."));
        }
        long began = Stopwatch.GetTimestamp();
        var run = new RetrievalRun(collection, modes, options)
        {
            Metrics = Metrics,
            EmbeddingFolder = IndexFolder is { } folder && model is not null ? Path.Combine(folder, FileName($"{collection.Set.Name}-{stage}")) : null,
            ModelKey = key,
            SplitTokens = _set.SplitTokens,
            Progress = Progress,
        };
        IReadOnlyList<ModeOutcome> outcomes = run.Run(model);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        foreach (ModeOutcome outcome in outcomes)
        {
            EvaluationResult row = _rows.Value.Row(stage, outcome, $"{(model is null ? "" : model.Settings + ", ")}{options}", seconds);
            Scored?.Invoke(outcome.Mode, outcome.Report);
            rows.Add(row with
            {
                Group = _set.Group,
                Language = _set.Language.Length > 0 ? _set.Language : row.Language,
                Notes = outcome.Mode.StartsWith("hybrid", StringComparison.Ordinal) ? [.. row.Notes, .. notes] : row.Notes,
            });
            if (RunsFolder is not null)
            {
                RetrievalEvaluation.ToRun($"{stage}-{outcome.Mode}", collection.Set, outcome.Hits).Save(Path.Combine(RunsFolder, FileName($"{collection.Set.Name}.{stage}.{outcome.Mode}") + ".trec"));
            }
        }
        return rows;
    }

    private EvaluationResult Row(string stage, string mode, TaskResult result, string settings, double seconds) => new()
    {
        Stage = stage,
        Dataset = _task.Value.Name,
        Task = result.Kind,
        Group = _set.Group,
        Language = _set.Language,
        Mode = mode,
        Main = result.Main,
        Metrics = result.Metrics,
        Interval = result.Interval,
        Count = result.Count,
        Seconds = seconds,
        Settings = settings,
        Notes = result.Notes,
        PerItem = result.PerItem,
    };

    private TestCollection ReadCollection()
    {
        TestCollection collection = CollectionReader.Load(_set.Path, new CollectionOptions
        {
            Format = _set.Format,
            Split = _set.Split,
            TitleSeparator = _set.TitleSeparator,
            IgnoreIdenticalIds = _set.IgnoreIdenticalIds,
            MaxQueries = _set.MaxQueries,
            Paragraphs = _set.Paragraphs,
            Language = _set.Language,
            Corpus = _set.Corpus,
        });
        return _set.Name.Length > 0 ? collection with { Set = collection.Set with { Name = _set.Name } } : collection;
    }

    private ITask ReadTask()
    {
        string name = _set.Name.Length > 0 ? _set.Name : Path.GetFileName(_set.Path).Split('.')[0];
        return _set.Task switch
        {
            "sts" => new StsTask(name, Fewer(PairScores.Read(_set.Path))),
            "pairs" => new PairClassificationTask(name, Fewer(PairScores.Read(_set.Path))),
            "classification" => LabelledTexts.ReadClassification(_set.Path, name),
            "clustering" => LabelledTexts.ReadClustering(_set.Path, name),
            "reranking" => RerankingLists.Read(_set.Path, name),
            "bitext" => _set.Other.Length > 0 ? BitextFiles.ReadAligned(_set.Path, _set.Other, name) : BitextFiles.Read(_set.Path, name),
            var other => throw new BadInput($"task \"{other}\" is not known; {string.Join(", ", EvaluationSet.Tasks)} are."),
        };
    }

    private List<ScoredPair> Fewer(List<ScoredPair> pairs) => _set.MaxQueries <= 0 || _set.MaxQueries >= pairs.Count
        ? pairs
        : [.. Enumerable.Range(0, _set.MaxQueries).Select(i => pairs[(int)((long)i * pairs.Count / _set.MaxQueries)])];

    private static string FileName(string name) => string.Concat(name.Select(c => char.IsLetterOrDigit(c) || c is '-' or '.' or '_' or '+' ? c : '-'));
}

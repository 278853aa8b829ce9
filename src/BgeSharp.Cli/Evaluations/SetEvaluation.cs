// One set, any number of models, as rows of a report. The set is read once; BM25 is measured once beside them. The set that the weights of the hybrid are chosen on goes the same way.

using System.Diagnostics;
using BgeSharp.Embeddings;
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
    private readonly Lazy<TestCollection?> _dev;
    private readonly Lazy<ITask> _task;
    private readonly Lazy<TaskResult> _judged;
    private readonly Lazy<RetrievalRows> _rows;

    /// <param name="set">What to measure on; nothing is read yet.</param>
    /// <param name="collection">A collection that is at hand; null to read the set's path.</param>
    public SetEvaluation(EvaluationSet set, TestCollection? collection = null)
    {
        _set = set;
        _collection = new Lazy<TestCollection>(() => collection ?? Read(set));
        _dev = new Lazy<TestCollection?>(ReadDev);
        _task = new Lazy<ITask>(ReadTask);
        _judged = new Lazy<TaskResult>(Judge);
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

    /// <summary>Development set whose questions choose the weights of the hybrid, read and scored as this set is; null to take the weights as they are.</summary>
    public EvaluationSet? Dev { get; init; }

    /// <summary>True when somebody named the weights: one for a part that the model's hybrid lacks is an error then. The usual weights have one for every part there can be.</summary>
    public bool WeightsNamed { get; init; }

    /// <summary>Told the figures of each mode of retrieval, with those of every query.</summary>
    public Action<string, RetrievalReport>? Scored { get; init; }

    /// <summary>Throws where the set cannot be measured as it is asked for, before anything is computed or written.</summary>
    /// <param name="measured">Opened only where the answer depends on it.</param>
    /// <exception cref="BadInput">The development set cannot serve, or the model's hybrid has not what the weights name.</exception>
    public void Check(MeasuredModel measured)
    {
        _ = _dev.Value;
        if (WeightsNamed && Modes.Any(m => m.Search == "hybrid"))
        {
            HybridCandidates.RequireWeights(HybridCandidates.PartsOf(measured.Open().Encoder.Modes), Search.Weights, strict: true);
        }
    }

    /// <summary>Rows of a model: one a mode, or those of a task.</summary>
    public IEnumerable<EvaluationResult> Rows(MeasuredModel measured)
    {
        if (_set.Task != "retrieval")
        {
            return TaskRows(measured);
        }
        string key = IndexFolder is null ? "" : measured.Key();
        return measured.Dimensions.SelectMany((dimensions, i) =>
        {
            EvaluatedModel searching = measured.Open(dimensions);
            // What does not look at dense vectors is the same at every length: measured with the first.
            RetrievalMode[] modes = [.. Modes.Where(m => m.Search != "bm25" && (i == 0 || m.Needs.HasFlag(EmbeddingModes.Dense)) && !(OnlyWhatModelsCan && !searching.Encoder.Modes.HasFlag(m.Needs)))];
            return Retrieval(measured.Label, modes, searching, key, dimensions);
        });
    }

    /// <summary>Rows that need no model.</summary>
    public IEnumerable<EvaluationResult> Yardstick()
    {
        if (_set.Task == "bitext" && Modes.Any(m => m.Name == "bm25"))
        {
            long began = Stopwatch.GetTimestamp();
            return [Row("bm25", "bm25", ((BitextTask)_task.Value).RunBm25(Search.Bm25), FormattableString.Invariant($"k1 {Search.Bm25.K1} b {Search.Bm25.B}"), began)];
        }
        RetrievalMode[] modes = [.. Modes.Where(m => m.Search == "bm25")];
        return _set.Task == "retrieval" && modes.Length > 0 ? Retrieval("bm25", modes, null, "", 0) : [];
    }

    // A task is measured by the model's vectors, unless only ways without the model are asked for.
    private List<EvaluationResult> TaskRows(MeasuredModel measured)
    {
        var rows = new List<EvaluationResult>();
        if (Modes.Count == 0 || !Modes.All(m => _set.Task switch { "bitext" => m.Name == "bm25", "reranking" => m.Reranks, _ => false }))
        {
            foreach (int dimensions in measured.Dimensions)
            {
                long began = Stopwatch.GetTimestamp();
                EvaluatedModel model = measured.Open(dimensions);
                rows.Add(Row(measured.Label, MeasuredModel.NameOf("dense", dimensions), _task.Value.Run(model), model.Settings, began));
            }
        }
        if (_set.Task == "reranking" && Modes.FirstOrDefault(m => m.Reranks) is { } judging)
        {
            long began = Stopwatch.GetTimestamp();
            TaskResult judged = _judged.Value;
            rows.Add(Row(measured.Label, judging.Name, judged, $"cross-encoder, pairs of {Search.Reranker?.MaxLength} tokens, all candidates", began));
        }
        return rows;
    }

    // The candidates are given, so that the model has no part in it: once for all models.
    private TaskResult Judge()
    {
        IReranker judge = Search.Reranker ?? throw new BadInput("a mode with \"+rerank\" needs a re-ranker; name its model folder by --reranker.");
        var task = (RerankingTask)_task.Value;
        TaskResult result = RerankingTask.Score(task.Name, task.Lists, (list, _) =>
        {
            float[] scores = judge.Score([.. list.Positives.Concat(list.Negatives).Select(passage => new TextPair(list.Query, passage))]);
            return [.. scores.Select(score => (double)score)];
        });
        return result with { Notes = [.. result.Notes, "With \"+rerank\" the cross-encoder orders all candidates of a list; the embedding model has no part in these figures."] };
    }

    private List<EvaluationResult> Retrieval(string stage, RetrievalMode[] modes, EvaluatedModel? model, string key, int dimensions)
    {
        var rows = new List<EvaluationResult>();
        if (modes.Length == 0)
        {
            return rows;
        }
        TestCollection collection = _collection.Value;
        var notes = new List<string>();
        SearchOptions options = Search;
        if (model is not null && modes.Any(m => m.Search == "hybrid") && _dev.Value is { } dev)
        {
            SweepPoint best = WeightSweep.Run(new RetrievalRun(dev, modes, options) { Metrics = Metrics, SplitTokens = _set.SplitTokens }, model)[0];
            options = options with { Weights = best.Weights };
            notes.Add(FormattableString.Invariant($"Weights of the hybrid chosen on {dev.Set.Queries.Count} development questions: {string.Join(", ", best.Weights.Select(w => FormattableString.Invariant($"{w.Key} {w.Value}")))} ({best.Measure} there {best.Value:0.0000})."));
        }
        long began = Stopwatch.GetTimestamp();
        var run = new RetrievalRun(collection, modes, options)
        {
            Metrics = Metrics,
            EmbeddingFolder = IndexFolder is { } folder && model is not null ? Path.Combine(folder, FileName($"{collection.Set.Name}-{stage}{(dimensions > 0 ? FormattableString.Invariant($"-{dimensions}") : "")}")) : null,
            ModelKey = key,
            SplitTokens = _set.SplitTokens,
        };
        IReadOnlyList<ModeOutcome> outcomes = run.Run(model);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        foreach (ModeOutcome outcome in outcomes)
        {
            string mode = MeasuredModel.NameOf(outcome.Mode, RetrievalMode.Parse(outcome.Mode).Needs.HasFlag(EmbeddingModes.Dense) ? dimensions : 0);
            EvaluationResult row = _rows.Value.Row(stage, outcome with { Mode = mode }, $"{(model is null ? "" : model.Settings + ", ")}{options}", seconds);
            Scored?.Invoke(mode, outcome.Report);
            rows.Add(row with
            {
                Group = _set.Group,
                Language = _set.Language.Length > 0 ? _set.Language : row.Language,
                Notes = outcome.Mode.StartsWith("hybrid", StringComparison.Ordinal) ? [.. row.Notes, .. notes] : row.Notes,
            });
            if (RunsFolder is not null)
            {
                RetrievalEvaluation.ToRun($"{stage}-{FileName(mode)}", collection.Set, outcome.Hits, collection.IgnoreIdenticalIds).Save(Path.Combine(RunsFolder, FileName($"{collection.Set.Name}.{stage}.{mode}") + ".trec"));
            }
        }
        return rows;
    }

    private EvaluationResult Row(string stage, string mode, TaskResult result, string settings, long began)
    {
        Scored?.Invoke(mode, new RetrievalReport(result.Metrics, result.PerItem.ToDictionary(i => i.Key, i => (IReadOnlyDictionary<string, double>)new Dictionary<string, double> { [result.Main] = i.Value })));
        return new EvaluationResult
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
            Seconds = Stopwatch.GetElapsedTime(began).TotalSeconds,
            Settings = settings,
            Notes = result.Notes,
            PerItem = result.PerItem,
        };
    }

    private TestCollection? ReadDev()
    {
        if (Dev is null)
        {
            return null;
        }
        TestCollection dev = Read(Dev);
        dev.Check();
        WeightSweep.RequireApart(dev.Set, _collection.Value.Set);
        return dev;
    }

    private static TestCollection Read(EvaluationSet set)
    {
        TestCollection collection = CollectionReader.Load(set.Path, new CollectionOptions
        {
            Format = set.Format,
            Split = set.Split,
            TitleSeparator = set.TitleSeparator,
            IgnoreIdenticalIds = set.IgnoreIdenticalIds,
            MaxQueries = set.MaxQueries,
            Paragraphs = set.Paragraphs,
            Language = set.Language,
            Corpus = set.Corpus,
        });
        return set.Name.Length > 0 ? collection with { Set = collection.Set with { Name = set.Name } } : collection;
    }

    private ITask ReadTask()
    {
        string name = _set.Name.Length > 0 ? _set.Name : Path.GetFileName(Path.TrimEndingDirectorySeparator(_set.Path)).Split('.')[0];
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

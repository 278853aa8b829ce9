// What one measurement says, in the shape that the report file keeps. The schema is a contract: version 1 has these fields, later versions may add some.

using BgeSharp.Evaluation.Significance;

namespace BgeSharp.Evaluation.Reports;

/// <summary>One row of a report.</summary>
public sealed record EvaluationResult
{
    /// <summary>What was measured: the label of a stage or a model, "bm25" for the yardstick.</summary>
    public required string Stage { get; init; }

    /// <summary>Name of the set.</summary>
    public required string Dataset { get; init; }

    /// <summary>"retrieval", "sts", "pairs", "classification", "clustering", "reranking" or "bitext".</summary>
    public required string Task { get; init; }

    /// <summary>Name of a family of sets that differ in language only ("xquad"); empty for none.</summary>
    public string Group { get; init; } = "";

    /// <summary>Language, or "zh-en"; empty when not said.</summary>
    public string Language { get; init; } = "";

    /// <summary>How it was searched; "dense" for tasks on single vectors.</summary>
    public required string Mode { get; init; }

    /// <summary>The figure that stands for the row.</summary>
    public required string Main { get; init; }

    /// <summary>All figures.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>95 % bootstrap interval of the main figure; null when there is none.</summary>
    public Interval? Interval { get; init; }

    /// <summary>Queries, pairs or texts.</summary>
    public int Count { get; init; }

    /// <summary>Passages of the corpus; 0 where nothing is searched.</summary>
    public int Passages { get; init; }

    /// <summary>Wall time.</summary>
    public double Seconds { get; init; }

    /// <summary>What the figures depend on beside the weights.</summary>
    public string Settings { get; init; } = "";

    /// <summary>What must be known to read the figures.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Item → main figure; what comparisons pair.</summary>
    public IReadOnlyDictionary<string, double> PerItem { get; init; } = new Dictionary<string, double>();

    /// <summary>Mean recall after each of these ranks; empty where nothing is searched.</summary>
    public IReadOnlyList<RecallPoint> RecallCurve { get; init; } = [];

    /// <summary>Queries with the lowest main figure.</summary>
    public IReadOnlyList<WorstQuery> Worst { get; init; } = [];

    /// <summary>The main figure.</summary>
    public double MainValue => Metrics.GetValueOrDefault(Main, double.NaN);
}

/// <summary>A point of the recall curve.</summary>
/// <param name="K">Rank.</param>
/// <param name="Recall">Mean recall@K.</param>
public readonly record struct RecallPoint(int K, double Recall);

/// <summary>A query that went badly.</summary>
/// <param name="Id">Query id.</param>
/// <param name="Text">The question.</param>
/// <param name="Value">Main figure.</param>
/// <param name="Hits">The first of its hits.</param>
/// <param name="Missed">A relevant passage and its rank; null when there is none in the corpus.</param>
public sealed record WorstQuery(string Id, string Text, double Value, IReadOnlyList<ShownHit> Hits, ShownHit? Missed);

/// <summary>A passage as a report shows it.</summary>
/// <param name="Id">Passage id.</param>
/// <param name="Rank">From 1; 0 when it was not found.</param>
/// <param name="Score">The search's score; 0 when it was not found.</param>
/// <param name="Grade">Its judgement; null when not judged.</param>
/// <param name="Text">Beginning of the passage.</param>
/// <param name="Matched">Words of the question that the passage holds, the rarest in the corpus first.</param>
public sealed record ShownHit(string Id, int Rank, double Score, int? Grade, string Text, IReadOnlyList<string> Matched);

/// <summary>A whole report.</summary>
/// <param name="Name">For headings and comparisons.</param>
/// <param name="Results">Rows.</param>
public sealed record EvaluationReport(string Name, IReadOnlyList<EvaluationResult> Results)
{
    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>The machine in one line.</summary>
    public string Machine { get; init; } = "";

    /// <summary>Wall time of all of it.</summary>
    public double Seconds { get; init; }
}

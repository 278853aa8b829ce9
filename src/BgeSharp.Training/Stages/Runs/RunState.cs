// progress.json: evaluations that are done and time spent, so that a resumed run repeats neither.

using System.Text.Json;
using BgeSharp.Formats;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>One line of the result table.</summary>
/// <param name="Stage">"untrained", "bm25" or a stage's label.</param>
/// <param name="Dataset">Name of the set.</param>
/// <param name="Mode">"dense" or "bm25".</param>
/// <param name="Metrics">Name → value in 0..1.</param>
public sealed record StageResult(string Stage, string Dataset, string Mode, IReadOnlyDictionary<string, double> Metrics);

/// <summary>What a run has done.</summary>
/// <param name="Recipe">SHA-256 of the resolved recipe.</param>
/// <param name="Seconds">Time spent so far, over all starts.</param>
/// <param name="PeakMemoryBytes">Largest resident memory of any start.</param>
/// <param name="Results">Evaluations in the order they were made.</param>
public sealed record RunState(string Recipe, double Seconds, long PeakMemoryBytes, IReadOnlyList<StageResult> Results)
{
    /// <summary>True when the final model folder and the reports are there.</summary>
    public bool Finished { get; init; }

    /// <summary>Seconds of the trainer's loops, over all starts; evaluation, reading and mining not counted.</summary>
    public double TrainingSeconds { get; init; }

    /// <summary>Seconds of these in which training stood still for a checkpoint.</summary>
    public double CheckpointSeconds { get; init; }

    /// <summary>Seconds in which checkpoints were written, most of them beside training.</summary>
    public double CheckpointWritingSeconds { get; init; }

    /// <summary>Checkpoints written, over all starts.</summary>
    public int Checkpoints { get; init; }

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Reads progress.json, or null when there is none.</summary>
    public static RunState? Load(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        try
        {
            return JsonSerializer.Deserialize<RunState>(File.ReadAllBytes(path), Json) is { Recipe: not null, Results: not null } state ? state
                : throw new BadInput($"{path}: not a run's progress file; start the run in another folder.");
        }
        catch (JsonException e)
        {
            throw new BadInput($"{path}: not a valid progress file ({e.Message}); start the run in another folder.", e);
        }
    }

    /// <summary>Writes progress.json.</summary>
    public void Save(string path) => AtomicFile.WriteText(path, JsonSerializer.Serialize(this, Json) + "\n");
}

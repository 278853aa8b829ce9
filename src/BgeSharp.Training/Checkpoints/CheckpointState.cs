// What a checkpoint says beside weights and moments: state.json. Whatever the loop and the stage carry from step to step comes as JSON of their own,
// so that this room knows neither.

using System.Text.Json;

namespace BgeSharp.Training.Checkpoints;

/// <summary>What state.json of a checkpoint says.</summary>
public sealed record CheckpointState
{
    /// <summary>SHA-256 of the resolved recipe; the recipe itself stands beside this file.</summary>
    public required string Recipe { get; init; }

    /// <summary>Stage, from 0.</summary>
    public required int StageIndex { get; init; }

    /// <summary>Label of the stage.</summary>
    public required string Stage { get; init; }

    /// <summary>Steps done in the stage.</summary>
    public required int Step { get; init; }

    /// <summary>Steps the optimizer has taken: fewer than <see cref="Step"/> when some were skipped.</summary>
    public required int OptimizerSteps { get; init; }

    /// <summary>Step with the best score so far; −1 without one.</summary>
    public int BestStep { get; init; } = -1;

    /// <summary>Steps of this stage whose checkpoints must stay as long as this one does: the best one, and where a rollback would go.</summary>
    public IReadOnlyList<int> Needs { get; init; } = [];

    /// <summary>Hash of the names, sizes and hashes of everything the run reads.</summary>
    public string Data { get; init; } = "";

    /// <summary>Version of the program that wrote it.</summary>
    public string Code { get; init; } = "";

    /// <summary>Device, precision and threads it was computed with: bits are equal only where these are.</summary>
    public string Machine { get; init; } = "";

    /// <summary>Random states: seed of the stage, and torch's generator (base64 of its bytes).</summary>
    public RandomStates? Random { get; init; }

    /// <summary>Learning rates of the stage.</summary>
    public JsonElement? Schedule { get; init; }

    /// <summary>Where the sampler stands.</summary>
    public JsonElement? Sampler { get; init; }

    /// <summary>What the trainer's loop carries: counters, averages, history of losses and scores.</summary>
    public JsonElement? Trainer { get; init; }

    /// <summary>What the stage itself carries.</summary>
    public JsonElement? Own { get; init; }
}

/// <summary>Random states of a run.</summary>
/// <param name="Seed">Seed of the stage: order, draws, masks and the seed of each micro-batch are functions of it.</param>
/// <param name="Torch">Bytes of torch's default generator, base64.</param>
public sealed record RandomStates(long Seed, string Torch);

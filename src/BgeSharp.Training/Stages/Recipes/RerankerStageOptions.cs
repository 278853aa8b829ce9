// Options of the cross-encoder stage.

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>A cross-encoder that judges query and passage together: teacher of a later stage, or second stage of a search. It is a model of its own: the next stage starts from the model before it.</summary>
public sealed record RerankerStageOptions : StageOptions
{
    /// <summary>Pairs to train on; empty means those mined from the recipe's documents.</summary>
    public IReadOnlyList<PairSourceOptions> Pairs { get; init; } = [];

    /// <summary>Queries per micro-batch.</summary>
    [Range(1, 100_000)] public int BatchPairs { get; init; } = 16;

    /// <summary>Passages per query: 1 positive and GroupSize − 1 negatives.</summary>
    [Range(2, 256)] public int GroupSize { get; init; } = 8;

    /// <summary>Longest query in tokens; it is cut first, so that the passage keeps its room.</summary>
    [Range(4, 65536)] public int QueryMaxLength { get; init; } = 64;

    /// <summary>Longest pair in tokens, special tokens included.</summary>
    [Range(8, 65536)] public int MaxLength { get; init; } = 256;

    /// <summary>True keeps the input of each layer only and computes the layer again in the backward pass: less memory for a third more time, and the same numbers (on a GPU other draws of dropout). For long texts.</summary>
    public bool Recompute { get; init; }

    /// <summary>Most padded tokens of a sub-batch.</summary>
    [Range(64, 100_000_000)] public int SubBatchTokens { get; init; } = 8192;

    /// <summary>Hard negatives to mine with the embedding model that the stage starts from; null takes those of the pairs, or other queries' passages.</summary>
    public HardNegativeOptions? HardNegatives { get; init; }

    /// <summary>How scores of another cross-encoder are used; null for not at all.</summary>
    public RerankerDistillationOptions? Distillation { get; init; }

    /// <summary>Parts that are not trained: "encoder", "embeddings", "positions", "layers:N" (the lowest N).</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Low-rank adapters in place of the whole encoder, beside the head; null trains the encoder itself.</summary>
    public LoraOptions? Lora { get; init; }

    /// <inheritdoc/>
    [JsonIgnore] public override string Type => "reranker";
}

// Options of the stages. "type" in the JSON picks the record: "retromae", "contrastive", "finetune" or "reranker".

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>What all stages share: optimisation and length of the stage.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(RetroMaeStageOptions), "retromae")]
[JsonDerivedType(typeof(ContrastiveStageOptions), "contrastive")]
[JsonDerivedType(typeof(FineTuneStageOptions), "finetune")]
[JsonDerivedType(typeof(RerankerStageOptions), "reranker")]
public abstract record StageOptions
{
    /// <summary>Name in tables and checkpoints; the type when empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>Optimizer steps; 0 means <see cref="Epochs"/> decides.</summary>
    [Range(0, int.MaxValue)] public int Steps { get; init; }

    /// <summary>Passes over the stage's data, when <see cref="Steps"/> is 0.</summary>
    [Range(0.0, 1000.0)] public double Epochs { get; init; } = 1;

    /// <summary>Micro-batches whose gradients are added up before one optimizer step.</summary>
    [Range(1, 65536)] public int Accumulate { get; init; } = 1;

    /// <summary>Peak learning rate.</summary>
    [Range(0.0, 1.0)] public double LearningRate { get; init; } = 1e-4;

    /// <summary>"linear" or "cosine" decay to 0 after the warm-up.</summary>
    [AllowedValues("linear", "cosine")] public string Schedule { get; init; } = "linear";

    /// <summary>Share of steps with linearly rising learning rate. FlagEmbedding's examples: 0.1.</summary>
    [Range(0.0, 1.0)] public double WarmupRatio { get; init; } = 0.1;

    /// <summary>AdamW weight decay, not on biases and LayerNorm. M3 paper, appendix B.1: 0.01.</summary>
    [Range(0.0, 1.0)] public double WeightDecay { get; init; } = 0.01;

    /// <summary>Gradients are scaled down to this norm.</summary>
    [Range(1e-6, 1e6)] public double MaxGradientNorm { get; init; } = 1.0;

    /// <summary>Optimizer steps between log lines.</summary>
    [Range(1, int.MaxValue)] public int LogEvery { get; init; } = 10;

    /// <summary>The stage's type as the recipe names it.</summary>
    [JsonIgnore] public abstract string Type { get; }

    /// <summary><see cref="Name"/>, or the type when that is empty.</summary>
    [JsonIgnore] public string Label => Name.Length > 0 ? Name : Type;
}

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

    /// <summary>Micro-batches whose gradients are added up before one optimizer step. Each counts by what it has to name, or by its queries: those of a step all count the same. Negatives, and what cosent compares, stay within a micro-batch.</summary>
    [Range(1, 65536)] public int Accumulate { get; init; } = 1;

    /// <summary>Pieces that a micro-batch is cut into (or a multiple, where subBatchTokens asks for more), each with dropout of its own; ranks train on whole pieces. 0: one, or as many as keep all ranks busy. A number gives the same dropout at any number of ranks.</summary>
    [Range(0, 65536)] public int Pieces { get; init; }

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

    /// <summary>Optimizer steps between evaluations on the held-out set while training; 0 for none.</summary>
    [Range(0, int.MaxValue)] public int EvaluateEvery { get; init; }

    /// <summary>What these evaluations go by: "auto" (loss for retromae, spearman on a development set of graded pairs, else ndcg@10), "loss", "ndcg@10", "mrr@10", "recall@100" or "spearman".</summary>
    [AllowedValues("auto", "loss", "ndcg@10", "mrr@10", "recall@100", "spearman")] public string EvaluateBy { get; init; } = "auto";

    /// <summary>Most queries (for retromae's losses: texts) of one such evaluation, evenly spaced.</summary>
    [Range(1, 1_000_000)] public int EvaluateQueries { get; init; } = 200;

    /// <summary>True makes the weights of the best evaluation the stage's model, instead of the last ones.</summary>
    public bool KeepBest { get; init; }

    /// <summary>Evaluations in a row without a better score that end the stage; 0 never does.</summary>
    [Range(0, 1_000_000)] public int EarlyStop { get; init; }

    /// <summary>What is done about losses and gradients that are not finite, and about sudden rises of the loss.</summary>
    public GuardOptions Guard { get; init; } = new();

    /// <summary>The stage's type as the recipe names it.</summary>
    [JsonIgnore] public abstract string Type { get; }

    /// <summary>Optimizer steps of the stage: <see cref="Steps"/>, or what <see cref="Epochs"/> passes take.</summary>
    /// <param name="batchesPerEpoch">Micro-batches of one pass; asked for only when it matters.</param>
    public int StepsOver(Func<int> batchesPerEpoch) => Steps > 0 ? Steps : Math.Max(1, (int)Math.Ceiling(batchesPerEpoch() * Epochs / Accumulate));

    /// <summary><see cref="Name"/>, or the type when that is empty.</summary>
    [JsonIgnore] public string Label => Name.Length > 0 ? Name : Type;
}

/// <summary>What is done about a bad step: loss or gradients not finite, or a spike of the loss. It is found before the optimizer sees the gradients.</summary>
public sealed record GuardOptions
{
    /// <summary>"skip" leaves the weights as they are, "rollback" returns to an earlier checkpoint and passes over the batch, "raise" ends the run.</summary>
    [AllowedValues("skip", "rollback", "raise")] public string Action { get; init; } = "skip";

    /// <summary>A loss above this multiple of the mean of the last 32 good steps is a spike; 0 looks for none.</summary>
    [Range(0.0, 1e6)] public double SpikeFactor { get; init; }

    /// <summary>Steps a rollback goes back at least: to the newest checkpoint of checkpoints.everySteps that is this old, or to the start of the stage. PaLM (2022), section 5.1: about 100.</summary>
    [Range(1, int.MaxValue)] public int RollBack { get; init; } = 100;

    /// <summary>Steps whose batches are passed over after a rollback, from the bad one on. PaLM: 200-500.</summary>
    [Range(1, int.MaxValue)] public int PassOver { get; init; } = 1;

    /// <summary>Steps skipped in a row, or rollbacks of the stage, after which the run ends.</summary>
    [Range(1, 10_000)] public int Limit { get; init; } = 10;
}

// Options of the contrastive and the fine-tuning stage: one set, two names.

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>Contrastive learning on pairs that the documents' own structure gives.</summary>
public record ContrastiveStageOptions : StageOptions
{
    private readonly double? _temperature;

    /// <summary>Pairs to train on; empty means those mined from the recipe's documents.</summary>
    public IReadOnlyList<PairSourceOptions> Pairs { get; init; } = [];

    /// <summary>Queries per micro-batch: all its passages are each other's negatives.</summary>
    [Range(1, 1_000_000)] public int BatchPairs { get; init; } = 128;

    /// <summary>Most tokens of a micro-batch: short pairs fill batches of up to batchPairs, longer ones smaller batches, of two at least; 0 for no limit. Negatives that are mined anew count as the longest passages.</summary>
    [Range(0, int.MaxValue)] public int BatchTokens { get; init; }

    /// <summary>α: a source of n examples has a share of n^α of the batches. 1 shows each example once a pass; GTE: 0.5.</summary>
    [Range(0.0, 2.0)] public double SourceMixing { get; init; } = 1;

    /// <summary>True draws a batch over all sources together (FlagEmbedding's default), false over one at a time. Sources that ask for different batches are refused.</summary>
    public bool MixSources { get; init; }

    /// <summary>Passages per query: 1 positive and GroupSize − 1 negatives.</summary>
    [Range(1, 256)] public int GroupSize { get; init; } = 1;

    /// <summary>Longest query in tokens.</summary>
    [Range(4, 65536)] public int QueryMaxLength { get; init; } = 48;

    /// <summary>Longest passage in tokens.</summary>
    [Range(4, 65536)] public int PassageMaxLength { get; init; } = 192;

    /// <summary>Probability that a query's positive of more than 100 characters is read with its thirds in another order, drawn anew for every batch (FlagEmbedding's shuffle_ratio); 0 leaves all as they are.</summary>
    [Range(0.0, 1.0)] public double ShuffleRatio { get; init; }

    /// <summary>"contrastive", or for sentence pairs with a grade in pos_scores "cosent" (their order) or "cosine" (their value).</summary>
    [AllowedValues("contrastive", "cosent", "cosine")] public string Objective { get; init; } = "contrastive";

    /// <summary>τ of the softmax. BGE v1: 0.01; BGE-M3: 0.02. cosent, where none is given: 0.05 (sentence-transformers).</summary>
    [Range(1e-4, 10.0)] public double Temperature { get => _temperature ?? (Objective == "cosent" ? 0.05 : 0.02); init => _temperature = value; }

    /// <summary>False compares a query with its own group only (FlagEmbedding's no_in_batch_neg).</summary>
    public bool InBatchNegatives { get; init; } = true;

    /// <summary>Passages look for their query too.</summary>
    public bool BothDirections { get; init; }

    /// <summary>Other queries are negatives of a query too (GTE).</summary>
    public bool QueryQuery { get; init; }

    /// <summary>Other positives are negatives of a positive too (GTE).</summary>
    public bool PassagePassage { get; init; }

    /// <summary>First numbers of the dense vector that must be good embeddings by themselves, such as [256, 128]; empty for the whole only.</summary>
    public IReadOnlyList<int> MatryoshkaDimensions { get; init; } = [];

    /// <summary>A negative whose cosine exceeds the positive's by more than this is taken for a hidden positive; −1 takes none. ms-swift: 0.1; below 0 also what comes near.</summary>
    [Range(-1.0, 2.0)] public double FalseNegativeMargin { get; init; } = -1;

    /// <summary>Put before every query; empty for none. An example's own prompt comes first.</summary>
    public string QueryInstruction { get; init; } = "";

    /// <summary>Put before every passage; empty for none.</summary>
    public string PassageInstruction { get; init; } = "";

    /// <summary>Outputs to train: "dense", "sparse", "multi".</summary>
    [MinLength(1)] public IReadOnlyList<string> Outputs { get; init; } = ["dense"];

    /// <summary>C, numbers of a token's vector when a multi-vector head is made; 0 for the model's hidden size.</summary>
    [Range(0, 16384)] public int VectorSize { get; init; }

    /// <summary>Weights of the outputs in the ensemble. M3-Embedding: 1, 0.3, 1.</summary>
    public OutputWeightOptions EnsembleWeights { get; init; } = new() { Sparse = 0.3 };

    /// <summary>Weights of the outputs' losses. M3-Embedding: 1, 0.1, 1.</summary>
    public OutputWeightOptions LossWeights { get; init; } = new() { Sparse = 0.1 };

    /// <summary>Each output learns the ensemble's distribution too.</summary>
    public bool SelfDistillation { get; init; }

    /// <summary>Step after which it does; −1 from the start. M3-Embedding warms up for 6,000 steps.</summary>
    [Range(-1, int.MaxValue)] public int SelfDistillationStart { get; init; } = -1;

    /// <summary>
    /// Parts of a batch, two queries each at least: sparse and multi-vector scores, and the ensemble, take negatives from a query's own part, dense scores from the whole batch. 1 for the whole batch everywhere.
    /// With a multiple of the ranks, outputs by token stay on the rank that computed them.
    /// </summary>
    [Range(1, 1_000_000)] public int TokenGroups { get; init; } = 1;

    /// <summary>How teacher scores are used; null for not at all.</summary>
    public DistillationOptions? Distillation { get; init; }

    /// <summary>Hard negatives to mine with the model; null for none.</summary>
    public HardNegativeOptions? HardNegatives { get; init; }

    /// <summary>"plain" keeps the activations of a micro-batch, "cached" those of one sub-batch and computes twice: same gradient.</summary>
    [AllowedValues("plain", "cached")] public string Memory { get; init; } = "plain";

    /// <summary>True keeps the input of each layer only and computes the layer again in the backward pass: less memory for a third more time, and the same numbers (on a GPU other draws of dropout). For long texts.</summary>
    public bool Recompute { get; init; }

    /// <summary>Most padded tokens of a sub-batch; texts of like length are encoded together.</summary>
    [Range(64, 100_000_000)] public int SubBatchTokens { get; init; } = 8192;

    /// <summary>Queries whose scores are held at a time.</summary>
    [Range(1, 1_000_000)] public int ScoreBlock { get; init; } = 1024;

    /// <summary>Parts that are not trained: "encoder", "embeddings", "positions" (the table of positions alone; FlagEmbedding's fix_position_embedding), "layers:N" (the lowest N).</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Low-rank adapters in place of the whole encoder; null trains the encoder itself.</summary>
    public LoraOptions? Lora { get; init; }

    /// <inheritdoc/>
    [JsonIgnore] public override string Type => "contrastive";
}

/// <summary>Fine-tuning: the contrastive stage with labelled pairs and hard negatives.</summary>
public sealed record FineTuneStageOptions : ContrastiveStageOptions
{
    /// <inheritdoc/>
    [JsonIgnore] public override string Type => "finetune";
}

/// <summary>A weight for each output.</summary>
public sealed record OutputWeightOptions
{
    /// <summary>Of the dense output.</summary>
    [Range(0.0, 1e6)] public double Dense { get; init; } = 1;

    /// <summary>Of the sparse output.</summary>
    [Range(0.0, 1e6)] public double Sparse { get; init; } = 1;

    /// <summary>Of the multi-vector output.</summary>
    [Range(0.0, 1e6)] public double Multi { get; init; } = 1;
}

/// <summary>How teacher scores are used.</summary>
public sealed record DistillationOptions : ITeacherChoice
{
    /// <summary>"kl_div", "m3_kd" (negatives in the teacher's order), "m3_kd_unsorted" or "margin_mse".</summary>
    [AllowedValues("kl_div", "m3_kd", "m3_kd_unsorted", "margin_mse")] public string Loss { get; init; } = "m3_kd";

    /// <summary>Teacher scores are divided by this. FlagEmbedding: 1.</summary>
    [Range(1e-3, 1e3)] public double Temperature { get; init; } = 1;

    /// <summary>A cross-encoder's model folder that scores positives and negatives before the stage begins; it must have the run's vocabulary. Empty for none.</summary>
    [RecipePath] public string Teacher { get; init; } = "";

    /// <summary>Name of an earlier stage of type "reranker" that does so; empty for none. Without either, the files bring pos_scores and neg_scores.</summary>
    public string TeacherStage { get; init; } = "";
}

/// <summary>Low-rank adapters (LoRA, Hu et al. 2022). They are added into the model when the stage ends.</summary>
public sealed record LoraOptions
{
    /// <summary>r.</summary>
    [Range(1, 1024)] public int Rank { get; init; } = 16;

    /// <summary>α; the adapter's product counts α/r times.</summary>
    [Range(1e-3, 1e4)] public double Alpha { get; init; } = 32;

    /// <summary>Layers with an adapter, by the end of their name.</summary>
    [MinLength(1)] public IReadOnlyList<string> Layers { get; init; } = ["query", "value"];
}

/// <summary>A source of training pairs.</summary>
public sealed record PairSourceOptions
{
    /// <summary>FlagEmbedding JSONL, a SQuAD-format JSON file, graded pairs with tabs between (.gz allowed), a folder of files of the first two kinds, or "mined" for the pairs of the recipe's documents.</summary>
    [Required, RecipePath(Keyword = Mined)] public string Path { get; init; } = "";

    /// <summary>"auto", "jsonl", "squad", "sts" (two texts and a grade, for the objectives cosent and cosine; auto for .tsv and .txt) or "mined".</summary>
    [AllowedValues("auto", "jsonl", "squad", "sts", Mined)] public string Format { get; init; } = "auto";

    /// <summary>Most pairs to take, drawn by the seed; 0 for all.</summary>
    [Range(0, int.MaxValue)] public int Limit { get; init; }

    /// <summary>How often each pair is seen in one pass.</summary>
    [Range(1, 100)] public int Repeat { get; init; } = 1;

    /// <summary>Put before queries of this source in place of the stage's; an example's own prompt comes first. Null for the stage's, empty for none.</summary>
    public string? QueryInstruction { get; init; }

    /// <summary>Put before passages of this source in place of the stage's; an example's own passage_prompt comes first. Null for the stage's, empty for none.</summary>
    public string? PassageInstruction { get; init; }

    /// <summary>The path or format that stands for the pairs of the recipe's documents.</summary>
    internal const string Mined = "mined";

    /// <summary>True for sentence pairs with a grade.</summary>
    [JsonIgnore] public bool IsGraded => GradedFile.Is(Format, Path);

    /// <summary>True for the pairs of the recipe's documents.</summary>
    [JsonIgnore] public bool IsMined => Format == Mined || (Format == "auto" && Path == Mined);
}

/// <summary>Where hard negatives come from.</summary>
public sealed record HardNegativeOptions : ITeacherChoice
{
    /// <summary>First rank taken, from 0. FlagEmbedding's default range: 10-210.</summary>
    [Range(0, 100_000)] public int FromRank { get; init; } = 5;

    /// <summary>Rank after the last one taken.</summary>
    [Range(1, 100_000)] public int ToRank { get; init; } = 60;

    /// <summary>Negatives kept per query.</summary>
    [Range(1, 1000)] public int PerQuery { get; init; } = 7;

    /// <summary>A candidate whose score is above this share of the positive's score is taken for a hidden positive and dropped.</summary>
    [Range(0.0, 2.0)] public double RelativeMargin { get; init; } = 0.95;

    /// <summary>A candidate whose score is not this much below the positive's is dropped; 0 asks for nothing.</summary>
    [Range(0.0, 2.0)] public double AbsoluteMargin { get; init; }

    /// <summary>A candidate whose cosine with a positive passage is above this is its near-duplicate and dropped; 1 keeps all but the positive itself.</summary>
    [Range(0.0, 1.0)] public double DuplicateCosine { get; init; } = 0.98;

    /// <summary>Steps after which negatives are mined anew with the model as it is then (ANCE, Xiong et al. 2021); 0 for once, at the start.</summary>
    [Range(0, int.MaxValue)] public int RefreshSteps { get; init; }

    /// <summary>A cross-encoder's model folder that drops what it takes for an answer; it must have the run's vocabulary. Empty for none.</summary>
    [RecipePath] public string Teacher { get; init; } = "";

    /// <summary>Name of an earlier stage of type "reranker" that does so; empty for none.</summary>
    public string TeacherStage { get; init; } = "";

    /// <summary>Logits that a negative must lie below the best positive for the teacher; below 0 lets through what lies a little above it.</summary>
    [Range(-1e3, 1e3)] public double TeacherMargin { get; init; }
}

// One JSON file = one reproducible run. Every option has its default, range, meaning and source here and nowhere else;
// the reader, the messages about unknown keys and the documentation come from these records.

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>A whole run: data, vocabulary, model, stages, evaluation.</summary>
public sealed record Recipe
{
    /// <summary>Name of the run; shown in the report.</summary>
    [Required] public string Name { get; init; } = "run";

    /// <summary>Seed of everything random: split, vocabulary sample, weights, masks, order.</summary>
    [Range(0, int.MaxValue)] public int Seed { get; init; } = 1;

    /// <summary>Raw documents and how they are split.</summary>
    public DataOptions Data { get; init; } = new();

    /// <summary>Vocabulary: trained on the documents, or taken from a folder.</summary>
    public TokenizerOptions Tokenizer { get; init; } = new();

    /// <summary>Encoder: made from nothing, or taken from a folder.</summary>
    public ModelOptions Model { get; init; } = new();

    /// <summary>Stages in order.</summary>
    [MinLength(1)] public IReadOnlyList<StageOptions> Stages { get; init; } = [];

    /// <summary>Labelled sets to evaluate on, beside the held-out documents of each source.</summary>
    public IReadOnlyList<EvaluationSetOptions> Evaluation { get; init; } = [];

    /// <summary>A labelled set for evaluations while training (evaluateEvery), which choose the best weights and the end; it stands in no table; it may hold graded sentence pairs. Null for the held-out documents, or the first labelled set where nothing is held out.</summary>
    public EvaluationSetOptions? Development { get; init; }

    /// <summary>Searches shown in the report.</summary>
    public IReadOnlyList<string> ExampleQueries { get; init; } = [];

    /// <summary>Checkpoints of the run.</summary>
    public CheckpointOptions Checkpoints { get; init; } = new();
}

/// <summary>Raw documents and how they are split.</summary>
public sealed record DataOptions
{
    /// <summary>Sources of documents; at least one when a stage or the vocabulary needs text.</summary>
    public IReadOnlyList<DocumentSourceOptions> Documents { get; init; } = [];

    /// <summary>Share of document groups kept out of all training, for evaluation.</summary>
    [Range(0.0, 0.5)] public double HeldOut { get; init; } = 0.05;

    /// <summary>Most held-out queries per source.</summary>
    [Range(1, 1_000_000)] public int HeldOutQueries { get; init; } = 500;

    /// <summary>Longest passage of a mined pair, in characters; longer ones are cut at a sentence end.</summary>
    [Range(32, 1_000_000)] public int PassageCharacters { get; init; } = 600;

    /// <summary>Most inverse-cloze pairs of one document, evenly spaced over it; more of them help where there is little text.</summary>
    [Range(1, 10_000)] public int ClozePairsPerDocument { get; init; } = 8;
}

/// <summary>One source of documents.</summary>
public sealed record DocumentSourceOptions
{
    /// <summary>Name of the source in reports; the file or folder name when empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>File, folder or glob; relative paths are relative to the recipe's folder.</summary>
    [Required, RecipePath] public string Path { get; init; } = "";

    /// <summary>"auto" (by extension), "markdown", "html", "text", "jsonl", "csv", "tsv" or "parquet" (.gz and .zst allowed).</summary>
    [AllowedValues("auto", "markdown", "html", "text", "jsonl", "csv", "tsv", "parquet")] public string Format { get; init; } = "auto";

    /// <summary>Rows only: our field → field of the file. Ours: id, title, text, sections, language, summary, group, translatedTitle. A text value may join fields: "law+chapter".</summary>
    public IReadOnlyDictionary<string, string> Fields { get; init; } = new Dictionary<string, string>();

    /// <summary>Keep documents of these languages only ("zh" keeps zh, zh-CN, zh_CN, zh-TW ...); empty keeps all.</summary>
    public IReadOnlyList<string> Languages { get; init; } = [];

    /// <summary>Keep documents whose letters are Han to at least this share; 0 keeps all. Drops untranslated pages.</summary>
    [Range(0.0, 1.0)] public double MinHanShare { get; init; }

    /// <summary>Most documents to take, in order; 0 for all.</summary>
    [Range(0, int.MaxValue)] public int Limit { get; init; }

    /// <summary>Miners to use on this source; empty for all that apply: "title-body", "heading-section", "question-answer", "summary-body", "translated-title"; "inverse-cloze" where they find nothing.</summary>
    public IReadOnlyList<string> Miners { get; init; } = [];

    /// <summary>False keeps the source out of the held-out evaluation (it is trained on whole).</summary>
    public bool Evaluate { get; init; } = true;
}

/// <summary>Vocabulary: trained on the documents, or taken from a folder.</summary>
public sealed record TokenizerOptions
{
    /// <summary>Folder or file of a tokenizer to use; empty trains one.</summary>
    [RecipePath] public string From { get; init; } = "";

    /// <summary>"wordpiece" or "unigram".</summary>
    [AllowedValues("wordpiece", "unigram")] public string Type { get; init; } = "wordpiece";

    /// <summary>Vocabulary size to train, special tokens included.</summary>
    [Range(300, 1_000_000)] public int Size { get; init; } = 8000;

    /// <summary>WordPiece: lower-case and strip accents.</summary>
    public bool Lowercase { get; init; } = true;
}

/// <summary>Encoder: made from nothing, or taken from a folder.</summary>
public sealed record ModelOptions
{
    /// <summary>Model folder (Hugging Face layout) to start from; empty starts from nothing.</summary>
    [RecipePath] public string From { get; init; } = "";

    /// <summary>"bert" or "xlm-roberta".</summary>
    [AllowedValues("bert", "xlm-roberta")] public string Type { get; init; } = "bert";

    /// <summary>D, size of the hidden vectors and of the dense embedding.</summary>
    [Range(8, 8192)] public int HiddenSize { get; init; } = 256;

    /// <summary>Number of transformer layers.</summary>
    [Range(1, 200)] public int Layers { get; init; } = 4;

    /// <summary>Attention heads; must divide the hidden size.</summary>
    [Range(1, 256)] public int Heads { get; init; } = 4;

    /// <summary>Inner size of the feed-forward layers; 0 for four times the hidden size.</summary>
    [Range(0, 65536)] public int IntermediateSize { get; init; }

    /// <summary>Longest text in tokens.</summary>
    [Range(8, 65536)] public int MaxLength { get; init; } = 512;

    /// <summary>Dropout of hidden vectors and attention while training. BERT: 0.1; 0 for short runs on little data.</summary>
    [Range(0.0, 0.9)] public double Dropout { get; init; } = 0.1;

    /// <summary>Standard deviation of fresh weights. BERT: 0.02, made for a hidden size of 768.</summary>
    [Range(1e-4, 1.0)] public double InitializerRange { get; init; } = 0.02;

    /// <summary>How a fresh position table begins: "normal" as BERT's, drawn like other weights, or "sines": the table of Vaswani et al. 2017, learnt further; attention finds neighbours sooner.</summary>
    [AllowedValues("normal", "sines")] public string PositionStart { get; init; } = "normal";

    /// <summary>"cls" or "mean": how hidden vectors become the dense embedding. BGE: cls.</summary>
    [AllowedValues("cls", "mean")] public string Pooling { get; init; } = "cls";
}

/// <summary>A labelled set to evaluate on.</summary>
public sealed record EvaluationSetOptions
{
    /// <summary>Name in tables and report.json.</summary>
    [Required] public string Name { get; init; } = "";

    /// <summary>A BEIR-layout folder, a SQuAD-format JSON file, or graded sentence pairs (.gz allowed).</summary>
    [Required, RecipePath] public string Path { get; init; } = "";

    /// <summary>"auto", "beir", "squad" (question → paragraph) or "sts" (two texts and a grade, measured by Spearman's rho; auto for .tsv and .txt).</summary>
    [AllowedValues("auto", "beir", "squad", "sts")] public string Format { get; init; } = "auto";

    /// <summary>Most queries (sts: pairs), evenly spaced over the set; 0 for all.</summary>
    [Range(0, int.MaxValue)] public int MaxQueries { get; init; }

    /// <summary>True for sentence pairs with a grade.</summary>
    [JsonIgnore] public bool IsGraded => GradedFile.Is(Format, Path);
}

/// <summary>Checkpoints of the run.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Optimizer steps between checkpoints; the end of a stage writes its model folder instead.</summary>
    [Range(1, int.MaxValue)] public int EverySteps { get; init; } = 200;

    /// <summary>How many of the newest to keep, beside the best one and those a rollback needs.</summary>
    [Range(1, 1000)] public int Keep { get; init; } = 2;

    /// <summary>True writes them while training goes on, from a copy of weights and moments (12 bytes a weight, 4 where it is frozen).</summary>
    public bool Background { get; init; } = true;
}

// bge.json: what a model folder must say beyond Hugging Face's files, and how the model came to be.

using System.Text.Json;
using System.Text.Json.Serialization;
using BgeSharp.Formats;

namespace BgeSharp.Models;

/// <summary>Content of bge.json.</summary>
public sealed record ModelCard
{
    /// <summary>File name within a model folder.</summary>
    public const string FileName = "bge.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
    };

    /// <summary>"cls" or "mean".</summary>
    public string Pooling { get; init; } = "cls";

    /// <summary>Whether other tools scale vectors to unit length; this toolkit always does.</summary>
    public bool Normalize { get; init; } = true;

    /// <summary>Put before every query; empty for none. sentence-transformers calls it the prompt "query".</summary>
    public string QueryInstruction { get; init; } = "";

    /// <summary>Put before every passage; empty for none. sentence-transformers calls it the prompt "document".</summary>
    public string PassageInstruction { get; init; } = "";

    /// <summary>Further prompts by name, as sentence-transformers keeps them: carried along for other tools, not used here.</summary>
    public IReadOnlyDictionary<string, string> Prompts { get; init; } = new Dictionary<string, string>();

    /// <summary>The prompt that sentence-transformers puts before every text; null for none.</summary>
    public string? DefaultPrompt { get; init; }

    /// <summary>How other tools compare vectors: "cosine", "dot", "euclidean" or "manhattan".</summary>
    public string Similarity { get; init; } = "cosine";

    /// <summary>Longest query the model was trained with, in tokens; 0 when not known.</summary>
    public int QueryMaxLength { get; init; }

    /// <summary>Longest passage the model was trained with, in tokens; 0 when not known.</summary>
    public int PassageMaxLength { get; init; }

    /// <summary>Numbers of the shorter dense vectors that the last stage trained too (the first so many of the whole ones); empty for none.</summary>
    public IReadOnlyList<int> MatryoshkaDimensions { get; init; } = [];

    /// <summary>The folder that was imported; null for a model made here.</summary>
    public ModelOrigin? Origin { get; init; }

    /// <summary>How the position table was made longer; null when it was not.</summary>
    public PositionChange? Positions { get; init; }

    /// <summary>Stages the model went through, first one first.</summary>
    public IReadOnlyList<TrainedStage> History { get; init; } = [];

    /// <summary>False where a folder says nothing, so that these are guesses.</summary>
    [JsonIgnore] public bool IsSaid { get; init; }

    /// <summary>Longest text of either kind, in tokens.</summary>
    /// <param name="config">The model's own limit.</param>
    public int MaxLength(ModelConfig config)
    {
        int limit = config.MaxLength;
        int query = QueryMaxLength > 0 ? Math.Min(QueryMaxLength, limit) : limit;
        int passage = PassageMaxLength > 0 ? Math.Min(PassageMaxLength, limit) : limit;
        return Math.Max(query, passage);
    }

    /// <summary>Reads bge.json of a folder; what sentence-transformers' files say when there is none, and the defaults where they say nothing.</summary>
    public static ModelCard Load(string folder) => Load(folder, encoderAlone: false);

    /// <summary>The same of a folder that training starts from: nothing but its encoder is taken, so that a Dense module of sentence-transformers behind the pooling is no fault.</summary>
    public static ModelCard LoadStart(string folder) => Load(folder, encoderAlone: true);

    /// <summary>Modules of such a folder that training does without.</summary>
    public static IReadOnlyList<string> LeftOutOfStart(string folder) =>
        File.Exists(Path.Combine(folder, FileName)) ? [] : SentenceTransformersReader.Read(folder, encoderAlone: true).LeftOut;

    private static ModelCard Load(string folder, bool encoderAlone)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return new ModelCard().With(SentenceTransformersReader.Read(folder, encoderAlone));
        }
        try
        {
            using JsonDocument document = JsonFile.Parse(path, "model card");
            ModelCard card = document.Deserialize<ModelCard>(Json) ?? new ModelCard();
            // Earlier versions kept the prompt of documents among the others, and trained without it.
            if (card.PassageInstruction.Length == 0 && card.Prompts.TryGetValue("document", out string? before) && before is not null)
            {
                card = card with { PassageInstruction = card.History.Any(h => h?.Type is "contrastive" or "finetune") ? "" : before, Prompts = card.Prompts.Where(p => p.Key != "document").ToDictionary() };
            }
            return card.Fault() is { } fault ? throw new BadInput($"{path}: {fault}; write it anew or remove it to use the defaults.") : card with { IsSaid = card.History.Count > 0 };
        }
        catch (JsonException e)
        {
            throw new BadInput($"{path}: not a valid bge.json ({e.Message}); write it anew or remove it to use the defaults.", e);
        }
    }

    // What other tools obey has the last word over what is here.
    internal ModelCard With(SentenceTransformersReader said)
    {
        ModelCard card = this with { IsSaid = said.Pooling is not null, Pooling = said.Pooling ?? Pooling, Normalize = said.Normalize ?? Normalize, Similarity = said.Similarity ?? Similarity };
        if (said.Prompts is { } prompts)
        {
            card = card with
            {
                QueryInstruction = prompts.GetValueOrDefault("query", ""),
                PassageInstruction = prompts.GetValueOrDefault("document", ""),
                Prompts = prompts.Where(p => p.Key is not ("query" or "document")).ToDictionary(),
                DefaultPrompt = said.DefaultPrompt,
            };
        }
        return said.MaxLength is { } length && QueryMaxLength == 0 && PassageMaxLength == 0 ? card with { QueryMaxLength = length, PassageMaxLength = length } : card;
    }

    // What the types do not rule out.
    private string? Fault() =>
        Prompts.Any(p => p.Value is null) || History.Any(h => h is null) ? "\"prompts\" or \"history\" holds null"
        : Prompts.ContainsKey("query") ? "\"prompts\" has \"query\", which is \"queryInstruction\""
        : Prompts.ContainsKey("document") ? "\"prompts\" has \"document\", which is \"passageInstruction\""
        : MatryoshkaDimensions.Any(d => d < 1) ? "\"matryoshkaDimensions\" holds a number below 1"
        : DefaultPrompt is not null and not ("query" or "document") && !Prompts.ContainsKey(DefaultPrompt) ? "\"defaultPrompt\" is none of the prompts"
        : null;

    /// <summary>Writes bge.json into a folder.</summary>
    public void Save(string folder) => AtomicFile.WriteText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json) + "\n");
}

/// <summary>Where an imported model came from.</summary>
/// <param name="Layout">"huggingface", "sentence-transformers" or "flagembedding".</param>
/// <param name="Folder">Name of the folder, without its path.</param>
/// <param name="Weights">Name of the file with the weights.</param>
public sealed record ModelOrigin(string Layout, string Folder, string Weights);

/// <summary>An extension of the position table.</summary>
/// <param name="From">Longest text before, in tokens.</param>
/// <param name="To">Longest text after, in tokens.</param>
/// <param name="Method">"tile" or "interpolate".</param>
public sealed record PositionChange(int From, int To, string Method);

/// <summary>One stage of a model's history.</summary>
/// <param name="Stage">Label.</param>
/// <param name="Type">"retromae", "contrastive" or "finetune".</param>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="Recipe">SHA-256 of the resolved recipe.</param>
public sealed record TrainedStage(string Stage, string Type, int Steps, string Recipe);

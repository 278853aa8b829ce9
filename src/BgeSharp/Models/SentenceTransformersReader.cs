// What a sentence-transformers folder says beside its weights: modules.json (which parts, in which subfolders), 1_Pooling/config.json,
// sentence_bert_config.json (longest text) and config_sentence_transformers.json (prompts). Whatever would make other vectors than ours is refused by name.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Formats.Torch;
using BgeSharp.Text;

namespace BgeSharp.Models;

/// <summary>The facts of a sentence-transformers folder; null where its files do not say.</summary>
internal sealed record SentenceTransformersReader
{
    /// <summary>modules.json.</summary>
    public const string ModulesFile = "modules.json";

    /// <summary>config_sentence_transformers.json.</summary>
    public const string PromptsFile = "config_sentence_transformers.json";

    private const string Dense = "Dense";

    private static readonly string[] s_lengthFiles = ["sentence_bert_config.json", "sentence_roberta_config.json", "sentence_xlm-roberta_config.json"];

    /// <summary>True when there is a modules.json.</summary>
    public bool HasModules { get; private init; }

    /// <summary>Where config.json, weights and tokenizer are.</summary>
    public required string TransformerFolder { get; init; }

    /// <summary>"cls" or "mean".</summary>
    public string? Pooling { get; private init; }

    /// <summary>Whether vectors are scaled to unit length.</summary>
    public bool? Normalize { get; private init; }

    /// <summary>Longest text in tokens.</summary>
    public int? MaxLength { get; init; }

    /// <summary>True when texts are made lower-case before the tokenizer sees them.</summary>
    public bool LowerCases { get; private init; }

    /// <summary>Prompts by name.</summary>
    public IReadOnlyDictionary<string, string>? Prompts { get; private init; }

    /// <summary>Prompt before every text.</summary>
    public string? DefaultPrompt { get; private init; }

    /// <summary>How vectors are compared.</summary>
    public string? Similarity { get; private init; }

    /// <summary>Modules behind the pooling that were passed over.</summary>
    public IReadOnlyList<string> LeftOut { get; private init; } = [];

    /// <summary>Reads what there is; any folder will do.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="encoderAlone">True where nothing but the encoder is taken, to be trained on: a Dense module behind the pooling is passed over then.</param>
    /// <exception cref="BadInput">A part or a pooling that this toolkit does not compute, or a malformed file.</exception>
    public static SentenceTransformersReader Read(string folder, bool encoderAlone = false)
    {
        IReadOnlyList<string> leftOut = [];
        string transformer = folder, pooling = Path.Combine(folder, "1_Pooling");
        bool? normalize = null;
        string modules = Path.Combine(folder, ModulesFile);
        if (File.Exists(modules))
        {
            (string transformerPath, string poolingPath, bool normalized, leftOut) = ReadModules(modules, encoderAlone);
            (transformer, pooling, normalize) = (Path.Combine(folder, transformerPath), Path.Combine(folder, poolingPath), normalized);
        }
        JsonFields? lengths = s_lengthFiles.Select(name => Path.Combine(transformer, name)).Where(File.Exists).Select(Open).Cast<JsonFields?>().FirstOrDefault();
        JsonFields? prompts = Path.Combine(folder, PromptsFile) is var promptsFile && File.Exists(promptsFile) ? Open(promptsFile) : null;
        Dictionary<string, string>? texts = prompts is { } p ? ReadPrompts(p) : null;
        string poolingFile = Path.Combine(pooling, "config.json");
        return new SentenceTransformersReader
        {
            HasModules = normalize is not null,
            TransformerFolder = transformer,
            Normalize = normalize,
            Pooling = normalize is not null || File.Exists(poolingFile) ? ReadPooling(poolingFile, texts) : null,
            MaxLength = lengths?.Number("max_seq_length", 2, int.MaxValue),
            LowerCases = lengths?.Flag("do_lower_case") ?? false,
            Prompts = texts,
            DefaultPrompt = prompts?.Text("default_prompt_name"),
            Similarity = prompts?.Text("similarity_fn_name"),
            LeftOut = leftOut,
        };
    }

    private static JsonFields Open(string path) => ModelFiles.ReadObject(path, "sentence-transformers configuration");

    private static (string Transformer, string Pooling, bool Normalize, IReadOnlyList<string> LeftOut) ReadModules(string path, bool encoderAlone)
    {
        using JsonDocument document = JsonFile.Parse(path, "list of modules");
        if (document.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw new BadInput($"{path}: a list of modules is needed; nothing was written.");
        }
        // The list stands in a field so that errors can name its entries.
        using var wrapped = JsonDocument.Parse($$"""{"modules":{{document.RootElement.GetRawText()}}}""");
        List<(string Type, string Path)> modules = [.. new JsonFields(path, "", wrapped.RootElement).Objects("modules").Select(m => (ModuleType(path, m, encoderAlone), ModulePath(path, m)))];
        string[] kinds = [.. modules.Select(m => m.Type)], computed = [.. kinds.Where(k => k != Dense)], leftOut = [.. kinds.Where(k => k == Dense)];
        return kinds is ["Transformer", "Pooling", ..] && computed is ["Transformer", "Pooling"] or ["Transformer", "Pooling", "Normalize"]
            ? (modules[0].Path, modules[1].Path, computed.Length == 3, leftOut)
            : throw new BadInput($"{path}: the modules are {(kinds.Length == 0 ? "none" : string.Join(", ", kinds.Take(8)))}; this toolkit computes Transformer, Pooling and Normalize, in this order, and nothing else; nothing was written.");
    }

    private static string ModuleType(string path, JsonFields module, bool encoderAlone)
    {
        string type = module.Text("type") ?? throw new BadInput($"{path}: a module has no \"type\"; nothing was written.");
        string name = type[(type.LastIndexOf('.') + 1)..];
        bool known = type.StartsWith("sentence_transformers.", StringComparison.Ordinal), dense = known && name == Dense;
        return known && (name is "Transformer" or "Pooling" or "Normalize" || (dense && encoderAlone))
            ? name
            : throw new BadInput($"{path}: the module \"{TorchNames.Shorten(type)}\" is not one of Transformer, Pooling and Normalize, which this toolkit computes; without it the vectors would be others{(dense ? " (a recipe's model.from takes the encoder alone, to train on)" : "")}; nothing was written.");
    }

    private static string ModulePath(string file, JsonFields module)
    {
        string path = module.Text("path") ?? "";
        return path is not ("." or "..") && path.AsSpan().IndexOfAny("/\\:\0") < 0
            ? path
            : throw new BadInput($"{file}: the module path \"{TorchNames.Shorten(path)}\" must be the plain name of a folder beside this file; nothing was written.");
    }

    private static string ReadPooling(string path, Dictionary<string, string>? prompts)
    {
        JsonFields config = Open(path);
        List<string> on = config.Text("pooling_mode") is { } mode ? [mode] : [.. config.Element.EnumerateObject()
            .Where(p => p.Name.StartsWith("pooling_mode_", StringComparison.Ordinal) && config.Flag(p.Name) == true).Select(p => p.Name["pooling_mode_".Length..])];
        string pooling = on is [var only] ? only switch { "cls_token" or "cls" => "cls", "mean_tokens" or "mean" => "mean", _ => "" } : "";
        if (pooling.Length == 0)
        {
            throw new BadInput($"{path}: the pooling is {(on.Count == 0 ? "not set" : string.Join(" and ", on.Take(8).Select(TorchNames.Shorten)))}; \"cls\" and \"mean\" are computed here; nothing was written.");
        }
        // The first token is the same with and without the prompt's tokens; a mean is not.
        return config.Flag("include_prompt") != false || pooling == "cls" || prompts is null || prompts.Values.All(t => t.Length == 0)
            ? pooling
            : throw new BadInput($"{path}: \"include_prompt\" is false: the mean leaves out the prompt's tokens, which is not computed here; nothing was written.");
    }

    private static Dictionary<string, string> ReadPrompts(JsonFields file)
    {
        var prompts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (file.Object("prompts") is { } given)
        {
            foreach (JsonProperty prompt in given.Element.EnumerateObject())
            {
                prompts.Add(prompt.Name, given.TextOf(prompt.Name, prompt.Value));
            }
        }
        string? byDefault = file.Text("default_prompt_name");
        return byDefault is null || prompts.ContainsKey(byDefault)
            ? prompts
            : throw new BadInput($"{file.File}: \"default_prompt_name\" is \"{TorchNames.Shorten(byDefault)}\", which is none of the prompts; nothing was written.");
    }
}

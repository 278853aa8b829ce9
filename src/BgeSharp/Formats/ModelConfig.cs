// config.json of a BERT or XLM-RoBERTa encoder as Hugging Face writes it. Only what changes the numbers is kept; extra keys are
// tolerated, and what this toolkit does not compute (other architectures, activations, position schemes) is refused by name.

using System.Globalization;
using System.Text.Json;

namespace BgeSharp.Formats;

/// <summary>The two encoder families, alike but for names, position ids and vocabulary.</summary>
public enum ModelKind
{
    /// <summary><c>model_type</c> "bert": positions from 0, [PAD] 0.</summary>
    Bert,
    /// <summary><c>model_type</c> "xlm-roberta": positions from <c>pad_token_id + 1</c>, &lt;pad&gt; 1.</summary>
    XlmRoberta,
}

/// <summary>Sizes and constants of an encoder. Activation is always the exact (erf) GELU.</summary>
public sealed record ModelConfig
{
    /// <summary>Family.</summary>
    public ModelKind Kind { get; init; } = ModelKind.XlmRoberta;

    /// <summary>First of <c>architectures</c>, for example XLMRobertaModel or BertForMaskedLM.</summary>
    public string Architecture { get; init; } = "XLMRobertaModel";

    /// <summary>V, rows of the word embedding; 1 to 16,777,216.</summary>
    public int VocabularySize { get; init; } = 250002;

    /// <summary>D; a multiple of <see cref="HeadCount"/>.</summary>
    public int HiddenSize { get; init; } = 1024;

    /// <summary>Number of layers, 1 to 1,000.</summary>
    public int LayerCount { get; init; } = 24;

    /// <summary>H, attention heads.</summary>
    public int HeadCount { get; init; } = 16;

    /// <summary>F, width of the feed-forward layer.</summary>
    public int IntermediateSize { get; init; } = 4096;

    /// <summary>P, rows of the position embedding; XLM-RoBERTa uses two fewer (<see cref="MaxLength"/>).</summary>
    public int MaxPositions { get; init; } = 8194;

    /// <summary>Rows of the token type embedding.</summary>
    public int TypeVocabularySize { get; init; } = 1;

    /// <summary>ε of layer normalisation.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-5;

    /// <summary>Id of the padding token.</summary>
    public int PadTokenId { get; init; } = 1;

    /// <summary>Id that begins a text; null when the file does not say.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Id that ends a text; null when the file does not say.</summary>
    public int? EosTokenId { get; init; }

    /// <summary>Dropout behind dense layers, 0 to below 1.</summary>
    public double HiddenDropout { get; init; } = 0.1;

    /// <summary>Dropout of attention weights, 0 to below 1.</summary>
    public double AttentionDropout { get; init; } = 0.1;

    /// <summary>Standard deviation of initial weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>True starts the position table with sines instead of draws; of no use once there are weights, so it is in no file.</summary>
    public bool StartsWithSines { get; init; }

    /// <summary>Logits of a classification head, written as id2label (transformers takes 2 where nothing is said); 0 for a model without one.</summary>
    public int LabelCount { get; init; }

    /// <summary>Longest text in tokens, special tokens included: P for BERT, P − pad_token_id − 1 (P − 2 as published) for XLM-RoBERTa.</summary>
    public int MaxLength => Kind == ModelKind.Bert ? MaxPositions : MaxPositions - PadTokenId - 1;

    /// <summary>D / H, the size of one head.</summary>
    public int HeadSize => HiddenSize / HeadCount;

    /// <summary>The Hugging Face name of the family: "bert" or "xlm-roberta".</summary>
    public string ModelType => Kind == ModelKind.Bert ? "bert" : "xlm-roberta";

    /// <summary>Reads config.json.</summary>
    /// <param name="path">The model folder or the file itself.</param>
    /// <exception cref="BadInput">No such file, a field is missing or out of range, or the architecture is not supported.</exception>
    public static ModelConfig Load(string path)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, "config.json") : path;
        using JsonDocument document = JsonFile.Parse(file, "model configuration");
        return ModelConfigReader.Read(file, document.RootElement);
    }

    /// <summary>Writes config.json into a folder, with everything transformers asks for.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="weights">Type of the weights beside it: F32, F16, BF16 or F64.</param>
    public void Save(string folder, TensorType weights = TensorType.F32) => AtomicFile.Write(Path.Combine(folder, "config.json"), stream =>
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", ModelType);
        if (LabelCount > 0)
        {
            json.WriteStartObject("id2label");
            for (int label = 0; label < LabelCount; label++)
            {
                json.WriteString(label.ToString(CultureInfo.InvariantCulture), $"LABEL_{label}");
            }
            json.WriteEndObject();
            json.WriteStartObject("label2id");
            for (int label = 0; label < LabelCount; label++)
            {
                json.WriteNumber($"LABEL_{label}", label);
            }
            json.WriteEndObject();
        }
        json.WriteNumber("vocab_size", VocabularySize);
        json.WriteNumber("hidden_size", HiddenSize);
        json.WriteNumber("num_hidden_layers", LayerCount);
        json.WriteNumber("num_attention_heads", HeadCount);
        json.WriteNumber("intermediate_size", IntermediateSize);
        json.WriteString("hidden_act", "gelu");
        json.WriteNumber("hidden_dropout_prob", HiddenDropout);
        json.WriteNumber("attention_probs_dropout_prob", AttentionDropout);
        json.WriteNumber("max_position_embeddings", MaxPositions);
        json.WriteNumber("type_vocab_size", TypeVocabularySize);
        json.WriteNumber("layer_norm_eps", LayerNormEpsilon);
        json.WriteNumber("initializer_range", InitializerRange);
        json.WriteNumber("pad_token_id", PadTokenId);
        if (BosTokenId is int bos)
        {
            json.WriteNumber("bos_token_id", bos);
        }
        if (EosTokenId is int eos)
        {
            json.WriteNumber("eos_token_id", eos);
        }
        json.WriteString("position_embedding_type", "absolute");
        json.WriteBoolean("use_cache", true);
        json.WriteString("torch_dtype", weights switch { TensorType.F16 => "float16", TensorType.BF16 => "bfloat16", TensorType.F64 => "float64", _ => "float32" });
        json.WriteEndObject();
    });
}

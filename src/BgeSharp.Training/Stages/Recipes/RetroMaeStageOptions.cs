// Options of masked pre-training: the "retromae" stage.

using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using BgeSharp.Training.Objectives;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>RetroMAE pre-training (Xiao et al. 2022), and its relatives.</summary>
public sealed record RetroMaeStageOptions : StageOptions
{
    /// <summary>"retromae", "dupmae" (RetroMAE-2: also the bag of words), or "mlm" (the encoder's masked language modelling alone).</summary>
    [AllowedValues("retromae", "dupmae", "mlm")] public string Objective { get; init; } = "retromae";

    /// <summary>Most tokens in a micro-batch.</summary>
    [Range(64, 10_000_000)] public int BatchTokens { get; init; } = 4096;

    /// <summary>Longest text in tokens; longer documents are cut into several.</summary>
    [Range(16, 65536)] public int MaxLength { get; init; } = 256;

    /// <summary>Where long documents are cut: "sentence" at the last sentence end that fits, "token" after maxLength tokens wherever that is, so that texts are full.</summary>
    [AllowedValues("sentence", "token")] public string CutAt { get; init; } = "sentence";

    /// <summary>Share of tokens hidden from the encoder. RetroMAE, section 3: 0.15-0.3.</summary>
    [Range(0.05, 0.6)] public double EncoderMaskRatio { get; init; } = 0.3;

    /// <summary>Share of words hidden from each row of the decoder, of tokens with plain decoding. RetroMAE, section 4.3: best at 0.5 with enhanced decoding, 0.7 with plain.</summary>
    [Range(0.1, 0.95)] public double DecoderMaskRatio { get; init; } = 0.5;

    /// <summary>Draws that the decoder rows of a text share (the public code has 128 or 256); 0 draws each row by itself, as the paper has it.</summary>
    [Range(0, 65536)] public int DecoderMaskPool { get; init; }

    /// <summary>"enhanced" rebuilds every token from a draw of its own (section 3.3), "plain" the masked tokens of one draw by self-attention (section 3.2).</summary>
    [AllowedValues("enhanced", "plain")] public string Decoding { get; init; } = "enhanced";

    /// <summary>What enhanced decoding asks with: "embedded" is LN(h + type + position) as BGE and BGE-M3 were trained with, "position" h + position as in the RetroMAE repository.</summary>
    [AllowedValues("embedded", "position")] public string DecoderQuery { get; init; } = "embedded";

    /// <summary>Layers of the decoder. The papers have 1.</summary>
    [Range(1, 24)] public int DecoderLayers { get; init; } = 1;

    /// <summary>Weight of the bag of words in "dupmae". The paper writes 1, the public code has 0.1; 0 leaves it and its figures out.</summary>
    [Range(0.0, 100.0)] public double BagWeight { get; init; } = 0.1;

    /// <summary>What the decoder rebuilds the text from: "cls" as in the paper, or "mean". In short runs "cls" leaves a better start for either pooling.</summary>
    [AllowedValues("cls", "mean")] public string Sentence { get; init; } = "cls";

    /// <summary>What is hidden whole in Chinese text: "character", or "words" of a lexicon learned from the recipe's documents and kept in the run's folder.</summary>
    [AllowedValues("character", "words")] public string WordSegmentation { get; init; } = "character";

    /// <summary>True keeps the input of each layer only and computes the layer again in the backward pass: less memory for a third more time, and the same numbers (on a GPU other draws of dropout). For long texts.</summary>
    public bool Recompute { get; init; }

    /// <inheritdoc/>
    [JsonIgnore] public override string Type => "retromae";

    /// <summary>The model that these options describe.</summary>
    [JsonIgnore]
    public RetroMaeDesign Design => new(
        Objective switch { "mlm" => PretrainingTask.Mlm, "dupmae" => PretrainingTask.DupMae, _ => PretrainingTask.RetroMae },
        DecoderQuery == "position" ? Modeling.DecoderQuery.PositionPlusSentence : Modeling.DecoderQuery.EmbeddedSentence,
        Decoding == "plain", DecoderLayers, BagWeight, Recompute);
}

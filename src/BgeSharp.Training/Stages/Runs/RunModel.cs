// The model of a run: sizes from the recipe or a folder, weights from the seed or a folder.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Makes configuration and weights.</summary>
public static class RunModel
{
    /// <summary>Sizes of the model for a vocabulary.</summary>
    /// <exception cref="BadInput">The start model's vocabulary is smaller than the tokenizer's.</exception>
    public static ModelConfig Config(ModelOptions options, ITokenizer tokenizer)
    {
        if (options.From.Length > 0)
        {
            ModelConfig given = ModelConfig.Load(options.From);
            TextModel.CheckVocabulary(options.From, tokenizer, given);
            return given with { HiddenDropout = options.Dropout, AttentionDropout = options.Dropout };
        }
        bool bert = options.Type == "bert";
        int pad = tokenizer.Special.Pad;
        return new ModelConfig
        {
            Kind = bert ? ModelKind.Bert : ModelKind.XlmRoberta,
            Architecture = bert ? "BertModel" : "XLMRobertaModel",
            VocabularySize = tokenizer.VocabularySize,
            HiddenSize = options.HiddenSize,
            LayerCount = options.Layers,
            HeadCount = options.Heads,
            IntermediateSize = options.IntermediateSize > 0 ? options.IntermediateSize : 4 * options.HiddenSize,
            MaxPositions = bert ? options.MaxLength : options.MaxLength + pad + 1,
            TypeVocabularySize = bert ? 2 : 1,
            LayerNormEpsilon = bert ? 1e-12 : 1e-5,
            PadTokenId = pad,
            InitializerRange = options.InitializerRange,
            StartsWithSines = options.PositionStart == "sines",
            HiddenDropout = options.Dropout,
            AttentionDropout = options.Dropout,
        };
    }

    /// <summary>The weights of a stage: which there are and which are trained follows from its options and from the model before it.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="compute">Device and types.</param>
    /// <param name="seed">Seed of the start values.</param>
    /// <param name="from">Model folder to overlay; null for none.</param>
    /// <param name="tell">Told which parts that folder lacks: they start at random. Null tells nobody.</param>
    /// <returns>The weights, and the prefix of encoder names in them.</returns>
    public static (Weights Weights, string Prefix) Create(StageOptions stage, ModelConfig config, Compute compute, long seed, string? from, Action<string>? tell = null)
    {
        if (stage is RetroMaeStageOptions masked)
        {
            string prefix = Encoder.PrefixOf(config);
            return (Fill(new Weights(RetroMae.Shapes(config, masked.Design), compute), prefix, config, seed, from, tell), prefix);
        }
        if (stage is RerankerStageOptions judge)
        {
            WeightShape[] all = [.. CrossEncoder.Shapes(config), .. TrainedParts.Adapters(judge.Label, [.. Encoder.Shapes("", config)], judge.Lora)];
            Func<string, bool> frozen = TrainedParts.Frozen(judge.Freeze, judge.Lora);
            return (Fill(new Weights(all, compute, name => !RelevanceHead.Has(name) && frozen(name)) { AdapterScale = TrainedParts.AdapterScale(judge.Lora) }, "", config, seed, from, tell), "");
        }
        var options = (ContrastiveStageOptions)stage;
        IReadOnlyList<WeightShape> shapes = ContrastiveSettings.Shapes(options, config, from is null ? [] : ModelFolder.HeadShapes(from, config));
        var weights = new Weights(shapes, compute, ContrastiveSettings.Frozen(options)) { AdapterScale = TrainedParts.AdapterScale(options.Lora) };
        return (Fill(weights, "", config, seed, from, tell), "");
    }

    /// <summary>Weights made from the seed, then overlaid with those of a folder.</summary>
    /// <param name="shapes">All weights.</param>
    /// <param name="prefix">Prefix of encoder names in them.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="compute">Device and types.</param>
    /// <param name="seed">Seed of the start values.</param>
    /// <param name="from">Model folder to overlay; null for none.</param>
    public static Weights Create(IEnumerable<WeightShape> shapes, string prefix, ModelConfig config, Compute compute, long seed, string? from)
        => Fill(new Weights(shapes, compute), prefix, config, seed, from, null);

    private static Weights Fill(Weights weights, string prefix, ModelConfig config, long seed, string? from, Action<string>? tell)
    {
        try
        {
            string[] lacking = [.. Start(weights, prefix, config, seed, from).Select(PartOf).Distinct()];
            if (lacking.Length > 0)
            {
                tell?.Invoke($"{from}: has no {string.Join(" and no ", lacking)}; {(lacking.Length > 1 ? "they start" : "it starts")} at random.");
            }
            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Gives weights their start values, as a stage's creation does.</summary>
    /// <returns>Names that the folder lacks; none without a folder. Adapters are always new and not among them.</returns>
    public static IReadOnlyList<string> Start(Weights weights, string prefix, ModelConfig config, long seed, string? from)
    {
        weights.Initialize(config.InitializerRange, seed);
        return from is null ? [] : [.. ModelFolder.ReadWeights(from, weights, prefix, config).Where(name => !LinearLayer.IsAdapter(name))];
    }

    private static string PartOf(string name) => name.Split('.')[0] switch
    {
        "cls" or "lm_head" => "head that names tokens",
        "c_head" => "decoder",
        M3Heads.Sparse => "sparse head",
        M3Heads.MultiVector => "multi-vector head",
        "classifier" => "head of a cross-encoder",
        var other => other,
    };
}

// A contrastive stage's options → the objects that act on them.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Reads options.</summary>
public static class ContrastiveSettings
{
    /// <summary>The outputs that are trained.</summary>
    /// <exception cref="BadInput">A name is not known.</exception>
    public static EmbeddingModes Outputs(ContrastiveStageOptions options)
    {
        EmbeddingModes modes = EmbeddingModes.None;
        foreach (string name in options.Outputs)
        {
            modes |= name switch
            {
                "dense" => EmbeddingModes.Dense,
                "sparse" => EmbeddingModes.Sparse,
                "multi" => EmbeddingModes.MultiVector,
                _ => throw new BadInput($"stage \"{options.Label}\": the output \"{name}\" is not known; known are \"dense\", \"sparse\" and \"multi\"."),
            };
        }
        return modes;
    }

    /// <summary>Every weight of the stage: the encoder, the heads of the model before and those that are trained, adapters.</summary>
    /// <param name="options">The stage.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="before">Heads of the model that the stage starts from.</param>
    public static IReadOnlyList<WeightShape> Shapes(ContrastiveStageOptions options, ModelConfig config, IReadOnlyList<WeightShape> before)
    {
        List<WeightShape> shapes = [.. Encoder.Shapes("", config), .. before];
        HashSet<string> there = [.. before.Select(s => s.Name)];
        if (options.VectorSize > 0 && before.FirstOrDefault(s => s.Name.StartsWith(M3Heads.MultiVector, StringComparison.Ordinal)) is { Shape: [var size, ..] } && size != options.VectorSize)
        {
            throw new BadInput($"stage \"{options.Label}\": vectorSize is {options.VectorSize}, but the model that it starts from has a head of {size} numbers; leave vectorSize out.");
        }
        shapes.AddRange(M3Heads.Shapes(config, Outputs(options), options.VectorSize).Where(s => !there.Contains(s.Name)));
        shapes.AddRange(TrainedParts.Adapters(options.Label, shapes, options.Lora));
        return shapes;
    }

    /// <summary>Which weights are not trained: what "freeze" names, the encoder beside adapters, and heads of outputs that are not trained.</summary>
    public static Func<string, bool> Frozen(ContrastiveStageOptions options)
    {
        EmbeddingModes outputs = Outputs(options);
        Func<string, bool> encoder = TrainedParts.Frozen(options.Freeze, options.Lora);
        return name => M3Heads.Has(name) ? !outputs.HasFlag(name.StartsWith(M3Heads.Sparse, StringComparison.Ordinal) ? EmbeddingModes.Sparse : EmbeddingModes.MultiVector) : encoder(name);
    }

    /// <summary>The loss.</summary>
    public static ContrastiveObjective Objective(ContrastiveStageOptions options, M3Encoder encoder) => new()
    {
        Contrast = new InfoNce(options.Temperature, options.InBatchNegatives),
        Outputs = Outputs(options),
        Unified = new M3Unified(Weights(options.EnsembleWeights), Weights(options.LossWeights)),
        TokenGroups = options.TokenGroups,
        Teacher = options.Distillation?.Loss switch
        {
            null => TeacherUse.None,
            "kl_div" => TeacherUse.KlDivergence,
            "margin_mse" => TeacherUse.MarginMse,
            _ => TeacherUse.Ordered,
        },
        TeacherTemperature = options.Distillation?.Temperature ?? 1,
        BothDirections = options.BothDirections,
        QueryQuery = options.QueryQuery,
        PassagePassage = options.PassagePassage,
        MatryoshkaDimensions = options.MatryoshkaDimensions,
        FalseNegativeMargin = options.FalseNegativeMargin <= -1 ? null : options.FalseNegativeMargin,
        WithoutWeight = encoder.Heads?.WithoutWeight ?? new HashSet<int>(),
        Products = encoder.Encoder.Weights.Compute.Type,
    };

    /// <summary>How passages are drawn.</summary>
    public static GroupDraw Draw(ContrastiveStageOptions options)
        => new(options.GroupSize, options.Distillation is not null || options.Objective != "contrastive", options.Distillation?.Loss == "m3_kd")
        {
            OwnGroup = !options.InBatchNegatives,
            TeacherIsOptional = options.Distillation?.IsNamed() == false,
            MarksUnknown = options.Distillation?.Loss == "margin_mse",
            TeacherTemperature = options.Distillation?.Temperature ?? 1,
            ShuffleRatio = options.ShuffleRatio,
        };

    /// <summary>The order of batches.</summary>
    /// <exception cref="BadInput">Sources are to be mixed that ask for different batches.</exception>
    public static PairOrder Order(ContrastiveStageOptions options, PairStore store, long seed)
    {
        MixedSources.Require(options, store);
        // Pairs that are mixed are of one source to the order.
        return new PairOrder(seed, [.. store.Rows.Select(r => options.MixSources ? 0 : r.Source)], options.BatchPairs)
        {
            Mixing = options.SourceMixing,
            Budget = options.BatchTokens,
            Tokens = options.BatchTokens == 0 ? null : Tokens(options, store),
        };
    }

    // Negatives that will be mined anew can be any passage and count as the longest: no batch outgrows its budget later, and the order does not hang on what was mined.
    private static int[] Tokens(ContrastiveStageOptions options, PairStore store)
    {
        bool anew = options.HardNegatives is { RefreshSteps: > 0 };
        int longest = anew ? Enumerable.Range(0, store.Passages.Count).Max(store.Passages.LengthOf) : 0;
        return [.. store.Rows.Select((row, i) =>
        {
            int group = ContrastiveBatch.GroupOf(store.Sources[row.Source], options.GroupSize, options.GroupSize);      // symmetric_class takes its first example's, at most this
            return store.Queries.LengthOf(i) + (anew ? row.Positives.Max(store.Passages.LengthOf) + ((group - 1) * longest) : group * row.Positives.Concat(row.Negatives).Max(store.Passages.LengthOf));
        })];
    }

    private static OutputWeights Weights(OutputWeightOptions options) => new(options.Dense, options.Sparse, options.Multi);
}

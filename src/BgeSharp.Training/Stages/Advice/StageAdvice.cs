// Which stages are worth running on some data, how large and how long. Every threshold stands here with its reason; docs/data.md repeats them in words.

using System.Globalization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Advice;

/// <summary>A stage and why it is run or not.</summary>
/// <param name="Stage">"vocabulary", "model", "retromae", "contrastive", "finetune".</param>
/// <param name="Run">Whether it is worth it.</param>
/// <param name="Why">A sentence with the figures that decided.</param>
/// <param name="Hours">Estimate of its time; 0 when not run.</param>
public sealed record StageVerdict(string Stage, bool Run, string Why, double Hours);

/// <summary>Gives advice.</summary>
public static class StageAdvice
{
    /// <summary>RetroMAE has to see so many tokens a weight of the layers before its loss has left the first plateau. Measured at both ends (docs/log.md, "what takes pre-training past its plateau"):
    /// 3 M tokens, 8 a weight, made 2 layers of 128 far better; 1 M, 0.4 a weight, made 3 layers of 256 worse than none.</summary>
    public const int LeastTokensPerWeight = 8;

    /// <summary>Weights of a model's layers.</summary>
    public static long LayerWeights(ModelOptions model) => 12L * model.HiddenSize * model.HiddenSize * model.Layers;

    /// <summary>Text passed over more often than this teaches little more: four passes are nearly as good as new text (Muennighoff et al. 2023, "Scaling Data-Constrained Language Models").</summary>
    public const int MostPasses = 4;

    /// <summary>With fewer pairs a batch of 64 is seen again after 15 steps: nothing is learned but these pairs.</summary>
    public const long LeastPairs = 1000;

    /// <summary>Fewer judgements are better used to measure with than to train on.</summary>
    public const long LeastLabelledPairs = 300;

    /// <summary>The model for so many tokens: about twenty tokens a weight that is not an embedding is what a run can use (Hoffmann et al. 2022); less data, smaller model.</summary>
    public static ModelOptions Model(long tokens)
    {
        (int hidden, int layers) = tokens < 20_000_000 ? (256, 2) : tokens < 200_000_000 ? (384, 4) : tokens < 1_000_000_000 ? (512, 6) : (768, 12);
        return new ModelOptions { HiddenSize = hidden, Layers = layers, Heads = hidden / 64, MaxLength = 512, Dropout = tokens < 200_000_000 ? 0 : 0.1, Pooling = "mean" };
    }

    /// <summary>The verdicts and the recipe that follows from them.</summary>
    /// <param name="survey">The data.</param>
    /// <param name="speed">The machine with <see cref="Model"/>.</param>
    /// <param name="hours">Time that may be spent.</param>
    /// <param name="sources">The documents.</param>
    /// <param name="labelled">Files of judged pairs.</param>
    /// <param name="name">Name of the recipe.</param>
    public static (IReadOnlyList<StageVerdict> Verdicts, Recipe Recipe) Of(DataSurvey survey, MeasuredSpeed speed, double hours, IReadOnlyList<DocumentSourceOptions> sources, IReadOnlyList<string> labelled, string name)
    {
        ModelOptions model = Model(survey.Tokens);
        var verdicts = new List<StageVerdict>
        {
            new("model", true, Text($"{model.Layers} layers of {model.HiddenSize}: the size for about {survey.Tokens / 1e6:0.0} M tokens; a public checkpoint in model.from is the better start when its licence and languages suit."), 0),
        };
        var stages = new List<StageOptions>();
        int batch = survey.Pairs < 20_000 ? 64 : survey.Pairs < 500_000 ? 128 : 256;
        int query = Length(survey.QueryCharacters, survey, 16, 64), passage = Length(survey.PassageCharacters, survey, 64, 256);
        bool fine = survey.LabelledPairs >= LeastLabelledPairs, contrast = survey.Pairs >= LeastPairs;
        double contrastHours = hours * (fine ? 0.75 : 0.95);

        long room = (long)(speed.RetroMae * hours * 3600 / 2), sees = Math.Min(survey.Tokens * MostPasses, room);
        double least = LeastTokensPerWeight * LayerWeights(model);
        bool retro = sees >= least;
        if (retro)
        {
            int steps = (int)Math.Min(int.MaxValue, sees / 4096);
            contrastHours /= 2;
            stages.Add(new RetroMaeStageOptions { Steps = steps, BatchTokens = 4096, MaxLength = 256, LearningRate = model.HiddenSize <= 256 ? 1e-3 : 3e-4 });
            model = model with { Pooling = "cls", PositionStart = "sines" };        // the vector that the stage trains, and a start that leaves the plateau sooner
        }
        verdicts.Add(new StageVerdict("retromae", retro, retro
            ? Text($"it would see {sees / 1e6:0} M tokens in half the time; {least / 1e6:0.0} M ({LeastTokensPerWeight} a weight of the layers) is where it begins to pay.")
            : room < survey.Tokens * MostPasses
                ? Text($"half of {hours:0.#} h shows it {sees / 1e6:0.0} M tokens on this machine and {least / 1e6:0.0} M are needed; a short stage is worse than none.")
                : Text($"{MostPasses} passes over the text are {sees / 1e6:0.0} M tokens and {least / 1e6:0.0} M are needed; a short stage is worse than none."),
            retro ? sees / speed.RetroMae / 3600 : 0));

        if (contrast)
        {
            double perStep = batch * (query + passage) * 0.75 / speed.Contrastive;
            int steps = (int)Math.Clamp(Math.Min(survey.Pairs * 5.0 / batch, contrastHours * 3600 / perStep), 50, 200_000);
            stages.Add(new ContrastiveStageOptions { Steps = steps, BatchPairs = batch, QueryMaxLength = query, PassageMaxLength = passage, LearningRate = model.Layers > 6 ? 2e-4 : 7e-4 });
            verdicts.Add(new StageVerdict("contrastive", true, Text($"{survey.Pairs} mined pairs, {survey.StructuralPairs} of them by structure; {steps} steps of {batch} are {steps * (double)batch / survey.Pairs:0.0} passes."), steps * perStep / 3600));
        }
        else
        {
            verdicts.Add(new StageVerdict("contrastive", false, Text($"{survey.Pairs} mined pairs; {LeastPairs} are the least worth training on. Mine with more miners in a recipe of your own (data.documents[].miners: inverse-cloze, random-crop), add documents, or start from a public checkpoint."), 0));
        }
        if (fine)
        {
            double perStep = 48 * (query + (2 * passage)) * 0.75 / speed.Contrastive;
            int steps = (int)Math.Clamp(Math.Min(survey.LabelledPairs * 3.0 / 48, hours * 0.2 * 3600 / perStep), 20, 50_000);
            stages.Add(new FineTuneStageOptions
            {
                Steps = steps,
                BatchPairs = 48,
                GroupSize = 2,
                QueryMaxLength = query,
                PassageMaxLength = passage,
                LearningRate = 3e-4,
                Pairs = [.. labelled.Select(p => new PairSourceOptions { Path = p }), .. contrast ? new[] { new PairSourceOptions { Path = PairSourceOptions.Mined, Limit = (int)Math.Min(int.MaxValue, survey.LabelledPairs * 2) } } : []],
                HardNegatives = new HardNegativeOptions(),
            });
            verdicts.Add(new StageVerdict("finetune", true, Text($"{survey.LabelledPairs} labelled pairs, with twice as many mined ones so that nothing is forgotten."), steps * perStep / 3600));
        }
        else
        {
            verdicts.Add(new StageVerdict("finetune", false, Text($"{survey.LabelledPairs} labelled pairs; {LeastLabelledPairs} are the least worth training on, fewer are an evaluation set."), 0));
        }
        return (verdicts, new Recipe
        {
            Name = name,
            Data = new DataOptions { Documents = sources, HeldOut = survey.Documents < 1000 ? 0.1 : 0.05, PassageCharacters = Math.Clamp(survey.PassageCharacters * 2, 120, 1200) },
            Tokenizer = new TokenizerOptions { Size = Vocabulary(survey) },
            Model = model,
            Stages = stages,
        });
    }

    /// <summary>Pieces of a vocabulary: as many as the text can show often enough to learn, about one a thousand characters.</summary>
    public static int Vocabulary(DataSurvey survey) => survey.Characters switch { < 4_000_000 => 8000, < 40_000_000 => 16_000, < 400_000_000 => 32_000, _ => 64_000 };

    // Twice the middle length in tokens, as a multiple of 8: cuts few texts, pads little.
    private static int Length(int characters, DataSurvey survey, int least, int most) => (int)Math.Clamp(Math.Ceiling(characters * survey.TokensPerCharacter * 2 / 8) * 8, least, most);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

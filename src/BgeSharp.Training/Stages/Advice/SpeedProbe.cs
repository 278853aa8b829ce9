// Measures how fast this machine trains a model on this text: a few steps of each stage, of which the last ones count.

using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Stages.Advice;

/// <summary>Runs a few steps.</summary>
public static class SpeedProbe
{
    private const int Steps = 8, WarmUp = 3, Documents = 300;

    /// <summary>Speed and tokens per character.</summary>
    /// <param name="sources">Documents; the first of each are taken.</param>
    /// <param name="model">Model to measure.</param>
    /// <param name="folder">Folder for the run, which may be deleted afterwards.</param>
    /// <param name="compute">Device and precision.</param>
    /// <param name="retroMae">False measures the contrastive stage only.</param>
    public static (MeasuredSpeed Speed, double TokensPerCharacter) Measure(IReadOnlyList<DocumentSourceOptions> sources, ModelOptions model, string folder, Compute compute, bool retroMae)
    {
        var pace = new Pace();
        List<StageOptions> stages = retroMae ? [new RetroMaeStageOptions { Steps = Steps, BatchTokens = 4096, MaxLength = 256, LogEvery = 1 }] : [];
        stages.Add(new ContrastiveStageOptions { Steps = Steps, BatchPairs = 64, QueryMaxLength = 40, PassageMaxLength = 128, LogEvery = 1 });
        var recipe = new Recipe
        {
            Name = "probe",
            Data = new DataOptions { Documents = [.. sources.Select(s => s with { Limit = s.Limit > 0 ? Math.Min(s.Limit, Documents) : Documents, Evaluate = false })], HeldOut = 0, PassageCharacters = 300 },
            Tokenizer = new TokenizerOptions { Size = 8000 },
            Model = model,
            Stages = stages,
        };
        RecipeFile.Check(recipe);
        var run = new RecipeRun(recipe, new RunOptions(folder, compute, pace, TimeProvider.System, Resume: false));
        run.Run(CancellationToken.None);
        ITokenizer tokenizer = TokenizerFile.Load(run.Folder.Tokenizer);
        (long tokens, long characters) = (0, 0);
        foreach (Document document in recipe.Data.Documents.SelectMany(s => DocumentReader.Read(s.Path, s.Format, s.Fields).Take(100)))
        {
            string text = document.Body[..Math.Min(2000, document.Body.Length)];
            (tokens, characters) = (tokens + tokenizer.EncodeWithSpecial(text, int.MaxValue).Length, characters + text.Length);
        }
        return (new MeasuredSpeed(retroMae ? pace.Of("retromae") : 0, pace.Of("contrastive")), (double)tokens / Math.Max(1, characters));
    }

    private sealed class Pace : IRunObserver
    {
        private readonly Dictionary<string, List<double>> _rates = [];

        // The median leaves out a step that something else disturbed.
        public double Of(string stage) => _rates.TryGetValue(stage, out List<double>? rates) && rates.Count > 0 ? rates.Order().ElementAt(rates.Count / 2) : 0;

        public void Progress(StepReport report)
        {
            if (report.Step > WarmUp)
            {
                (_rates.TryGetValue(report.Stage, out List<double>? rates) ? rates : _rates[report.Stage] = []).Add(report.TokensPerSecond);
            }
        }

        public void StageStarted(string stage, int totalSteps)
        {
        }

        public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
        {
        }

        public void Message(string sentence)
        {
        }
    }
}

// Measures how fast this machine trains a model on this text: a few steps of each stage, of which the last ones count.
// A run is strict and hashes what it reads. Here that is a copy of the first documents alone: wrong lines are the survey's to count, and terabytes need not be read to time eight steps.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Filters;
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
    /// <param name="sources">Documents; the first of each are taken, wrong lines and files passed over.</param>
    /// <param name="model">Model to measure.</param>
    /// <param name="folder">Folder for the run, which may be deleted afterwards, and so may the file of documents beside it.</param>
    /// <param name="compute">Device and precision.</param>
    /// <param name="pairs">What the contrastive stage is timed on: empty for the documents' own pairs, null leaves it out and its speed is 0.</param>
    /// <param name="cancellation">Ends it between two steps.</param>
    /// <exception cref="BadInput">The first documents have no text, or too few pairs for a step.</exception>
    public static (MeasuredSpeed Speed, double TokensPerCharacter) Measure(IReadOnlyList<DocumentSourceOptions> sources, ModelOptions model, string folder, Compute compute, IReadOnlyList<PairSourceOptions>? pairs, CancellationToken cancellation = default)
    {
        string sample = folder + "-documents.jsonl";
        WriteSample(sample, sources.SelectMany(First));
        var pace = new Pace();
        List<StageOptions> stages = [new RetroMaeStageOptions { Steps = Steps, BatchTokens = 4096, MaxLength = 256, LogEvery = 1 }];
        if (pairs is not null)
        {
            stages.Add(new ContrastiveStageOptions { Steps = Steps, BatchPairs = 64, QueryMaxLength = 40, PassageMaxLength = 128, LogEvery = 1, Pairs = pairs });
        }
        var recipe = new Recipe
        {
            Name = "probe",
            Data = new DataOptions { Documents = [new DocumentSourceOptions { Name = "first", Path = sample, Format = "jsonl", Evaluate = false }], HeldOut = 0, PassageCharacters = 300 },
            Tokenizer = new TokenizerOptions { Size = 8000 },
            Model = model,
            Stages = stages,
        };
        RecipeFile.Check(recipe);
        var run = new RecipeRun(recipe, new RunOptions(folder, compute, pace, TimeProvider.System, Resume: false));
        if (run.Run(cancellation) is null)
        {
            throw new OperationCanceledException(cancellation);
        }
        ITokenizer tokenizer = TokenizerFile.Load(run.Folder.Tokenizer);
        (long tokens, long characters) = (0, 0);
        foreach (Document document in DocumentReader.Read(sample, "jsonl"))
        {
            string text = document.Body[..Math.Min(2000, document.Body.Length)];
            (tokens, characters) = (tokens + tokenizer.EncodeWithSpecial(text, int.MaxValue).Length, characters + text.Length);
        }
        return (new MeasuredSpeed(pace.Of("retromae"), pace.Of("contrastive")), (double)tokens / Math.Max(1, characters));
    }

    private static IEnumerable<Document> First(DocumentSourceOptions source)
    {
        var filter = new DocumentFilter { Languages = source.Languages, MinHanShare = source.MinHanShare, Limit = source.Limit > 0 ? Math.Min(source.Limit, Documents) : Documents };
        return filter.Apply(new DocumentUnits(source.Path, source.Format, source.Fields, skipBad: true).From(default).SelectMany(unit => unit.Parse().Documents));
    }

    private static void WriteSample(string path, IEnumerable<Document> documents) => JsonLinesWriter.Write(path, documents, (json, document) =>
    {
        foreach ((string name, string? value) in (ReadOnlySpan<(string, string?)>)[("id", document.Id), ("language", document.Language), ("title", document.Title), ("group", document.Group),
            ("summary", document.Summary), ("translated_title", document.TranslatedTitle)])
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
        json.WriteStartArray("sections");
        foreach (Section section in document.Sections)
        {
            json.WriteStartArray();
            json.WriteNumberValue(section.Level);
            json.WriteStringValue(section.Heading);
            json.WriteStringValue(section.Text);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    });

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

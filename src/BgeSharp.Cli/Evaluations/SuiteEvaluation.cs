// A suite measured on all stages of a run, or on one model.

using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats.Collections;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Runs suites.</summary>
internal static class SuiteEvaluation
{
    /// <param name="terminal">Progress.</param>
    /// <param name="suite">Sets.</param>
    /// <param name="search">Depths and weights; the suite's depth is taken where it is smaller.</param>
    /// <param name="run">Folder of a run, or null.</param>
    /// <param name="model">Model folder where there is no run.</param>
    /// <param name="start">Starts libtorch.</param>
    /// <param name="index">Folder for embeddings, or null.</param>
    /// <param name="runs">Folder for TREC runs, or null.</param>
    /// <param name="cancellation">Asks for an end between two sets.</param>
    public static EvaluationReport Run(Terminal terminal, EvaluationSuite suite, SearchOptions search, string? run, string? model, Func<Compute> start, string? index, string? runs, CancellationToken cancellation)
    {
        Recipe? recipe = run is null ? null : RunStages.RecipeOf(run);
        SearchOptions depth = search with { TopK = Math.Min(suite.TopK, search.TopK) };
        var sets = new List<SetEvaluation>();
        if (recipe is not null && suite.HeldOut)
        {
            foreach (RetrievalSet set in new RecipeDocuments(recipe).HeldOutSets())
            {
                sets.Add(Make(new EvaluationSet { Path = "" }, new TestCollection(set)));
            }
        }
        sets.AddRange(suite.Sets.Select(s => Make(s, null)));
        Compute compute = start();
        string scratch = Directory.CreateTempSubdirectory("bge-untrained-").FullName;
        try
        {
            IReadOnlyList<(string Label, string Folder)> models = recipe is null
                ? [(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model!))), model!)]
                : RunStages.Of(run!, recipe, scratch, compute);
            return EvaluationRun.Measure(terminal, recipe is null ? suite.Name : $"{recipe.Name} · {suite.Name}", sets,
                models.Select(m => new MeasuredModel(m.Label, m.Folder, compute) { QueryMaxLength = suite.QueryMaxLength, PassageMaxLength = suite.PassageMaxLength }), cancellation);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }

        SetEvaluation Make(EvaluationSet set, TestCollection? collection) => new(set, collection)
        {
            Modes = [.. (set.Modes.Count > 0 ? set.Modes : suite.Modes).Select(RetrievalMode.Parse)],
            Search = depth,
            IndexFolder = index,
            RunsFolder = runs,
        };
    }
}

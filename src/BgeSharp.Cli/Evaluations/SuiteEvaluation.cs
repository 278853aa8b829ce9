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
    /// <param name="reranker">Folder of a cross-encoder for modes with "+rerank"; null for the run's own, if it trained one.</param>
    /// <param name="start">Starts libtorch.</param>
    /// <param name="multiCls">A [CLS] every so many tokens; 0 for the models' own encoders.</param>
    /// <param name="dimensions">Numbers of a dense vector, each measured by itself; 0 for all.</param>
    /// <param name="index">Folder for embeddings, or null.</param>
    /// <param name="runs">Folder for TREC runs, or null.</param>
    /// <param name="cancellation">Asks for an end.</param>
    public static EvaluationReport Run(Terminal terminal, EvaluationSuite suite, SearchOptions search, string? run, string? model, string? reranker, Func<Compute> start,
        int multiCls, IReadOnlyList<int> dimensions, string? index, string? runs, CancellationToken cancellation)
    {
        Recipe? recipe = run is null ? null : RunStages.RecipeOf(run);
        IReadOnlyList<string> judges = recipe is null ? [] : RunStages.RerankersOf(run!, recipe);
        bool judged = suite.Modes.Concat(suite.Sets.SelectMany(s => s.Modes)).Any(m => RetrievalMode.Parse(m).Reranks);
        if (judged && reranker is null && judges.Count != 1)
        {
            string why = recipe is null ? ", which a cross-encoder judges" : judges.Count == 0 ? ", and the run trained no cross-encoder" : ", and the run trained more than one cross-encoder";
            throw new BadInput($"the suite \"{suite.Name}\" has modes with \"+rerank\"{why}; name one by --reranker.");
        }
        Compute compute = start();
        using TorchReranker? judge = judged ? TorchReranker.Load(reranker ?? judges[0], compute) : null;
        using WorkProgress progress = terminal.Watch(cancellation);
        SearchOptions depth = search with { TopK = Math.Min(suite.TopK, search.TopK), Reranker = progress.Watch(judge) };
        var sets = new List<SetEvaluation>();
        if (recipe is not null && suite.HeldOut)
        {
            foreach (RetrievalSet set in new RecipeDocuments(recipe).HeldOutSets())
            {
                sets.Add(Make(new EvaluationSet { Path = "" }, new TestCollection(set)));
            }
        }
        sets.AddRange(suite.Sets.Select(s => Make(s, null)));
        if (sets.Count == 0)
        {
            throw new BadInput($"the suite \"{suite.Name}\" names no set, and the run {run} holds no documents out that could be measured instead; add a set with a \"path\".");
        }
        string scratch = Directory.CreateTempSubdirectory("bge-untrained-").FullName;
        try
        {
            IReadOnlyList<(string Label, string Folder)> models = recipe is null
                ? [(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model!))), model!)]
                : RunStages.Of(run!, recipe, scratch, compute);
            return EvaluationRun.Measure(progress, recipe is null ? suite.Name : $"{recipe.Name} · {suite.Name}", sets,
                models.Select(m => new MeasuredModel(m.Label, m.Folder, compute)
                {
                    QueryMaxLength = suite.QueryMaxLength,
                    PassageMaxLength = suite.PassageMaxLength,
                    MultiCls = multiCls,
                    Dimensions = dimensions,
                }), cancellation);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }

        SetEvaluation Make(EvaluationSet set, TestCollection? collection) => new(set, collection)
        {
            Modes = [.. (set.Modes.Count > 0 ? set.Modes : suite.Modes).Select(RetrievalMode.Parse)],
            Search = depth,
            OnlyWhatModelsCan = true,
            IndexFolder = index,
            RunsFolder = runs,
        };
    }
}

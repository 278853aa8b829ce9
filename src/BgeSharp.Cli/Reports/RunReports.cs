// The report of a finished run, from what the run left in its folder.

using System.Globalization;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Reports;

/// <summary>Makes reports of runs.</summary>
internal static class RunReports
{
    private const int HitsShown = 3;
    private const int SnippetCharacters = 140;

    /// <param name="recipe">What was run.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="state">Results and time.</param>
    /// <param name="compute">Device and precision of the example searches.</param>
    public static RunReport Make(Recipe recipe, RunFolder folder, RunState state, Compute compute)
    {
        string corpus = Path.Combine(folder.Root, "corpus.jsonl");
        return new RunReport
        {
            Name = recipe.Name,
            Results = state.Results,
            Curves = LossCurves.From(MetricsLog.Read(folder.Metrics)),
            Searches = Searches(recipe, folder, compute, corpus),
            Seconds = state.Seconds,
            PeakMemoryBytes = state.PeakMemoryBytes,
            RecipeJson = RecipeFile.ToJson(recipe),
            Machine = string.Create(CultureInfo.InvariantCulture, $"{Machine.Line}, {compute.Type.ToString().ToLowerInvariant()}, allocator {Allocator.InForce}"),
            Finished = TimeProvider.System.GetUtcNow(),
            Next = Next(recipe, folder, corpus),
        };
    }

    private static NextCommand[] Next(Recipe recipe, RunFolder folder, string corpus)
    {
        static string Bge(params ReadOnlySpan<string> words) => "./" + ShellWords.Join(["bge", .. words]);
        if (TorchReranker.IsReranker(folder.Model))
        {
            return [new NextCommand(Bge("score", "--model", folder.Model, "--pairs", "pairs.jsonl", "--out", "scored.jsonl"), "score")];
        }
        string question = recipe.ExampleQueries.Count > 0 ? recipe.ExampleQueries[0] : "your question";
        return
        [
            new NextCommand(Bge("search", "--model", folder.Model, "--corpus", File.Exists(corpus) ? corpus : "passages.jsonl", question), "search"),
            new NextCommand(Bge("embed", "--model", folder.Model, "--input", "texts.jsonl", "--out", "vectors.npy"), "embed"),
        ];
    }

    // Searches the held-out passages of all sources with the final model; the passages stay in the folder for the reader's own searches.
    private static List<ExampleSearch> Searches(Recipe recipe, RunFolder folder, Compute compute, string corpusFile)
    {
        List<Passage> corpus = [.. RecipeDocuments.Together("heldout", [.. new RecipeDocuments(recipe).HeldOutSets()]).Corpus];
        if (corpus.Count == 0)
        {
            return [];
        }
        Formats.JsonLinesWriter.Write(corpusFile, corpus, (json, passage) =>
        {
            json.WriteString("_id", passage.Id);
            json.WriteString("title", passage.Title);
            json.WriteString("text", passage.Text);
        });
        if (recipe.ExampleQueries.Count == 0 || TorchReranker.IsReranker(folder.Model))
        {
            return [];
        }
        using var model = new MeasuredModel("", folder.Model, compute);
        using var search = new CorpusSearch(model, corpus, RetrievalMode.Parse("dense"), new SearchOptions());
        return [.. recipe.ExampleQueries.Select(query => new ExampleSearch(query, recipe.Stages[^1].Label, [.. search.Search(query, HitsShown).Select(hit => Hit(hit, corpus))]))];
    }

    private static ReportHit Hit(SearchHit hit, List<Passage> corpus)
    {
        Passage passage = corpus[hit.Row];
        string text = passage.Text.ReplaceLineEndings(" ");
        return new ReportHit(hit.Score, passage.Id, text.Length > SnippetCharacters ? text[..SnippetCharacters] + "…" : text);
    }
}

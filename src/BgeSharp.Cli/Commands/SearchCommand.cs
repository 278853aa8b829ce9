// bge search: a corpus and a model, questions at the prompt. The corpus is encoded when the command starts and held in memory, unless --index keeps it.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Formats;
using BgeSharp.Formats.Collections;
using BgeSharp.Models;
using BgeSharp.Retrieval;
using BgeSharp.Training.Modeling;
using Spectre.Console;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge search".</summary>
internal static class SearchCommand
{
    private const int SnippetCharacters = 120;

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var model = new Option<string>("--model") { Description = "Model folder.", HelpName = "DIR", Required = true };
        var corpus = new Option<string>("--corpus") { Description = "JSONL with \"_id\", \"title\" and \"text\", .gz allowed.", HelpName = "FILE", Required = true };
        var top = new Option<int>("--top") { Description = "Hits to show.", DefaultValueFactory = _ => 5, HelpName = "N" };
        var mode = new Option<string>("--mode") { Description = $"Way to search: {string.Join(", ", RetrievalMode.Known)}. rrf fuses dense, BM25 and (if there) sparse by rank.", DefaultValueFactory = _ => "rrf", HelpName = "MODE" };
        var reranker = new Option<string>("--reranker") { Description = "Folder of a cross-encoder that orders the best hits anew.", HelpName = "DIR" };
        var depth = new Option<int>("--rerank-depth") { Description = "Hits that the cross-encoder judges; at least those that are shown.", DefaultValueFactory = _ => 50, HelpName = "N" };
        var index = new Option<string>("--index") { Description = "Folder that keeps the corpus's embeddings: the next search starts at once.", HelpName = "DIR" };
        var query = new Argument<string?>("QUERY") { Description = "Question; without it, questions are read from the prompt.", Arity = ArgumentArity.ZeroOrOne };
        var dimensions = new DimensionsOption();
        var machine = new MachineOptions();
        var command = new Command("search", "Search a corpus.") { query, model, corpus, top, mode, reranker, depth, index };
        dimensions.AddTo(command);
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            RetrievalMode chosen = RetrievalMode.Parse(line.GetValue(mode)!);
            string? judging = line.GetValue(reranker);
            (int shown, int judged) = (line.GetValue(top), line.GetValue(depth));
            if (shown < 1 || judged < 1)
            {
                throw new BadInput($"--top {shown} and --rerank-depth {judged}: both must be at least 1.");
            }
            if (chosen.Reranks && judging is null)
            {
                throw new BadInput($"--mode {chosen.Name} needs --reranker.");
            }
            if (line.GetResult(depth) is { Implicit: false })
            {
                if (judging is null)
                {
                    throw new BadInput("--rerank-depth does nothing without --reranker; name a cross-encoder by it, or leave the depth out.");
                }
                if (judged < shown)
                {
                    throw new BadInput($"--rerank-depth {judged}: --top asks for {shown} hits, and one that was not judged has no score to stand beside those that were; raise the depth, or lower --top.");
                }
            }
            if (chosen.Needs == EmbeddingModes.None && line.GetValue(index) is not null)
            {
                throw new BadInput($"--index keeps embeddings, and --mode {chosen.Name} makes none; leave it out.");
            }
            judged = Math.Max(judged, shown);
            // Vectors of a length have a place of their own beside the whole ones, so that neither replaces the other.
            string? kept = line.GetValue(index) is { } place && dimensions.Of(line) is > 0 and int numbers ? Path.Combine(place, string.Create(CultureInfo.InvariantCulture, $"{numbers}-numbers")) : line.GetValue(index);
            AtomicFile.RequireFolder(kept);
            List<Passage> passages = BeirFolder.ReadCorpus(line.GetValue(corpus)!);
            if (passages.Count == 0)
            {
                throw new BadInput($"{line.GetValue(corpus)}: the corpus is empty; lines like {{\"_id\": \"1\", \"title\": \"...\", \"text\": \"...\"}} are needed.");
            }
            if (dimensions.Of(line) > 0)
            {
                if (!chosen.Needs.HasFlag(EmbeddingModes.Dense))
                {
                    throw new BadInput($"--dimensions is about dense vectors, and --mode {chosen.Name} looks at none; leave it out.");
                }
                dimensions.Tell(line, ModelCard.Load(line.GetValue(model)!), ModelConfig.Load(line.GetValue(model)!).HiddenSize, terminal);
            }
            Compute compute = machine.Start(line);
            using TorchReranker? judge = judging is null ? null : TorchReranker.Load(judging, compute);
            using var loaded = new MeasuredModel("", line.GetValue(model)!, compute) { Dimensions = [dimensions.Of(line)] };
            using WorkProgress progress = terminal.Watch(cancellation);
            loaded.Progress = (done, all) => progress.Reach(done, all, "texts encoded");
            terminal.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"preparing {passages.Count} passages"));
            using var search = new CorpusSearch(loaded, passages, judge is null ? chosen : RetrievalMode.Parse(chosen.Search + "+rerank"), new SearchOptions { Reranker = progress.Watch(judge), RerankDepth = judged }, kept);
            if (line.GetValue(query) is string question)
            {
                Answer(question);
                return Task.FromResult(ExitCode.Done);
            }
            while (!cancellation.IsCancellationRequested)
            {
                if (terminal.Interactive)
                {
                    terminal.Output.Write("> ");
                }
                if (Typed(cancellation) is not string typed)
                {
                    break;
                }
                if (typed.Trim().Length > 0)
                {
                    Answer(typed);
                }
            }
            return Task.FromResult(ExitCode.Done);

            void Answer(string asked)
            {
                SearchHit[] hits = search.Search(asked, shown);
                progress.Clear();
                Show(terminal, passages, hits);
            }
        });
        return command;
    }

    // Null at the end of the input, and when an end is asked for: waiting for a line cannot be called off, so the thread that waits is left behind.
    private static string? Typed(CancellationToken cancellation)
    {
        Task<string?> line = Task.Run(() => System.Console.In.ReadLine(), CancellationToken.None);
        try
        {
            Task.WaitAny([line], cancellation);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        return line.GetAwaiter().GetResult();
    }

    private static void Show(Terminal terminal, List<Passage> passages, SearchHit[] hits)
    {
        foreach (SearchHit hit in hits)
        {
            Passage passage = passages[hit.Row];
            string text = passage.Text.ReplaceLineEndings(" ");
            string snippet = text.Length > SnippetCharacters ? text[..SnippetCharacters] + "…" : text;
            string score = hit.Score.ToString("0.000", CultureInfo.InvariantCulture);
            terminal.Console.MarkupLine($"[bold]{score}[/]  [blue]{Markup.Escape(passage.Id)}[/]  {Markup.Escape(passage.Title)}");
            terminal.Console.MarkupLine($"       [dim]{Markup.Escape(snippet)}[/]");
        }
    }
}

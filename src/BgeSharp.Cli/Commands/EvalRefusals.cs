// An option of "bge eval" that would do nothing beside what else was given is refused: a figure must not seem to depend on what nobody read.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Modes;

namespace BgeSharp.Cli.Commands;

/// <summary>Refuses options that do not apply, each with a remedy.</summary>
internal static class EvalRefusals
{
    private static readonly string[] OfRankings = ["--run", "--qrels", "--complete", "--relevant-from", "--per-query", "--metrics", "--out", "--device", "--precision", "--threads"];

    // What each set of a suite says itself, and the name it has there.
    private static readonly (string Option, string Field)[] OfSets =
    [
        ("--modes", "modes"), ("--task", "task"), ("--format", "format"), ("--split", "split"), ("--paragraphs", "paragraphs"), ("--other", "other"), ("--corpus", "corpus"), ("--language", "language"),
        ("--title-separator", "titleSeparator"), ("--ignore-identical-ids", "ignoreIdenticalIds"), ("--max-queries", "maxQueries"), ("--split-tokens", "splitTokens"),
    ];

    /// <summary>Throws when an option was given that does nothing for a ranking that is there already.</summary>
    public static void RequireRanking(ParseResult line)
    {
        HashSet<string> given = Given(line);
        Refuse(given, "does nothing with --run, which scores a ranking that is there already; leave it out (--out FILE keeps the figures).", given.Except(OfRankings).ToArray());
        RequireOut(given);
    }

    /// <summary>Throws when an option was given that does nothing for a suite.</summary>
    public static void RequireSuite(ParseResult line, EvaluationSuite suite)
    {
        HashSet<string> given = Given(line);
        foreach ((string option, string field) in OfSets)
        {
            Refuse(given, $"does nothing with --suite; write it into the sets, as \"{field}\".", option);
        }
        Refuse(given, "does nothing with --suite; --report FOLDER writes evaluation.json, with the main figure of every query.", "--out", "--per-query");
        Refuse(given, "does nothing with --suite; measure that set alone, by --model and --data.", "--metrics", "--query-instruction", "--passage-instruction", "--sweep");
        RequireModel(given);
        RequireModes(given, [.. suite.Modes.Concat(suite.Sets.SelectMany(s => s.Modes)).Select(RetrievalMode.Parse)]);
        if (given.Contains("--top-k") && line.GetValue<int>("--top-k") > suite.TopK)
        {
            throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--top-k {line.GetValue<int>("--top-k")}: the rankings of the suite \"{suite.Name}\" are {suite.TopK} deep; write another \"topK\" into it."));
        }
    }

    /// <summary>Throws when an option was given that does nothing for one set, or one is missing that its modes need.</summary>
    /// <param name="line">What was typed.</param>
    /// <param name="set">What it names.</param>
    /// <param name="modes">Ways to search.</param>
    public static void RequireSet(ParseResult line, EvaluationSet set, RetrievalMode[] modes)
    {
        HashSet<string> given = Given(line);
        RequireModel(given);
        RequireOut(given);
        if (set.Task == "retrieval")
        {
            RequireCollection(given, set);
        }
        else
        {
            RequireTask(given, set.Task, modes);
        }
        if (set.Task != "bitext")
        {
            Refuse(given, "is for --task bitext; leave it out.", "--other");
        }
        RequireModes(given, modes);
        if (modes.All(m => m.Search == "bm25"))
        {
            Refuse(given, "does nothing with --modes bm25, which asks no model; leave it out.", "--split-tokens", "--mcls", "--dimensions", "--query-instruction", "--passage-instruction", "--index");
        }
        if (set.Task == "retrieval" && !modes.Any(m => m.Needs.HasFlag(EmbeddingModes.Dense)))
        {
            Refuse(given, $"is about dense vectors, and the modes are {string.Join(", ", modes.Select(m => m.Name))}; add dense or leave it out.", "--dimensions");
        }
        if (given.Contains("--sweep"))
        {
            Refuse(given, "does nothing beside --sweep, which chooses the weights; give one of them.", "--weights");
        }
        if (modes.FirstOrDefault(m => m.Reranks) is { } judging && !given.Contains("--reranker"))
        {
            throw new BadInput($"--modes {judging.Name} needs a re-ranker; name its model folder by --reranker.");
        }
    }

    private static void RequireCollection(HashSet<string> given, EvaluationSet set)
    {
        bool answers = set.Format == "mkqa", file = IsOneFile(set);
        if (set.Format is not ("auto" or "squad") || (set.Format == "auto" && Directory.Exists(set.Path)))
        {
            Refuse(given, "is for SQuAD files; leave it out.", "--paragraphs");
        }
        if (file)
        {
            Refuse(given, $"does nothing here: {set.Path} is one file without splits; name the file of that part by --data.", "--split");
        }
        if (file && !answers)
        {
            Refuse(given, "does nothing with SQuAD files, whose passages have no titles; leave it out.", "--title-separator");
        }
        if (answers)
        {
            Refuse(given, "does nothing with --format mkqa, which has answers instead of judgements; leave it out.", "--metrics", "--ignore-identical-ids");
        }
        else
        {
            Refuse(given, "is for --format mkqa; leave it out.", "--corpus");
        }
    }

    private static void RequireTask(HashSet<string> given, string task, RetrievalMode[] modes)
    {
        Refuse(given, $"does nothing with --task {task}: it is for searching a collection; leave it out.", "--format", "--split", "--paragraphs", "--corpus", "--title-separator",
            "--ignore-identical-ids", "--split-tokens", "--top-k", "--candidates", "--weights", "--sweep", "--metrics", "--index", "--save-runs");
        if (task is not ("sts" or "pairs"))
        {
            Refuse(given, $"does nothing with --task {task}: it is for retrieval, sts and pairs; leave it out.", "--max-queries");
        }
        if (task != "reranking")
        {
            Refuse(given, $"does nothing with --task {task}, which compares texts of one kind; leave it out.", "--query-instruction", "--passage-instruction");
        }
        else if (modes.All(m => m.Reranks))
        {
            Refuse(given, "does nothing where only the cross-encoder is asked; leave it out.", "--query-instruction", "--passage-instruction", "--mcls", "--dimensions");
        }
    }

    private static void RequireModes(HashSet<string> given, RetrievalMode[] modes)
    {
        string instead = $"the modes are {string.Join(", ", modes.Select(m => m.Name).Distinct())}; add one or leave it out.";
        if (!modes.Any(m => m.Search == "hybrid"))
        {
            Refuse(given, $"is for the mode hybrid, and {instead}", "--weights", "--sweep");
        }
        if (!modes.Any(m => m.Search is "hybrid" or "multi" or "rrf"))
        {
            Refuse(given, $"is for the modes multi, hybrid and rrf, and {instead}", "--candidates");
        }
        if (!modes.Any(m => m.Search is "hybrid" or "bm25" or "rrf"))
        {
            Refuse(given, $"is for the modes bm25, hybrid and rrf, and {instead}", "--bm25-k1", "--bm25-b");
        }
        if (!modes.Any(m => m.Reranks))
        {
            Refuse(given, $"is for modes with \"+rerank\", and {instead}", "--reranker");
        }
    }

    private static void RequireModel(HashSet<string> given) => Refuse(given, "is for --run, the score of a ranking that is there already; leave it out.", "--qrels", "--complete", "--relevant-from");

    private static void RequireOut(HashSet<string> given)
    {
        if (!given.Contains("--out"))
        {
            Refuse(given, "writes into the file of --out; name one.", "--per-query");
        }
    }

    /// <summary>SQuAD and MKQA. A path that is not there is no file, so that its own sentence is heard.</summary>
    public static bool IsOneFile(EvaluationSet set) => set.Format is "squad" or "mkqa" || (set.Format == "auto" && File.Exists(set.Path));

    /// <summary>The options that were typed.</summary>
    public static HashSet<string> Given(ParseResult line) => [.. line.CommandResult.Command.Options.Where(o => line.GetResult(o) is { Implicit: false }).Select(o => o.Name)];

    private static void Refuse(HashSet<string> given, string why, params ReadOnlySpan<string> options)
    {
        foreach (string option in options)
        {
            if (given.Contains(option))
            {
                throw new BadInput($"{option} {why}");
            }
        }
    }
}

// The options of "bge eval" that say what is measured and how; the command decides what to do with them.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Retrieval;

namespace BgeSharp.Cli.Commands;

/// <summary>Options of a measurement.</summary>
internal sealed class EvalOptions
{
    private readonly Option<string> _modes = new("--modes") { Description = $"Ways to search: {string.Join(", ", RetrievalMode.Known)}; each with \"+rerank\" behind it lets a cross-encoder order the best.", DefaultValueFactory = _ => "dense,bm25", HelpName = "MODES" };
    private readonly Option<string> _task = new("--task") { Description = "What the data is: " + string.Join(", ", EvaluationSet.Tasks) + ".", DefaultValueFactory = _ => "retrieval", HelpName = "TASK" };
    private readonly Option<string> _format = new("--format") { Description = "Layout of a retrieval collection: " + string.Join(", ", CollectionReader.Formats) + ".", DefaultValueFactory = _ => "auto", HelpName = "LAYOUT" };
    private readonly Option<string> _split = new("--split") { Description = "Part of the collection: test, dev, ...", DefaultValueFactory = _ => "test", HelpName = "NAME" };
    private readonly Option<string[]> _paragraphs = new("--paragraphs") { Description = "SQuAD: parallel files whose paragraphs are searched instead (questions in one language, paragraphs in another).", HelpName = "FILES", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _other = new("--other") { Description = "Bitext in two files: the other language.", DefaultValueFactory = _ => "", HelpName = "FILE" };
    private readonly Option<string> _corpus = new("--corpus") { Description = "MKQA: the corpus.", DefaultValueFactory = _ => "", HelpName = "FILE" };
    private readonly Option<string> _language = new("--language") { Description = "Language of the questions (MKQA), and for reports.", DefaultValueFactory = _ => "", HelpName = "CODE" };
    private readonly Option<string> _separator = new("--title-separator") { Description = "Put between title and text of a passage; \\n is a line break.", DefaultValueFactory = _ => " ", HelpName = "TEXT" };
    private readonly Option<bool> _identical = new("--ignore-identical-ids") { Description = "Leave out a passage with the id of its query (BEIR's sets whose queries are passages; not for MIRACL)." };
    private readonly Option<int> _maxQueries = new("--max-queries") { Description = "At most so many queries or pairs, evenly spaced; 0 for all.", DefaultValueFactory = _ => 0, HelpName = "N" };
    private readonly Option<int> _splitTokens = new("--split-tokens") { Description = "Split documents into passages of so many tokens; a document counts by its best passage. 0 for whole documents.", DefaultValueFactory = _ => 0, HelpName = "N" };
    private readonly Option<int> _topK = new("--top-k") { Description = "Depth of the rankings.", DefaultValueFactory = _ => 1000, HelpName = "N" };
    private readonly Option<int> _candidates = new("--candidates") { Description = "Best passages that multi-vectors and the hybrid look at.", DefaultValueFactory = _ => 200, HelpName = "N" };
    private readonly Option<string[]> _weights = new("--weights") { Description = "Weights of the hybrid: dense=1 sparse=0.3 multi=1, or dense=1 bm25=0.5 for a model without heads.", HelpName = "PART=W", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _sweep = new("--sweep") { Description = "Choose the weights of the hybrid on this data (same layout; \"dev\" names a split of --data). Must not share questions with it.", HelpName = "DATA" };
    private readonly Option<double> _k1 = new("--bm25-k1") { Description = "BM25's k1.", DefaultValueFactory = _ => 0.9, HelpName = "X" };
    private readonly Option<double> _b = new("--bm25-b") { Description = "BM25's b.", DefaultValueFactory = _ => 0.4, HelpName = "X" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_modes, _task, _format, _split, _paragraphs, _other, _corpus, _language, _separator, _identical, _maxQueries, _splitTokens, _topK, _candidates, _weights, _sweep, _k1, _b])
        {
            command.Options.Add(option);
        }
        _task.AcceptOnlyFromAmong([.. EvaluationSet.Tasks]);
        _format.AcceptOnlyFromAmong([.. CollectionReader.Formats]);
    }

    /// <summary>The set that --data names.</summary>
    public EvaluationSet Set(ParseResult line, string path) => new()
    {
        Task = line.GetValue(_task)!,
        Path = path,
        Other = line.GetValue(_other)!,
        Format = line.GetValue(_format)!,
        Split = line.GetValue(_split)!,
        Paragraphs = line.GetValue(_paragraphs) ?? [],
        Corpus = line.GetValue(_corpus)!,
        Language = line.GetValue(_language)!,
        TitleSeparator = line.GetValue(_separator)!.Replace("\\n", "\n", StringComparison.Ordinal),
        IgnoreIdenticalIds = line.GetValue(_identical),
        MaxQueries = line.GetValue(_maxQueries),
        SplitTokens = line.GetValue(_splitTokens),
    };

    /// <summary>Depths, weights and BM25's constants.</summary>
    /// <exception cref="BadInput">A number is out of range or a weight is no number.</exception>
    public SearchOptions Search(ParseResult line)
    {
        var defaults = new SearchOptions();
        foreach (Option<int> count in (ReadOnlySpan<Option<int>>)[_maxQueries, _splitTokens])
        {
            if (line.GetValue(count) < 0)
            {
                throw new BadInput($"{count.Name} {line.GetValue(count)}: 0 or more is needed.");
            }
        }
        int topK = line.GetValue(_topK), candidates = line.GetValue(_candidates);
        if (topK < 1 || candidates < 1)
        {
            throw new BadInput($"--top-k {topK} and --candidates {candidates}: both must be at least 1.");
        }
        (double k1, double b) = (line.GetValue(_k1), line.GetValue(_b));
        if (k1 is not >= 0 || b is not (>= 0 and <= 1))
        {
            throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--bm25-k1 {k1} --bm25-b {b}: k1 must be at least 0 and b between 0 and 1."));
        }
        return defaults with { TopK = topK, Candidates = candidates, Weights = Weights(line) ?? defaults.Weights, Bm25 = new Bm25Options(k1, b) };
    }

    /// <summary>Ways to search, each once; for tasks that search nothing those of the usual ones that they have.</summary>
    /// <exception cref="BadInput">There is no such way, or the task has it not.</exception>
    public RetrievalMode[] Modes(ParseResult line)
    {
        string task = line.GetValue(_task)!;
        RetrievalMode[] asked = [.. line.GetValue(_modes)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(RetrievalMode.Parse).DistinctBy(m => m.Name)];
        if (asked.Length == 0)
        {
            throw new BadInput($"--modes is empty; name one of {string.Join(", ", RetrievalMode.Known)} at least.");
        }
        if (task == "retrieval")
        {
            return asked;
        }
        string[] known = task switch { "bitext" => ["dense", "bm25"], "reranking" => ["dense", "dense+rerank"], _ => ["dense"] };
        if (EvalRefusals.Given(line).Contains("--modes") && asked.FirstOrDefault(m => !known.Contains(m.Name)) is { } other)
        {
            throw new BadInput($"--modes {other.Name} does nothing with --task {task}, which has {string.Join(" and ", known)}; leave it out.");
        }
        return [.. asked.Where(m => known.Contains(m.Name))];
    }

    /// <summary>Whether the weights of the hybrid were named.</summary>
    public bool WeightsNamed(ParseResult line) => line.GetResult(_weights) is { Implicit: false };

    /// <summary>The development set that --sweep names, read as the test set is, with all its questions; null when it was not given.</summary>
    /// <param name="line">What was typed.</param>
    /// <param name="set">The test set.</param>
    /// <exception cref="BadInput">It names neither a file or folder nor a split.</exception>
    public EvaluationSet? Dev(ParseResult line, EvaluationSet set)
    {
        if (line.GetValue(_sweep) is not { } sweep)
        {
            return null;
        }
        bool elsewhere = File.Exists(sweep) || Directory.Exists(sweep);
        if (!elsewhere && EvalRefusals.IsOneFile(set))
        {
            throw new BadInput($"--sweep {sweep}: no such file, and {set.Path} is one file without splits; name a file of the same layout with other questions.");
        }
        return set with { Name = $"--sweep {sweep}", Path = elsewhere ? sweep : set.Path, Split = elsewhere ? set.Split : sweep, MaxQueries = 0 };
    }

    private Dictionary<string, double>? Weights(ParseResult line)
    {
        string[] given = line.GetValue(_weights) ?? [];
        if (given.Length == 0)
        {
            return null;
        }
        var weights = new Dictionary<string, double>();
        foreach (string assignment in given.SelectMany(g => g.Split(',', StringSplitOptions.RemoveEmptyEntries)))
        {
            string[] parts = assignment.Split('=');
            if (parts.Length != 2 || parts[0] is not ("dense" or "sparse" or "multi" or "bm25") || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double weight) || !double.IsFinite(weight))
            {
                throw new BadInput($"--weights {assignment}: dense, sparse, multi or bm25, \"=\" and a number are needed.");
            }
            weights[parts[0]] = weight;
        }
        return weights;
    }
}

// bge eval: figures of a model on a labelled set, of all stages of a run on a suite of sets, or of a TREC run that any tool wrote (no model is needed then).

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Evaluations;
using BgeSharp.Cli.Reports.Evaluation;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;
using BgeSharp.Training.Modeling;
using Spectre.Console;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge eval".</summary>
internal static class EvalCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var run = new Option<string>("--run") { Description = "TREC run: query Q0 document rank score tag. No model is needed.", HelpName = "RUN" };
        var qrels = new Option<string>("--qrels") { Description = "With --run: TREC qrels or BEIR's tsv.", HelpName = "QRELS" };
        var suite = new Option<string>("--suite") { Description = "Suite of sets (JSON), with --model or --stages; recipes/eval-zh.json is one.", HelpName = "FILE" };
        var stages = new Option<string>("--stages") { Description = "Folder of a finished run: all its stages are measured on --suite.", HelpName = "RUN" };
        var model = new Option<string>("--model") { Description = "Model folder to measure on --data or --suite.", HelpName = "DIR" };
        var data = new Option<string>("--data") { Description = "With --model: a file or folder (see --task and --format). With --suite: the folder its paths are relative to.", HelpName = "DATA" };
        var perQuery = new Option<bool>("--per-query") { Description = "Write the values of each query into --out too." };
        var complete = new Option<bool>("--complete") { Description = "With --run: count judged queries that have no ranking with 0 (trec_eval -c)." };
        var relevant = new Option<int>("--relevant-from") { Description = "With --run: lowest relevant grade of the binary measures (trec_eval -l).", DefaultValueFactory = _ => 1, HelpName = "GRADE" };
        var metrics = new Option<string[]>("--metrics") { Description = "ndcg@K, recall@K, recall_cap@K, precision@K, mrr@K, map, rprec, success@K, ...; the usual ones when left out.", HelpName = "NAMES", AllowMultipleArgumentsPerToken = true };
        var instruction = new Option<string>("--query-instruction") { Description = "Put before queries; the model's own when left out.", HelpName = "TEXT" };
        var before = new Option<string>("--passage-instruction") { Description = "Put before passages; the model's own when left out.", HelpName = "TEXT" };
        var reranker = new Option<string>("--reranker") { Description = "Cross-encoder folder that modes with \"+rerank\" ask.", HelpName = "DIR" };
        var multiCls = new Option<int>("--mcls") { Description = "A [CLS] every so many tokens, their mean as the dense vector (long texts, models with CLS pooling; the paper takes 256); 0 for none.", DefaultValueFactory = _ => 0, HelpName = "N" };
        var dimensions = new Option<int[]>("--dimensions") { Description = "Numbers of a dense vector: the first so many, scaled anew (Matryoshka). Several are measured one after another, a row each; all when left out.", HelpName = "N", AllowMultipleArgumentsPerToken = true };
        var index = new Option<string>("--index") { Description = "Keep the embeddings of the corpus under this folder and reuse them.", HelpName = "DIR" };
        var runs = new Option<string>("--save-runs") { Description = "Write the rankings as TREC runs into this folder.", HelpName = "DIR" };
        var output = new Option<string>("--out") { Description = "report.json to write: {mode: {measure: value}}; the terminal only when left out.", HelpName = "FILE" };
        var report = new Option<string>("--report") { Description = "Folder for evaluation.json and evaluation.html.", HelpName = "DIR" };
        var options = new EvalOptions();
        var machine = new MachineOptions();
        var command = new Command("eval", "Measure a model on a labelled set, the stages of a run on a suite, or a ranking against judgements.")
        {
            model, data, suite, stages, run, qrels, perQuery, complete, relevant, metrics, instruction, before, reranker, multiCls, dimensions, index, runs, output, report,
        };
        options.AddTo(command);
        machine.AddTo(command);
        command.Validators.Add(result =>
        {
            bool ranking = result.GetValue(run) is not null, loaded = result.GetValue(model) is not null, whole = result.GetValue(stages) is not null, many = result.GetValue(suite) is not null;
            bool plain = ranking && !loaded && !whole && !many && result.GetValue(qrels) is not null;
            bool one = loaded && !ranking && !whole && (many || result.GetValue(data) is not null);
            if (!plain && !one && !(whole && many && !ranking && !loaded))
            {
                result.AddError("Either --model with --data or --suite, or --stages with --suite, or --run with --qrels, is needed.");
            }
        });
        command.SetAction((line, cancellation) =>
        {
            RetrievalMetric[] wanted = [.. (line.GetValue(metrics) ?? []).SelectMany(m => m.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(RetrievalMetric.Parse)];
            RetrievalMetric[]? chosen = wanted.Length > 0 ? wanted : null;
            AtomicFile.RequirePlace(line.GetValue(output));
            AtomicFile.RequireFolder(line.GetValue(report));
            AtomicFile.RequireFolder(line.GetValue(runs));
            AtomicFile.RequireFolder(line.GetValue(index));
            if (line.GetValue(run) is { } ranking)
            {
                EvalRefusals.RequireRanking(line);
                int lowest = line.GetValue(relevant) is >= 1 and var grade ? grade : throw new BadInput($"--relevant-from {line.GetValue(relevant)}: a grade of 1 or more is needed.");
                var notes = new List<string>();
                RetrievalReport figures = RunFileEvaluation.Run(ranking, line.GetValue(qrels)!, chosen, line.GetValue(complete), lowest, note: notes.Add);
                var scored = new Dictionary<string, RetrievalReport> { ["run"] = figures };
                Print(terminal, scored);
                SaveContract(line.GetValue(output), scored, line.GetValue(perQuery));
                notes.ForEach(terminal.Error.WriteLine);
                return Task.FromResult(ExitCode.Done);
            }
            SearchOptions search = options.Search(line);
            int[] lengths = Lengths(line.GetValue(dimensions));
            Compute Start() => machine.Start(line);
            if (line.GetValue(suite) is { } file)
            {
                var sets = EvaluationSuite.Load(file, line.GetValue(data));
                EvalRefusals.RequireSuite(line, sets);
                if (sets.Sets.Count == 0 && line.GetValue(stages) is null)
                {
                    throw new BadInput($"{file}: \"sets\" is empty, and only a run (--stages) has held-out documents to measure instead; add a set with a \"path\".");
                }
                string place = line.GetValue(report) ?? Path.Combine(line.GetValue(stages) ?? ".", "evaluation");
                AtomicFile.RequireFolder(place);
                EvaluationReport stagewise = SuiteEvaluation.Run(terminal, sets, search, line.GetValue(stages), line.GetValue(model),
                    line.GetValue(reranker), Start, line.GetValue(multiCls), lengths, line.GetValue(index), line.GetValue(runs), cancellation);
                EvaluationConsole.Print(terminal.Console, stagewise);
                EvaluationRun.Write(terminal, place, stagewise);
                return Task.FromResult(ExitCode.Done);
            }
            EvaluationSet asked = options.Set(line, line.GetValue(data)!);
            RetrievalMode[] ways = options.Modes(line);
            EvalRefusals.RequireSet(line, asked, ways);
            EvaluationSet? dev = options.Dev(line, asked);
            Compute compute = Start();
            using TorchReranker? judge = line.GetValue(reranker) is { } judging ? TorchReranker.Load(judging, compute) : null;
            using WorkProgress progress = terminal.Watch(cancellation);
            var reports = new Dictionary<string, RetrievalReport>();
            var set = new SetEvaluation(asked)
            {
                Modes = ways,
                Search = search with { Reranker = progress.Watch(judge) },
                Metrics = chosen,
                IndexFolder = line.GetValue(index),
                RunsFolder = line.GetValue(runs),
                Dev = dev,
                WeightsNamed = options.WeightsNamed(line),
                Scored = (mode, figures) => reports[mode] = figures,
            };
            string folder = line.GetValue(model)!, label = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
            var measured = new MeasuredModel(label, folder, compute)
            {
                QueryInstruction = line.GetValue(instruction),
                PassageInstruction = line.GetValue(before),
                MultiCls = line.GetValue(multiCls),
                Dimensions = lengths,
            };
            EvaluationReport result = Measure(progress, set, measured, cancellation);
            // Shown first: what cost hours must not be lost to a place that cannot be written.
            EvaluationConsole.Print(terminal.Console, result);
            SaveContract(line.GetValue(output), reports.OrderBy(r => Array.FindIndex(ways, w => w.Name == r.Key.Split(" (")[0])).ToDictionary(), line.GetValue(perQuery));
            if (line.GetValue(report) is { } pages)
            {
                EvaluationRun.Write(terminal, pages, result);
            }
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    private static EvaluationReport Measure(WorkProgress progress, SetEvaluation set, MeasuredModel model, CancellationToken cancellation)
    {
        try
        {
            model.RequireDimensions();
            set.Check(model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
        return EvaluationRun.Measure(progress, model.Label, [set], [model], cancellation);
    }

    // Whole vectors when nothing is asked for.
    private static int[] Lengths(int[]? asked)
    {
        if (asked is not { Length: > 0 })
        {
            return [0];
        }
        int least = asked.Min();
        return least >= 1 ? [.. asked.Distinct()] : throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"--dimensions {least}: a number of 1 or more is needed."));
    }

    private static void SaveContract(string? file, Dictionary<string, RetrievalReport> reports, bool perQuery)
    {
        if (file is not null)
        {
            RetrievalReport.Save(file, reports, perQuery);
        }
    }

    private static void Print(Terminal terminal, Dictionary<string, RetrievalReport> reports)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("measure");
        foreach (string mode in reports.Keys)
        {
            table.AddColumn(new TableColumn(mode).RightAligned());
        }
        RetrievalReport first = reports.Values.First();
        foreach (string name in first.Metrics.Keys)
        {
            table.AddRow([name, .. reports.Values.Select(r => r.Metrics[name].ToString("0.0000", CultureInfo.InvariantCulture))]);
        }
        table.Caption(string.Create(CultureInfo.InvariantCulture, $"{first.QueryCount} queries"));
        terminal.Console.Write(table);
    }
}

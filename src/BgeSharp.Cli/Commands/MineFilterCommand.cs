// bge mine filter: drops pairs by wording, by whether a model finds them again, by a teacher's score. Says what each filter dropped, with examples.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge mine filter".</summary>
internal static class MineFilterCommand
{
    /// <summary>The word that stands for a model made here.</summary>
    private const string Bootstrap = "bootstrap";

    // An option that nobody reads must not seem to count.
    private static void RefuseIdle(ParseResult line)
    {
        HashSet<string> typed = EvalRefusals.Given(line);
        if (typed.Contains("--teacher") && !typed.Contains("--min-score"))
        {
            throw new BadInput("--teacher scores pairs for --min-score, and there is none; name the least score, or leave the teacher out.");
        }
        if (!typed.Contains("--consistency") && typed.FirstOrDefault(o => o is "--top-k" or "--sample" or "--bootstrap-steps") is { } idle)
        {
            throw new BadInput($"{idle} is about --consistency, which is not asked for; name a model by it (or \"bootstrap\"), or leave {idle} out.");
        }
        if (typed.Contains("--bootstrap-steps") && line.GetValue<string>("--consistency") != Bootstrap)
        {
            throw new BadInput("--bootstrap-steps is about --consistency bootstrap, which makes a model; leave it out.");
        }
    }

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var input = new Option<string>("--input") { Description = "Pairs, FlagEmbedding JSONL; .gz too.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "Pairs that stay; a card is written beside them.", HelpName = "FILE", Required = true };
        var low = new Option<double>("--lexical-low") { Description = "Drop pairs whose passage has less than this share of the query's character bigrams.", HelpName = "SHARE" };
        var high = new Option<double>("--lexical-high") { Description = "Drop pairs more alike than this as wholes.", HelpName = "SHARE", DefaultValueFactory = _ => 1 };
        var consistency = new Option<string>("--consistency") { Description = "Model folder: keep a pair when the model finds its passage among the first of a sample. \"bootstrap\" makes a first model of these pairs.", HelpName = "MODEL" };
        var top = new Option<int>("--top-k") { Description = "Among how many first.", HelpName = "K", DefaultValueFactory = _ => 2 };
        var sample = new Option<int>("--sample") { Description = "Passages in the sample.", HelpName = "N", DefaultValueFactory = _ => 10_000 };
        var steps = new Option<int>("--bootstrap-steps") { Description = "Steps that the first model is trained.", HelpName = "N", DefaultValueFactory = _ => 400 };
        var score = new Option<double?>("--min-score") { Description = "Drop pairs that score less: by --teacher, else by the file's \"pos_scores\".", HelpName = "SCORE" };
        var teacher = new Option<string>("--teacher") { Description = "Embedding model's folder: pairs are scored by its cosine. A cross-encoder's scores come by \"bge score\".", HelpName = "MODEL" };
        var seed = new Option<int>("--seed") { Description = "Seed of the sample and the first model.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var machine = new MachineOptions();
        foreach (Option<int> option in (ReadOnlySpan<Option<int>>)[top, sample, steps])
        {
            option.Validators.Add(r =>
            {
                if (r.GetValueOrDefault<int>() < 1)
                {
                    r.AddError($"{r.Option.Name} takes 1 or more.");
                }
            });
        }
        var command = new Command("filter", "Drop weak pairs.") { input, output, low, high, consistency, top, sample, steps, score, teacher, seed };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            (string from, string to) = (line.GetRequiredValue(input), line.GetRequiredValue(output));
            AtomicFile.RequirePlace(to);
            BadInput.RequireFile(from, "training pairs");
            RefuseIdle(line);
            var filters = new List<IPairFilter>();
            var models = new List<TextModel>();
            try
            {
                if (line.GetValue(low) > 0 || line.GetValue(high) < 1)
                {
                    filters.Add(new LexicalFilter(new LexicalBand(line.GetValue(low), line.GetValue(high))));
                }
                Compute? compute = line.GetValue(consistency) is not null || line.GetValue(teacher) is not null ? machine.Start(line) : null;
                if (line.GetValue(score) is { } least)
                {
                    filters.Add(new ScoreThreshold(least, line.GetValue(teacher) is { } scorer ? Embed(scorer) : null));
                }
                if (line.GetValue(consistency) is { } finder)
                {
                    string folder = finder == Bootstrap ? BootstrapModel.Train(from, to + ".first-model", line.GetValue(steps), line.GetValue(seed), compute!, terminal, cancellation) : finder;
                    filters.Add(new ConsistencyFilter(line.GetValue(top), Embed(folder), ConsistencyFilter.Sample(PairFile.Read(from), line.GetValue(sample), line.GetValue(seed))));
                }
                if (filters.Count == 0)
                {
                    throw new BadInput("no filter: name one of --lexical-low, --lexical-high, --consistency, --min-score.");
                }
                Filter(terminal, from, to, filters, cancellation);
                return Task.FromResult(ExitCode.Done);

                Func<IReadOnlyList<string>, bool, float[]> Embed(string folder)
                {
                    TextModel model = TextModel.Load(folder, compute!);
                    models.Add(model);
                    var encoder = new TextEncoder(model.Encoder, model.Tokenizer);
                    return (texts, queries) => queries
                        ? encoder.EncodeDense([.. texts.Select(t => model.Card.QueryInstruction + t)], model.QueryMaxLength)
                        : encoder.EncodeDense([.. texts.Select(t => model.Card.PassageInstruction + t)], model.PassageMaxLength);
                }
            }
            finally
            {
                models.ForEach(m => m.Dispose());
            }
        });
        return command;
    }

    private static void Filter(Terminal terminal, string from, string to, List<IPairFilter> filters, CancellationToken cancellation)
    {
        var counts = new PairStatistics();
        long written = PairFile.Write(to, PairFiltering.Apply(PairFile.Read(from), filters, counts).Select(pair =>
        {
            cancellation.ThrowIfCancellationRequested();
            return pair;
        }));
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{to}: {written} of {written + counts.Dropped.Values.Sum(d => d.Count)} pairs."));
        foreach ((string reason, DropCount drop) in counts.Dropped)
        {
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{reason}: {drop.Count} dropped, for example:"));
            drop.Examples.ForEach(e => terminal.Output.WriteLine("  " + e.ReplaceLineEndings(" / ")));
        }
        string card = MinePairsCommand.CardName(to);
        DataCard.Write(card, new DataCard(Path.GetFileName(to), to, "{}", counts));
        terminal.Output.WriteLine($"card: {card}.html, {card}.json");
    }
}

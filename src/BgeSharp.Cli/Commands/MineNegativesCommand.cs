// bge mine negatives: training pairs → the same pairs with hard negatives, by a model or by BM25.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Negatives;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Data.Vectors;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge mine negatives".</summary>
internal static class MineNegativesCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var defaults = new NegativeRules { DuplicateCosine = 0.98 };
        var model = new Option<string?>("--model") { Description = "Model folder that ranks; BM25 ranks when left out.", HelpName = "DIR" };
        var input = new Option<string>("--input") { Description = "Training pairs, FlagEmbedding JSONL, .gz allowed.", HelpName = "FILE", Required = true };
        var corpus = new Option<string?>("--corpus") { Description = "Passages to search: JSONL with \"text\" (and \"title\", \"_id\"); those of the pairs when left out.", HelpName = "FILE" };
        var output = new Option<string>("--out") { Description = "The same pairs with mined negatives.", HelpName = "FILE", Required = true };
        var from = new Option<int>("--from-rank") { Description = "First rank taken, from 0.", HelpName = "N", DefaultValueFactory = _ => defaults.FromRank };
        var to = new Option<int>("--to-rank") { Description = "Rank after the last one taken.", HelpName = "N", DefaultValueFactory = _ => defaults.ToRank };
        var number = new Option<int>("--per-query") { Description = "Negatives kept per query, drawn from the range.", HelpName = "N", DefaultValueFactory = _ => defaults.PerQuery };
        var relative = new Option<double>("--relative-margin") { Description = "Drop what scores above this share of the positive's score; 0 for no such limit.", HelpName = "X", DefaultValueFactory = _ => defaults.RelativeMargin };
        var absolute = new Option<double>("--absolute-margin") { Description = "Drop what scores less than this below the positive; 0 for no such limit.", HelpName = "X" };
        var duplicate = new Option<double>("--duplicate-cosine") { Description = "Drop near-duplicates of a positive, above this cosine (of vectors; with BM25 of counts of character bigrams); 1 keeps them.", HelpName = "X", DefaultValueFactory = _ => defaults.DuplicateCosine };
        var teacher = new Option<string?>("--teacher") { Description = "Cross-encoder that drops what it takes for an answer.", HelpName = "DIR" };
        var margin = new Option<double>("--teacher-margin") { Description = "With --teacher: logits that a negative must lie below the positive for the teacher.", HelpName = "X" };
        var cache = new Option<string?>("--cache") { Description = "With --model: folder that keeps vectors between runs.", HelpName = "DIR" };
        var block = new Option<int>("--block-rows") { Description = "With --model: passage vectors held in memory at a time.", HelpName = "N", DefaultValueFactory = _ => 65536 };
        var seed = new Option<int>("--seed") { Description = "Seed of the draw.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var machine = new MachineOptions();
        var command = new Command("negatives", "Mine hard negatives for training pairs.") { model, input, corpus, output, from, to, number, relative, absolute, duplicate, teacher, margin, cache, block, seed };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            Unused(line, line.GetValue(model) is null, "BM25 ranks here, without a model", cache, block);
            Unused(line, line.GetValue(teacher) is null, "there is no --teacher", margin);
            var rules = new NegativeRules
            {
                FromRank = line.GetValue(from),
                ToRank = line.GetValue(to),
                PerQuery = line.GetValue(number),
                RelativeMargin = line.GetValue(relative),
                AbsoluteMargin = line.GetValue(absolute),
                DuplicateCosine = line.GetValue(duplicate),
            };
            Check(rules, line.GetValue(block));
            if (line.GetValue(corpus) is { } searched && Path.GetFullPath(searched) == Path.GetFullPath(line.GetValue(output)!))
            {
                throw new BadInput($"--out {searched}: is the corpus, which the pairs would replace; name another file; nothing was written.");
            }
            AtomicFile.RequirePlace(line.GetValue(output));
            AtomicFile.RequireFolder(line.GetValue(cache));
            IProcessGroup group = terminal.Join();
            List<TrainingExample> examples = [.. PairFile.Read(line.GetValue(input)!)];
            List<CorpusPassage> passages = Passages(line.GetValue(corpus), examples);
            Compute compute = line.GetValue(model) is null && line.GetValue(teacher) is null ? Compute.Float32 : machine.Start(line, group).Compute;
            using TorchReranker? judge = line.GetValue(teacher) is string folder ? TorchReranker.Load(folder, compute) : null;
            using WorkProgress progress = terminal.Watch(cancellation);
            var mining = new NegativeMining(examples, passages.ConvertAll(p => p.Text), rules, line.GetValue(seed))
            {
                WithoutTitle = passages.Exists(p => p.Bare != p.Text) ? passages.ConvertAll(p => p.Bare) : null,
                Ids = passages.Exists(p => p.Ids.Count > 0) ? passages.ConvertAll(p => p.Ids) : null,
                BlockRows = line.GetValue(block),
                Teacher = progress.Watch(judge),
                TeacherMargin = line.GetValue(margin),
                Progress = progress.Reach,
            };
            (long written, long without) = line.GetValue(model) is string name
                ? WithModel(terminal.Group, mining, name, compute, line.GetValue(cache), Write, progress)
                : group.Leads() ? Write(mining.WithBm25()) : default;
            progress.Clear();
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.GetValue(output)}: {written} pairs with negatives from {passages.Count} passages; {without} found none."));
            return Task.FromResult(ExitCode.Done);

            (long Written, long Without) Write(IEnumerable<TrainingExample> mined)
            {
                long done = 0, none = 0;
                long all = PairFile.Write(line.GetValue(output)!, mined.Select(e =>
                {
                    progress.Reach(done++, examples.Count, "pairs written");
                    none += e.Negatives.Count == 0 ? 1 : 0;
                    return e;
                }));
                return (all, none);
            }
        });
        return command;
    }

    private static void Unused(ParseResult line, bool unused, string why, params Option[] options)
    {
        if (unused && options.FirstOrDefault(o => line.GetResult(o) is { Implicit: false }) is { } idle)
        {
            throw new BadInput($"{idle.Name} does nothing: {why}; leave it out.");
        }
    }

    private static (long Written, long Without) WithModel(IProcessGroup group, NegativeMining mining, string folder, Compute compute, string? cache,
        Func<IEnumerable<TrainingExample>, (long Written, long Without)> write, WorkProgress progress)
    {
        using TextModel model = TextModel.Load(folder, compute);
        long encoded = 0;
        var encoding = new SharedEncoding(group, model.Encoder.Dimension, Vectors);
        if (!group.Leads())
        {
            encoding.Serve();
            return default;
        }
        string place = cache ?? Path.Combine(Path.GetTempPath(), "bge-vectors-" + Guid.NewGuid().ToString("N"));
        try
        {
            using EmbeddingCache queries = Open("query", model.QueryMaxLength);
            using EmbeddingCache passages = Open("passage", model.PassageMaxLength);
            (long Written, long Without) result = write(mining.WithModel(
                new CachedEncoder(texts => encoding.Encode(Side.Query, texts), queries), new CachedEncoder(texts => encoding.Encode(Side.Passage, texts), passages), compute.Type, model.Card.QueryInstruction, model.Card.PassageInstruction));
            encoding.Serve();       // lets the other ranks go
            return result;
        }
        finally
        {
            if (cache is null && Directory.Exists(place))
            {
                Directory.Delete(place, recursive: true);
            }
        }

        EmbeddingCache Open(string side, int length) => EmbeddingCache.Open(place, EmbeddingCache.KeyOf(folder, $"{side} {length} {compute.Type}"), model.Encoder.Dimension);

        IEnumerable<float[]> Vectors(Side side, IReadOnlyList<string> texts)
        {
            long before = encoded;
            foreach (M3Embedding embedding in new TextEncoder(model.Encoder, model.Tokenizer).Encode(
                texts, side == Side.Query ? model.QueryMaxLength : model.PassageMaxLength, done => progress.Reach((before + done) * group.Size, 0, "texts encoded")))
            {
                encoded++;
                yield return embedding.Dense!;
            }
        }
    }

    // Bare: without the title.
    private sealed record CorpusPassage(string Text, string Bare, IReadOnlyList<string> Ids);

    // Each distinct passage once, with all its ids.
    private static List<CorpusPassage> Passages(string? corpus, List<TrainingExample> examples)
    {
        if (corpus is not null)
        {
            BadInput.RequireFile(corpus, "corpus");
        }
        IEnumerable<CorpusPassage> texts = corpus is null ? examples.SelectMany(e => Of(e.Positives, e.PositiveIds).Concat(Of(e.Negatives, e.NegativeIds)))
            : JsonLines.Read(corpus).Select(row =>
            {
                string text = row.RequireString("text");
                return new CorpusPassage(row.OptionalString("title") is { Length: > 0 } title ? title + " " + text : text, text, Ids(row.OptionalId("_id", "id")));
            });
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        var distinct = new List<CorpusPassage>();
        foreach (CorpusPassage passage in texts.Where(t => !string.IsNullOrWhiteSpace(t.Text)))
        {
            if (known.TryAdd(passage.Text, distinct.Count))
            {
                distinct.Add(passage);
            }
            else if (distinct[known[passage.Text]] is var first && passage.Ids.Except(first.Ids).Any())
            {
                distinct[known[passage.Text]] = first with { Ids = [.. first.Ids.Union(passage.Ids)] };
            }
        }
        return distinct.Count > 0 ? distinct : throw new BadInput($"{corpus}: there are no passages in it; nothing was written.");

        static IEnumerable<CorpusPassage> Of(IReadOnlyList<string> texts, IReadOnlyList<string>? ids) => texts.Select((text, i) => new CorpusPassage(text, text, Ids(ids?[i])));

        static IReadOnlyList<string> Ids(string? id) => id is { Length: > 0 } ? [id] : [];
    }

    private static void Check(NegativeRules rules, int block)
    {
        if (rules.FromRank < 0 || rules.ToRank <= rules.FromRank)
        {
            throw new BadInput($"--to-rank {rules.ToRank}: a rank above --from-rank {rules.FromRank} is needed, which is 0 or more; nothing was written.");
        }
        if (rules.PerQuery < 1 || rules.PerQuery > rules.ToRank - rules.FromRank)
        {
            throw new BadInput($"--per-query {rules.PerQuery}: 1 to {rules.ToRank - rules.FromRank} is possible with these ranks; nothing was written.");
        }
        foreach ((string option, double value, double most) in (ReadOnlySpan<(string, double, double)>)[("--relative-margin", rules.RelativeMargin, 2), ("--absolute-margin", rules.AbsoluteMargin, 1e6), ("--duplicate-cosine", rules.DuplicateCosine, 1)])
        {
            if (!(value >= 0 && value <= most))
            {
                throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"{option} {value}: 0 to {most} is possible; nothing was written."));
            }
        }
        if (block < 1)
        {
            throw new BadInput($"--block-rows {block}: 1 or more is needed; nothing was written.");
        }
    }
}

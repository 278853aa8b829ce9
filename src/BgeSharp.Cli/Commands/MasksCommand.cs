// bge masks: what RetroMAE hides, as a picture: of one text, or of a batch that a stage would draw from documents.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge masks".</summary>
internal static class MasksCommand
{
    private const int MostTokens = 64, MostTokensOfBatch = 32, MostTexts = 64;

    // As many texts as the order shuffles at once: a picture needs no more of a large corpus.
    private const int MostRead = 4096;

    private static readonly string[] OfBatches = ["--format", "--fields", "--texts", "--max-length"];

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var defaults = new RetroMaeStageOptions();
        var text = new Argument<string?>("TEXT") { Description = $"One text, by itself; its first {MostTokens} tokens are drawn.", Arity = ArgumentArity.ZeroOrOne };
        var input = new Option<string>("--input") { Description = "In place of TEXT documents: a file, folder or glob. A batch is drawn from them as a stage draws it, masked and measured.", HelpName = "DOCS" };
        var format = new Option<string>("--format") { Description = "Of the documents: auto (by extension), markdown, html, text, jsonl, csv, tsv or parquet.", HelpName = "FORMAT", DefaultValueFactory = _ => "auto" };
        var fields = new Option<string[]>("--fields") { Description = "Rows: our field = field of the file.", HelpName = "OURS=THEIRS", AllowMultipleArgumentsPerToken = true };
        var count = new Option<int>("--texts") { Description = $"Texts of the batch to draw; of each its first {MostTokensOfBatch} tokens.", DefaultValueFactory = _ => 4, HelpName = "N" };
        var length = new Option<int>("--max-length") { Description = "Longest text of the batch in tokens; longer documents are cut into several.", DefaultValueFactory = _ => defaults.MaxLength, HelpName = "N" };
        var tokenizer = new Option<string>("--tokenizer") { Description = "Tokenizer file or folder, or a model folder.", Required = true, HelpName = "PATH" };
        var output = new Option<string>("--out") { Description = "SVG file.", Required = true, HelpName = "FILE" };
        var words = new Option<string>("--words") { Description = "Word list (words.txt of a run): Chinese words are hidden whole.", HelpName = "FILE" };
        var encoder = new Option<double>("--encoder-mask") { Description = "Share of tokens hidden from the encoder.", DefaultValueFactory = _ => defaults.EncoderMaskRatio, HelpName = "SHARE" };
        var decoder = new Option<double>("--decoder-mask") { Description = "Share of words hidden from a decoder row.", DefaultValueFactory = _ => defaults.DecoderMaskRatio, HelpName = "SHARE" };
        var seed = new Option<int>("--seed") { Description = "Seed of the masks, and of what is drawn into the batch.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var command = new Command("masks", "Draw what RetroMAE pre-training hides of a text or of a batch.") { text, input, format, fields, count, length, tokenizer, output, words, encoder, decoder, seed };
        command.SetAction((line, cancellation) =>
        {
            string picture = line.GetRequiredValue(output);
            AtomicFile.RequirePlace(picture);
            RequireOne(line, line.GetValue(text), line.GetValue(input));
            int shown = Between("--texts", line.GetValue(count), 1, MostTexts), longest = Between("--max-length", line.GetValue(length), 16, 8192);
            double hiddenFromEncoder = Share("--encoder-mask", line.GetValue(encoder)), hiddenFromDecoder = Share("--decoder-mask", line.GetValue(decoder));
            ITokenizer vocabulary = TokenizerFile.Load(line.GetValue(tokenizer)!);
            HanWords? list = line.GetValue(words) is string file ? HanWords.Load(file) : null;
            var masks = new RetroMaeMasks(vocabulary, hiddenFromEncoder, hiddenFromDecoder, words: list);
            if (line.GetValue(input) is not string documents)
            {
                MaskedText alone = Mask(vocabulary, masks, line.GetValue(text)!, line.GetValue(seed));
                AtomicFile.WriteText(picture, new MaskPicture(vocabulary, [alone]).ToSvg());
                terminal.Output.WriteLine($"{alone.Named.Count} of {alone.Ids.Length} tokens hidden from the encoder; {picture} written");
                return Task.FromResult(ExitCode.Done);
            }
            IEnumerable<Document> read = new DocumentFilter().Apply(DocumentReader.Read(documents, line.GetRequiredValue(format), FieldArguments.Parse(line.GetValue(fields) ?? [])));
            RetroMaeStageOptions options = defaults with { MaxLength = longest };
            MaskedText[] batch = MaskedText.Of(Draw(RetroMaeStage.Texts(read, vocabulary, options), options, masks, line.GetValue(seed), documents, cancellation));
            string measured = Measured(batch, vocabulary);
            MaskedText[] drawn = [.. batch.Take(shown).Select((t, i) => t.Start(MostTokensOfBatch) with { Caption = Caption(i, batch.Length, t.Ids.Length) })];
            AtomicFile.WriteText(picture, new MaskPicture(vocabulary, drawn, measured).ToSvg());
            terminal.Output.WriteLine(measured);
            terminal.Output.WriteLine($"{picture} written: {drawn.Length} of {batch.Length} texts, of each its first {MostTokensOfBatch} tokens at most");
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    // An option that nobody reads must not seem to count.
    private static void RequireOne(ParseResult line, string? text, string? input)
    {
        if ((text is null) == (input is null))
        {
            throw new BadInput("name a TEXT, or documents with --input; one of the two.");
        }
        HashSet<string> given = EvalRefusals.Given(line);
        if (input is null && OfBatches.FirstOrDefault(given.Contains) is string idle)
        {
            throw new BadInput($"{idle} is about the documents of --input, and there are none; leave it out.");
        }
    }

    private static MaskedText Mask(ITokenizer tokenizer, RetroMaeMasks masks, string text, int seed)
    {
        int[] ids = tokenizer.EncodeWithSpecial(text, MostTokens);
        if (ids.Length < 4)
        {
            throw new BadInput($"TEXT: has {ids.Length - 2} tokens; masks need two or more.");
        }
        var random = new SeededRandom((ulong)seed);
        var masked = new int[ids.Length];
        var hidden = new bool[ids.Length * ids.Length];
        HashSet<int> named = [.. masks.MaskForEncoder(ids, masked, ref random)];
        masks.MaskForDecoder(ids, hidden, ids.Length, ref random);
        return new MaskedText(ids, masked, named, hidden);
    }

    // The way of the stage: texts in a store, its order of batches, and masks by the text's place.
    private static RetroMaeBatch Draw(IEnumerable<int[]> texts, RetroMaeStageOptions options, RetroMaeMasks masks, int seed, string input, CancellationToken cancellation)
    {
        string work = Directory.CreateTempSubdirectory("bge-masks-").FullName;
        try
        {
            using TokenStore store = TokenStore.Create(Path.Combine(work, "text.ids"), texts.Take(MostRead).TakeWhile(_ => !cancellation.IsCancellationRequested));
            cancellation.ThrowIfCancellationRequested();
            if (store.Count == 0)
            {
                throw new BadInput($"{input}: has no text of {RetroMaeStage.LeastTokens} tokens or more; name other documents.");
            }
            var order = new TokenBudgetOrder(seed, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], options.BatchTokens);
            return RetroMaeBatch.Draw(store, order.From(0).First(), masks, seed, 0);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    // Over all texts of the batch, whole: shares of what can be hidden, which special tokens cannot.
    private static string Measured(MaskedText[] batch, ITokenizer tokenizer)
    {
        int tokens = batch.Sum(t => t.Ids.Length), cells = batch.Length * batch.Max(t => t.Ids.Length);
        int words = batch.Sum(t => t.Ids.Count(id => !tokenizer.IsSpecial(id))), named = batch.Sum(t => t.Named.Count);
        double[] rows = [.. batch.SelectMany(t => t.HiddenShares(tokenizer)).DefaultIfEmpty()];
        return string.Create(CultureInfo.InvariantCulture, $"{batch.Length} texts, {tokens} tokens, {Part(cells - tokens, cells)} padding; encoder: {named} of {words} tokens to name ({Part(named, words)}): {Seen(EncoderSight.Mask)} [MASK], {Seen(EncoderSight.Other)} another token, {Seen(EncoderSight.Kept)} themselves; decoder: {rows.Average():0.0%} hidden from a row in the mean ({rows.Min():0.0%} to {rows.Max():0.0%})");

        string Seen(EncoderSight sight) => Part(batch.Sum(t => t.Named.Count(i => t.SightOf(i, tokenizer.Special.Mask) == sight)), named);

        static string Part(int part, int whole) => (part / (double)Math.Max(1, whole)).ToString("0.0%", CultureInfo.InvariantCulture);
    }

    private static string Caption(int place, int texts, int tokens)
        => $"text {place + 1} of {texts}: {tokens} tokens{(tokens > MostTokensOfBatch ? $", cut after {MostTokensOfBatch} in the picture" : "")}";

    private static int Between(string option, int number, int least, int most)
        => number >= least && number <= most ? number : throw new BadInput($"{option} {number}: a number from {least} to {most} is needed.");

    private static double Share(string option, double share)
        => share is > 0 and < 1 ? share : throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"{option} {share}: a share between 0 and 1 is needed."));
}

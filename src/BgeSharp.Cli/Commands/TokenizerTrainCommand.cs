// bge tokenizer train: documents → vocabulary. Any source that the document readers know will do, so a vocabulary sees the text that training
// will see. Unigram reads the text twice and WordPiece once; neither holds it.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Text.Unigram.Training;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge tokenizer train".</summary>
internal static class TokenizerTrainCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var input = new Option<string[]>("--input") { Description = "Text: files, folders or globs (text, Markdown, HTML, JSONL, CSV, TSV, Parquet; .gz and .zst too).", HelpName = "DOCS", Required = true, AllowMultipleArgumentsPerToken = true };
        var format = new Option<string>("--format") { Description = "auto (by extension), markdown, html, text, jsonl, csv, tsv or parquet.", HelpName = "FORMAT", DefaultValueFactory = _ => "auto" };
        var fields = new Option<string[]>("--fields") { Description = "Rows: our field = field of the file, for example text=body.", HelpName = "OURS=THEIRS", AllowMultipleArgumentsPerToken = true };
        var type = new Option<string>("--type") { Description = "unigram (SentencePiece, as XLM-RoBERTa and BGE-M3) or wordpiece (as BERT and BGE v1).", HelpName = "TYPE", DefaultValueFactory = _ => "unigram" };
        type.AcceptOnlyFromAmong("unigram", "wordpiece");
        var size = new Option<int>("--size") { Description = "Pieces, special tokens included.", HelpName = "N", DefaultValueFactory = _ => 8000 };
        var cased = new Option<bool>("--cased") { Description = "WordPiece: keep capitals and accents." };
        var coverage = new Option<double>("--character-coverage") { Description = "Unigram: share of all characters in the text that get pieces of their own; the rarest become unknown or bytes.", HelpName = "SHARE", DefaultValueFactory = _ => new UnigramTrainerOptions().CharacterCoverage };
        var bytes = new Option<bool>("--byte-fallback") { Description = "Unigram: spell characters without a piece as bytes (256 pieces more), so that nothing is unknown." };
        var output = new Option<string>("--out") { Description = "Folder to write.", HelpName = "DIR", Required = true };
        var command = new Command("train", "Learn a vocabulary from text.") { input, format, fields, type, size, cased, coverage, bytes, output };
        command.SetAction((line, cancellation) =>
        {
            string folder = line.GetRequiredValue(output);
            AtomicFile.RequireFolder(folder);
            string name = line.GetRequiredValue(format);
            Dictionary<string, string> map = FieldArguments.Parse(line.GetValue(fields) ?? []);
            // Names what is missing or unknown now, not between the two readings.
            List<IEnumerable<Document>> sources = [.. line.GetRequiredValue(input).Select(i => DocumentReader.Read(i, name, map))];
            IEnumerable<string> lines = sources.SelectMany(s => s).SelectMany(d => TextChunks.Of(d, 2000)).SelectMany(t => t.Split('\n'));
            int count = line.GetRequiredValue(type) == "unigram"
                ? TrainUnigram(terminal, lines, new UnigramTrainerOptions { Size = line.GetValue(size), CharacterCoverage = line.GetValue(coverage), ByteFallback = line.GetValue(bytes) }, folder, cancellation)
                : TrainWordPiece(lines, line.GetValue(size), line.GetValue(cased), folder, cancellation);
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{folder}: {count} pieces."));
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    private static int TrainUnigram(Terminal terminal, IEnumerable<string> lines, UnigramTrainerOptions options, string folder, CancellationToken cancellation)
    {
        using RunProgress progress = terminal.Progress();
        UnigramVocabularyFiles.Write(UnigramTrainer.Train(lines, options, new Sentences(progress), cancellation), folder);
        return TokenizerFile.Load(folder).VocabularySize;
    }

    private static int TrainWordPiece(IEnumerable<string> lines, int size, bool cased, string folder, CancellationToken cancellation)
    {
        var options = new WordPieceTrainerOptions { VocabularySize = size, Normalizer = new BertNormalizerOptions(Lowercase: !cased) };
        WordPieceTokenizer trained = new WordPieceTrainer(options).Train(lines, cancellation);
        Directory.CreateDirectory(folder);
        trained.Save(folder);
        return trained.VocabularySize;
    }

    // Progress<T> would report from other threads, late and out of order.
    private sealed class Sentences(RunProgress progress) : IProgress<string>
    {
        public void Report(string value) => progress.Message(value);
    }
}

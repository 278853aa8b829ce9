// bge tokenize: text → ids, line by line. Lines are encoded in blocks on all processors and written in order; a block holds a bounded
// number of characters, so memory does not grow with the file.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge tokenize".</summary>
internal static class TokenizeCommand
{
    private const int BlockLines = 4096, BlockCharacters = 4 << 20;

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var tokenizer = new Option<string>("--tokenizer") { Description = "vocab.txt, tokenizer.json, a SentencePiece model, or a folder with one of them.", HelpName = "PATH", Required = true };
        var input = new Option<string>("--input") { Description = "JSON Lines with \"text\", or \"text\" and \"pair\"; .gz too.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "JSON Lines to write, {\"ids\": [...]} for each line; .gz too.", HelpName = "FILE", Required = true };
        var special = new Option<bool>("--special") { Description = "Add the special tokens, as the encoder wants them." };
        var command = new Command("tokenize", "Turn text into token ids.") { tokenizer, input, output, special };
        command.SetAction((line, cancellation) => Task.FromResult(
            Run(terminal, line.GetRequiredValue(tokenizer), line.GetRequiredValue(input), line.GetRequiredValue(output), line.GetValue(special), cancellation)));
        return command;
    }

    private static int Run(Terminal terminal, string tokenizerPath, string input, string output, bool special, CancellationToken cancellation)
    {
        AtomicFile.RequirePlace(output);
        ITokenizer tokenizer = TokenizerFile.Load(tokenizerPath);
        BadInput.RequireFile(input, "input");
        long tokens = 0;
        using JsonLinesWriter writer = JsonLinesWriter.Create(output);
        foreach (List<(string Text, string? Pair)> block in Blocks(input))
        {
            int[][] ids = new int[block.Count][];
            Parallel.For(0, block.Count, new ParallelOptions { CancellationToken = cancellation }, i => ids[i] = Encode(tokenizer, block[i].Text, block[i].Pair, special));
            foreach (int[] row in ids)
            {
                tokens += row.Length;
                writer.Write(json =>
                {
                    json.WriteStartArray("ids");
                    foreach (int id in row)
                    {
                        json.WriteNumberValue(id);
                    }
                    json.WriteEndArray();
                });
            }
        }
        writer.Commit();
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{output}: {writer.Count} texts, {tokens} tokens."));
        return ExitCode.Done;
    }

    private static int[] Encode(ITokenizer tokenizer, string text, string? pair, bool special) => (pair, special) switch
    {
        (null, false) => tokenizer.Encode(text),
        (null, true) => tokenizer.EncodeWithSpecial(text),
        (_, false) => [.. tokenizer.Encode(text), .. tokenizer.Encode(pair)],
        (_, true) => tokenizer.EncodePair(text, pair),
    };

    private static IEnumerable<List<(string Text, string? Pair)>> Blocks(string input)
    {
        var block = new List<(string, string?)>();
        int characters = 0;
        foreach (JsonLine line in JsonLines.Read(input))
        {
            (string text, string? pair) = (line.RequireString("text"), line.OptionalString("pair"));
            block.Add((text, pair));
            characters += text.Length + (pair?.Length ?? 0);
            if (block.Count == BlockLines || characters >= BlockCharacters)
            {
                yield return block;
                (block, characters) = ([], 0);
            }
        }
        if (block.Count > 0)
        {
            yield return block;
        }
    }
}

// bge masks: what RetroMAE hides of a text, as a picture.

using System.CommandLine;
using BgeSharp.Cli.Reports;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge masks".</summary>
internal static class MasksCommand
{
    private const int MostTokens = 64;

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var defaults = new RetroMaeStageOptions();
        var text = new Argument<string>("TEXT") { Description = $"The text; its first {MostTokens} tokens are drawn." };
        var tokenizer = new Option<string>("--tokenizer") { Description = "Tokenizer file or folder, or a model folder.", Required = true, HelpName = "PATH" };
        var output = new Option<string>("--out") { Description = "SVG file.", Required = true, HelpName = "FILE" };
        var words = new Option<string>("--words") { Description = "Word list (words.txt of a run): Chinese words are hidden whole.", HelpName = "FILE" };
        var encoder = new Option<double>("--encoder-mask") { Description = "Share of tokens hidden from the encoder.", DefaultValueFactory = _ => defaults.EncoderMaskRatio, HelpName = "SHARE" };
        var decoder = new Option<double>("--decoder-mask") { Description = "Share of words hidden from a decoder row.", DefaultValueFactory = _ => defaults.DecoderMaskRatio, HelpName = "SHARE" };
        var seed = new Option<int>("--seed") { Description = "Seed of the masks.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var command = new Command("masks", "Draw what RetroMAE pre-training hides of a text.") { text, tokenizer, output, words, encoder, decoder, seed };
        command.SetAction(line =>
        {
            AtomicFile.RequirePlace(line.GetValue(output));
            double hiddenFromEncoder = Share("--encoder-mask", line.GetValue(encoder)), hiddenFromDecoder = Share("--decoder-mask", line.GetValue(decoder));
            ITokenizer vocabulary = TokenizerFile.Load(line.GetValue(tokenizer)!);
            HanWords? list = line.GetValue(words) is string file ? HanWords.Load(file) : null;
            int[] ids = vocabulary.EncodeWithSpecial(line.GetValue(text)!, MostTokens);
            if (ids.Length < 4)
            {
                throw new BadInput($"TEXT: has {ids.Length - 2} tokens; masks need two or more.");
            }
            var masks = new RetroMaeMasks(vocabulary, hiddenFromEncoder, hiddenFromDecoder, words: list);
            var random = new SeededRandom((ulong)line.GetValue(seed));
            var masked = new int[ids.Length];
            var hidden = new bool[ids.Length * ids.Length];
            List<int> named = masks.MaskForEncoder(ids, masked, ref random);
            masks.MaskForDecoder(ids, hidden, ids.Length, ref random);
            AtomicFile.WriteText(line.GetValue(output)!, new MaskPicture(vocabulary, ids, masked, named, hidden).ToSvg());
            terminal.Output.WriteLine($"{named.Count} of {ids.Length} tokens hidden from the encoder; {line.GetValue(output)} written");
            return ExitCode.Done;
        });
        return command;
    }

    private static double Share(string option, double share)
        => share is > 0 and < 1 ? share : throw new BadInput(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{option} {share}: a share between 0 and 1 is needed."));
}

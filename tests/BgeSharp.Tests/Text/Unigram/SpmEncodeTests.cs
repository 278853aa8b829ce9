// A vocabulary trained here is used by SentencePiece's own program with the same ids. Skipped where spm_encode is not installed (Debian: sentencepiece).

using System.ComponentModel;
using System.Diagnostics;
using BgeSharp.Text.Unigram;
using BgeSharp.Text.Unigram.Training;

namespace BgeSharp.Tests.Text.Unigram;

public sealed class SpmEncodeTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spm_encode_loads_our_model_and_gives_the_same_ids(bool byteFallback)
    {
        using var folder = new TemporaryFolder();
        string[] lines = [.. Golden.Lines(UnigramGolden.Path("training", "zh5m.txt.gz")).Take(3000)];
        var options = new UnigramTrainerOptions { Size = 3000, CharacterCoverage = 0.98, ByteFallback = byteFallback, Normalize = !byteFallback };
        UnigramVocabularyFiles.Write(UnigramTrainer.Train(lines[..2000], options, cancellation: TestContext.Current.CancellationToken), folder.Path);
        string model = folder.File("sentencepiece.bpe.model");
        string text = folder.Write("text", string.Join('\n', lines[2000..]) + "\n");

        string[] expected = Encode(model, text, folder.File("ids"));
        var tokenizer = UnigramTokenizer.FromModel(model, xlmRoberta: false);
        Assert.Equal(expected, lines[2000..].Select(line => string.Join(' ', tokenizer.Encode(line))));
    }

    private static string[] Encode(string model, string input, string output)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("spm_encode", ["--model=" + model, "--output_format=id", "--input=" + input, "--output=" + output]) { RedirectStandardError = true })!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
        }
        catch (Win32Exception)
        {
            Assert.Skip("spm_encode is not installed (Debian: apt-get install sentencepiece).");
        }
        return File.ReadAllLines(output);
    }
}

// Pair: SentencePiece's own program (spm_encode --output_format=id) against UnigramTokenizer on one thread: both read a file of lines and write a file of ids.
// Why in files: a program can be measured in no other way. Its start and the loading of the model (a few per cent here) are part of its time, so the text is
// long. Without spm_encode on the PATH (Debian: sentencepiece) nothing is measured.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Text.Unigram;

namespace BgeSharp.Benchmarks.Text;

/// <summary>Unigram ids of the passages of the samples, 16,000 pieces.</summary>
[WarmupCount(8)] // compiled in tiers, in the background
public class UnigramSpeed
{
    private const int Repeats = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("bgesharp-bench-").FullName;
    private readonly string _model = Checkout.File("tests/golden/tokenizers/models/uni16k.model");
    private UnigramTokenizer _tokenizer = null!;

    private string Lines => Path.Combine(_folder, "lines.txt");

    [GlobalSetup]
    public void SetUp()
    {
        _tokenizer = UnigramTokenizer.FromModel(_model, xlmRoberta: false);
        string[] lines = [.. SampleTexts.Passages().Select(t => t.ReplaceLineEndings(" ").Replace('\0', ' '))];
        File.WriteAllLines(Lines, Enumerable.Repeat(lines, Repeats).SelectMany(l => l));
        Spm_encode();
        Unigram_tokenizer();
        string[] expected = File.ReadAllLines(Path.Combine(_folder, "spm")), actual = File.ReadAllLines(Path.Combine(_folder, "ours"));
        Agreement.Require("the ids", expected.AsSpan().SequenceEqual(actual), $"{expected.Length} and {actual.Length} lines, the first difference in line {expected.Zip(actual).TakeWhile(p => p.First == p.Second).Count() + 1}");
        Workload.Is(typeof(UnigramSpeed), expected.Sum(line => line.Count(c => c == ' ') + 1), "tokens");
    }

    [GlobalCleanup]
    public void CleanUp() => Directory.Delete(_folder, recursive: true);

    [Benchmark(Baseline = true, Description = "spm_encode")]
    public int Spm_encode()
    {
        using Process process = Process.Start("spm_encode", ["--model=" + _model, "--output_format=id", "--input=" + Lines, "--output=" + Path.Combine(_folder, "spm")]);
        process.WaitForExit();
        Agreement.Require("spm_encode's end", process.ExitCode == 0, $"code {process.ExitCode}");
        return process.ExitCode;
    }

    [Benchmark(Description = "UnigramTokenizer, one thread")]
    public void Unigram_tokenizer()
    {
        using var output = new StreamWriter(Path.Combine(_folder, "ours"), append: false, new UTF8Encoding(false), 1 << 16);
        Span<char> digits = stackalloc char[12];
        foreach (string line in File.ReadLines(Lines))
        {
            int[] ids = _tokenizer.Encode(line);
            for (int i = 0; i < ids.Length; i++)
            {
                digits[0] = ' ';
                ids[i].TryFormat(digits[1..], out int length, provider: CultureInfo.InvariantCulture);
                output.Write(i == 0 ? digits[1..(length + 1)] : digits[..(length + 1)]);
            }
            output.Write('\n');
        }
    }
}

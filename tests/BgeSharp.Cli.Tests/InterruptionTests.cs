// One Ctrl-C ends commands that encode or judge: at once, with code 1 and a word, and what they would have written is not there.

using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Tests;

public sealed class InterruptionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-stop").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string Given(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        File.WriteAllText(In(name), text);
        return In(name);
    }

    // An embedding model, or with its head a cross-encoder.
    private string Model(string name, bool judges)
    {
        var config = new ModelConfig
        {
            Kind = ModelKind.Bert,
            Architecture = "BertModel",
            VocabularySize = 9,
            HiddenSize = 8,
            LayerCount = 1,
            HeadCount = 2,
            IntermediateSize = 12,
            MaxPositions = 32,
            TypeVocabularySize = 2,
            PadTokenId = 0,
        };
        Given(name + "/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n");
        config.Save(In(name));
        SafeTensorsWriter.Write(Path.Combine(In(name), "model.safetensors"), [.. EncoderTensors.Of(config).Select(t => TensorToWrite.Of(t.Name, t.Shape, Numbers(t.Shape)))]);
        if (judges)
        {
            SafeTensorsWriter.Write(Path.Combine(In(name), ModelFiles.Reranker), [.. RelevanceHead.Shapes(config).Select(s => TensorToWrite.Of(s.Name, s.Shape, Numbers(s.Shape)))]);
        }
        return In(name);
    }

    private static float[] Numbers(long[] shape) => [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => 0.1f * ((i % 7) - 3))];

    private string Corpus() => Given("corpus.jsonl", "{\"_id\":\"p1\",\"text\":\"a b\"}\n{\"_id\":\"p2\",\"text\":\"c d\"}\n");

    private string Pairs() => Given("pairs.jsonl", "{\"query\":\"a\",\"pos\":[\"a b\"],\"neg\":[\"c d\"]}\n");

    // Asks for a stop as soon as a line of standard error begins with a text; with the empty text, before anything is done.
    private static async Task<(int Code, string Output, string Error)> Stopped(string at, params string[] args)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        if (at.Length == 0)
        {
            await stop.CancelAsync();
        }
        (StringWriter output, StringWriter error) = (new(), new StoppingWriter(at, stop));
        int code = await CommandLine.RunAsync([.. args, "--precision", "float32"], Terminal.For(output, error), stop.Token);
        return (code, output.ToString(), error.ToString());
    }

    private sealed class StoppingWriter(string at, CancellationTokenSource stop) : StringWriter(System.Globalization.CultureInfo.InvariantCulture)
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (at.Length > 0 && value?.StartsWith(at, StringComparison.Ordinal) == true)
            {
                stop.Cancel();
            }
        }
    }

    [Fact]
    public async Task A_search_ends_while_it_encodes_the_corpus_and_keeps_no_half_of_it()
    {
        var (code, output, error) = await Stopped("preparing 2 passages", "search", "a b", "--model", Model("model", judges: false), "--corpus", Corpus(), "--mode", "dense", "--index", In("kept"));
        Assert.Equal((1, ""), (code, output));
        Assert.EndsWith("stopped.", error.TrimEnd(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("kept")) && Directory.EnumerateFileSystemEntries(In("kept")).Any());
    }

    [Fact]
    public async Task A_search_ends_while_its_cross_encoder_judges()
    {
        // BM25 needs no embeddings: the first to hear of the stop is the cross-encoder.
        var (code, output, error) = await Stopped("preparing 2 passages", "search", "a b", "--model", Model("model", judges: false), "--corpus", Corpus(), "--mode", "bm25", "--reranker", Model("judge", judges: true));
        Assert.Equal((1, ""), (code, output));
        Assert.EndsWith("stopped.", error.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Measuring_scoring_and_mining_end_too_and_write_nothing()
    {
        string model = Model("model", judges: false), judge = Model("judge", judges: true), pairs = Pairs();
        string sentences = Given("s.tsv", "a b\ta b\t5\na\tc d\t0\n");
        string[][] commands =
        [
            ["eval", "--model", model, "--data", sentences, "--task", "sts", "--out", In("written")],
            ["score", "--model", judge, "--pairs", pairs, "--out", In("written")],
            ["mine", "negatives", "--input", pairs, "--corpus", Corpus(), "--from-rank", "0", "--to-rank", "2", "--per-query", "1", "--out", In("written")],
            ["mine", "negatives", "--input", pairs, "--corpus", Corpus(), "--from-rank", "0", "--to-rank", "2", "--per-query", "1", "--model", model, "--out", In("written")],
        ];
        foreach (string[] command in commands)
        {
            var (code, output, error) = await Stopped("", command);
            Assert.Equal((1, "", "stopped."), (code, output, error.Trim()));
            Assert.False(File.Exists(In("written")));
            Assert.DoesNotContain(Directory.GetFiles(folder), file => file.EndsWith(".tmp", StringComparison.Ordinal));
        }
    }
}

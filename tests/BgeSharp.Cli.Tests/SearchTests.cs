// bge search with a cross-encoder: every score that is shown is the cross-encoder's.

using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Tests;

public sealed class SearchTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-search").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    // A cross-encoder of random weights with a head of zeros: it gives every pair the logit 0.
    private string Reranker()
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
        Directory.CreateDirectory(In("judge"));
        config.Save(In("judge"));
        var random = new Random(1);
        SafeTensorsWriter.Write(In("judge/model.safetensors"), [.. EncoderTensors.Of(config).Select(t => Tensor(t.Name, t.Shape, () => random.NextSingle() - 0.5f))]);
        SafeTensorsWriter.Write(Path.Combine(In("judge"), ModelFiles.Reranker), [.. RelevanceHead.Shapes(config).Select(s => Tensor(s.Name, s.Shape, () => 0))]);
        File.WriteAllText(In("judge/vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n");
        return In("judge");
    }

    private static TensorToWrite Tensor(string name, long[] shape, Func<float> number)
        => TensorToWrite.Of(name, shape, Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => number()).ToArray());

    [Fact]
    public async Task As_many_hits_are_judged_as_are_shown()
    {
        File.WriteAllLines(In("corpus.jsonl"), Enumerable.Range(0, 60).Select(i => $"{{\"_id\":\"p{i}\",\"text\":\"a {(i % 2 == 0 ? "b" : "c")}\"}}"));
        var (code, output, error) = await Bge("search", "a b", "--model", Reranker(), "--corpus", In("corpus.jsonl"), "--mode", "bm25", "--reranker", In("judge"), "--top", "60", "--precision", "float32");
        Assert.True(code == 0, error);
        Assert.Equal(60, output.Split('\n').Count(l => l.Contains("0.000  p", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("--rerank-depth does nothing without --reranker", "--rerank-depth", "50")]
    [InlineData("--rerank-depth 4: --top asks for 5 hits", "--reranker", "r", "--rerank-depth", "4")]
    [InlineData("--rerank-depth 50: --top asks for 51 hits", "--reranker", "r", "--rerank-depth", "50", "--top", "51")]
    [InlineData("--top 5 and --rerank-depth 0: both must be at least 1", "--reranker", "r", "--rerank-depth", "0")]
    public async Task A_depth_that_would_do_nothing_or_leave_hits_unjudged_is_refused(string said, params string[] args)
    {
        var (code, output, error) = await Bge(["search", "q", "--model", "none", "--corpus", "none", .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(said, error, StringComparison.Ordinal);
    }
}

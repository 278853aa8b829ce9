// bge eval and bge compare with a tiny model of random weights: what is written, what is refused.

using System.Text.Json;
using BgeSharp.Cli.Terminals;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Tests;

public sealed class EvalTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-eval").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string Given(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(name))!);
        File.WriteAllText(In(name), text);
        return In(name);
    }

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private string Model()
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
        Directory.CreateDirectory(In("model"));
        config.Save(In("model"));
        var random = new Random(1);
        SafeTensorsWriter.Write(Path.Combine(In("model"), "model.safetensors"),
            [.. EncoderTensors.Of(config).Select(t => TensorToWrite.Of(t.Name, t.Shape, Enumerable.Range(0, (int)t.Shape.Aggregate(1L, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.5f).ToArray()))]);
        Given("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\n");
        return In("model");
    }

    private string Reranker()
    {
        foreach (string file in Directory.GetFiles(Model()))
        {
            Given("reranker/" + Path.GetFileName(file), "");
            File.Copy(file, Path.Combine(In("reranker"), Path.GetFileName(file)), overwrite: true);
        }
        SafeTensorsWriter.Write(Path.Combine(In("reranker"), ModelFiles.Reranker),
            [.. RelevanceHead.Shapes(ModelConfig.Load(In("reranker"))).Select(s => TensorToWrite.Of(s.Name, s.Shape, new float[s.Shape.Aggregate(1L, (a, b) => a * b)]))]);
        return In("reranker");
    }

    private string Beir()
    {
        Given("beir/corpus.jsonl", "{\"_id\":\"p 1\",\"text\":\"a b\"}\n{\"_id\":\"p2\",\"text\":\"c d\"}\n{\"_id\":\"p3\",\"text\":\"d d a\"}\n");
        Given("beir/queries.jsonl", "{\"_id\":\"q1\",\"text\":\"a b\"}\n{\"_id\":\"q2\",\"text\":\"c\"}\n{\"_id\":\"q3\",\"text\":\"d\"}\n");
        Given("beir/qrels/test.tsv", "q1\tp 1\t1\nq2\tp2\t1\n");
        Given("beir/qrels/dev.tsv", "q3\tp3\t1\n");
        return In("beir");
    }

    [Fact]
    public async Task A_collection_is_measured_in_several_modes_and_everything_is_written()
    {
        string[] common = ["eval", "--model", Model(), "--data", Beir(), "--precision", "float32"];
        var (code, output, error) = await Bge([.. common, "--modes", "dense,hybrid,bm25", "--sweep", "dev", "--out", In("r.json"), "--report", In("report"), "--save-runs", In("runs"), "--index", In("index"), "--per-query"]);
        Assert.True(code == 0, error);
        Assert.Contains("Weights of the hybrid chosen on 1 development questions", output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        using var contract = JsonDocument.Parse(File.ReadAllBytes(In("r.json")));
        Assert.Equal(["dense", "hybrid", "bm25", "per_query"], contract.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(1, contract.RootElement.GetProperty("bm25").GetProperty("ndcg@10").GetDouble());
        EvaluationReport report = ReportFile.Read(Path.Combine(In("report"), "evaluation.json"));
        Assert.Equal(3, report.Results.Count);
        Assert.True(File.Exists(Path.Combine(In("report"), "evaluation.html")));
        Assert.Equal(3, Directory.GetFiles(In("runs")).Length);
        Assert.Single(Directory.GetFiles(In("index"), "*.safetensors", SearchOption.AllDirectories));

        // The run that was written has the figures that were reported.
        string run = Directory.GetFiles(In("runs"), "*bm25.trec").Single();
        Assert.Equal(0, (await Bge("eval", "--run", run, "--qrels", Path.Combine(In("beir"), "qrels", "test.tsv"), "--out", In("again.json"))).Code);
        using var again = JsonDocument.Parse(File.ReadAllBytes(In("again.json")));
        Assert.Equal(1, again.RootElement.GetProperty("run").GetProperty("ndcg@10").GetDouble());

        var compared = await Bge("compare", In("report"), In("report"), "--out", In("compare.html"));
        Assert.Equal(0, compared.Code);
        Assert.Contains("+0.000", compared.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(In("compare.html")));
    }

    [Fact]
    public async Task Other_tasks_are_measured_and_what_is_wrong_is_named()
    {
        string model = Model();
        var sts = await Bge("eval", "--model", model, "--data", Given("s.tsv", "a b\ta b\t5\na\tc d\t0\nb\tb c\t3\n"), "--task", "sts", "--precision", "float32", "--out", In("s.json"));
        Assert.True(sts.Code == 0, sts.Error);
        Assert.Contains("spearman", File.ReadAllText(In("s.json")), StringComparison.Ordinal);
        var bitext = await Bge("eval", "--model", model, "--data", Given("x.de", "a\nb\n"), "--other", Given("x.en", "a\nb\n"), "--task", "bitext", "--precision", "float32");
        Assert.True(bitext.Code == 0, bitext.Error);
        Assert.Equal(2, (await Bge("eval", "--model", model, "--data", Beir(), "--modes", "colbert")).Code);
        Assert.Equal(0, (await Bge("eval", "--model", model, "--data", Beir(), "--modes", "dense", "--mcls", "2", "--precision", "float32")).Code);
        Assert.Contains("needs a re-ranker", (await Bge("eval", "--model", model, "--data", Beir(), "--modes", "bm25+rerank", "--precision", "float32")).Error, StringComparison.Ordinal);
        Assert.Contains("no cross-encoder", (await Bge("eval", "--model", model, "--data", Beir(), "--modes", "bm25+rerank", "--reranker", model, "--precision", "float32")).Error, StringComparison.Ordinal);
        Assert.Contains("sparse head", (await Bge("eval", "--model", model, "--data", Beir(), "--modes", "sparse", "--precision", "float32")).Error, StringComparison.Ordinal);
        var shared = await Bge("eval", "--model", model, "--data", Beir(), "--modes", "hybrid", "--sweep", "test", "--precision", "float32");
        Assert.Equal(2, shared.Code);
        Assert.Contains("must be chosen on other questions", shared.Error, StringComparison.Ordinal);
        Assert.Contains("no \"version\"", (await Bge("compare", In("s.json"), In("s.json"))).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_takes_the_same_modes_re_ranks_and_keeps_what_it_embedded()
    {
        Beir();
        string[] common = ["search", "d d", "--model", Model(), "--corpus", Path.Combine(In("beir"), "corpus.jsonl"), "--precision", "float32"];
        foreach (string mode in (string[])["rrf", "dense", "bm25", "hybrid"])
        {
            var found = await Bge([.. common, "--mode", mode, "--top", "1", "--index", In("kept")]);
            Assert.True(found.Code == 0, found.Error);
            Assert.True(mode != "bm25" || found.Output.Contains("p3", StringComparison.Ordinal), found.Output);
            Assert.Equal(2, found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        }
        string shard = Assert.Single(Directory.GetFiles(In("kept"), "*.safetensors"));
        DateTime written = File.GetLastWriteTimeUtc(shard);
        var judged = await Bge([.. common, "--mode", "dense", "--reranker", Reranker(), "--index", In("kept"), "--top", "3"]);
        Assert.True(judged.Code == 0, judged.Error);
        Assert.Equal(3, judged.Output.Split("0.000  ").Length - 1);        // a head of zeros gives every pair the logit 0
        Assert.Equal(written, File.GetLastWriteTimeUtc(shard));
        Assert.Contains("sparse head", (await Bge([.. common, "--mode", "sparse"])).Error, StringComparison.Ordinal);
        Assert.Contains("needs --reranker", (await Bge([.. common, "--mode", "dense+rerank"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suite_is_measured_on_one_model_and_its_mistakes_are_named()
    {
        Beir();
        Given("s.tsv", "a b\ta b\t5\na\tc d\t0\nb\tb c\t3\n");
        string suite = Given("suite.json", "{ \"name\": \"s\", \"sets\": [ { \"path\": \"beir\", \"language\": \"x\" }, { \"path\": \"s.tsv\", \"task\": \"sts\" } ] }");
        var (code, output, error) = await Bge("eval", "--model", Model(), "--suite", suite, "--precision", "float32", "--report", In("out"));
        Assert.True(code == 0, error);
        Assert.Contains("spearman", output, StringComparison.Ordinal);
        Assert.Equal(3, ReportFile.Read(Path.Combine(In("out"), "evaluation.json")).Results.Count);

        // What a model has no output for is left out, what needs a cross-encoder asks for one.
        string modes = Given("modes.json", "{ \"name\": \"m\", \"modes\": [ \"dense\", \"sparse\", \"bm25\", \"dense+rerank\" ], \"sets\": [ { \"path\": \"beir\" } ] }");
        Assert.Contains("name one by --reranker", (await Bge("eval", "--model", In("model"), "--suite", modes, "--precision", "float32")).Error, StringComparison.Ordinal);
        (code, _, error) = await Bge("eval", "--model", In("model"), "--suite", modes, "--reranker", Reranker(), "--mcls", "4", "--precision", "float32", "--report", In("modes"));
        Assert.True(code == 0, error);
        Assert.Equal(["bm25", "dense", "dense+rerank"], ReportFile.Read(Path.Combine(In("modes"), "evaluation.json")).Results.Select(r => r.Mode));
        Assert.Contains("suite.json", (await Bge("eval", "--model", In("model"), "--suite", Given("suite.json", "{ \"sets\": [ { \"path\": \"beir\", \"lang\": \"x\" } ] }"))).Error, StringComparison.Ordinal);
        Assert.Contains("is not there", (await Bge("eval", "--model", In("model"), "--suite", Given("suite.json", "{ \"sets\": [ { \"path\": \"gone\" } ] }"))).Error, StringComparison.Ordinal);
    }
}

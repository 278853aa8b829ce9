// bge eval and bge compare with a tiny model of random weights: what is written, what is refused.

using System.Text.Json;
using BgeSharp.Cli.Commands;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Training.Data;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Tests;

public sealed partial class EvalTests : IDisposable
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

    private string Notes(string report) => string.Join("|", ReportFile.Read(Path.Combine(In(report), "evaluation.json")).Results.SelectMany(r => r.Notes));

    [Fact]
    public async Task A_sweep_reads_and_scores_its_data_as_the_test_set()
    {
        // The question p3 is the passage p3; what is relevant to it comes first only where p3 is left out.
        Beir();
        Given("beir/queries.jsonl", "{\"_id\":\"q1\",\"text\":\"a b\"}\n{\"_id\":\"q2\",\"text\":\"c\"}\n{\"_id\":\"p3\",\"text\":\"d d a\"}\n");
        Given("beir/qrels/dev.tsv", "p3\tp2\t1\n");
        string[] common = ["eval", "--model", Model(), "--precision", "float32", "--modes", "hybrid", "--report", In("out")];
        var left = await Bge([.. common, "--data", In("beir"), "--sweep", "dev", "--ignore-identical-ids"]);
        Assert.True(left.Code == 0, left.Error);
        Assert.Contains("(ndcg@10 there 1.0000)", Notes("out"), StringComparison.Ordinal);
        var kept = await Bge([.. common, "--data", In("beir"), "--sweep", "dev", "--metrics", "mrr@10"]);
        Assert.True(kept.Code == 0, kept.Error);
        Assert.Contains("(mrr@10 there 0.5000)", Notes("out"), StringComparison.Ordinal);
        var split = await Bge([.. common, "--data", In("beir"), "--sweep", "dev", "--split-tokens", "3"]);
        Assert.True(split.Code == 0, split.Error);

        // Corpus and language of MKQA hold for both.
        static string Asked(int id, string question, string answer) => $"{{\"example_id\":{id},\"queries\":{{\"da\":\"{question}\"}},\"answers\":{{\"en\":[{{\"type\":\"entity\",\"text\":\"{answer}\"}}]}}}}\n";
        string[] mkqa = ["--format", "mkqa", "--language", "da", "--corpus", Path.Combine(In("beir"), "corpus.jsonl"), "--data", Given("test.jsonl", Asked(1, "a b", "a b"))];
        var answered = await Bge([.. common, .. mkqa, "--sweep", Given("dev.jsonl", Asked(2, "c", "c d"))]);
        Assert.True(answered.Code == 0, answered.Error);
        Assert.Contains("(recall@1 there 1.0000)", Notes("out"), StringComparison.Ordinal);

        // What cannot serve is named, and nothing is written.
        Given("beir/qrels/zero.tsv", "p3\tp2\t0\n");
        Given("empty/corpus.jsonl", "");
        Given("empty/queries.jsonl", "{\"_id\":\"q9\",\"text\":\"d\"}\n");
        Given("empty/qrels/test.tsv", "q9\tp2\t1\n");
        foreach ((string sweep, string sentence) in ((string, string)[])[("zero", "--sweep zero: no query has a relevant passage"), (In("empty"), $"--sweep {In("empty")}: the corpus is empty"), ("test", "--sweep test: 2 of its 2 questions")])
        {
            var refused = await Bge("eval", "--model", In("model"), "--precision", "float32", "--modes", "bm25,hybrid", "--data", In("beir"), "--sweep", sweep, "--save-runs", In("none"), "--out", In("none.json"));
            Assert.Equal(2, refused.Code);
            Assert.Contains(sentence, refused.Error, StringComparison.Ordinal);
        }
        Assert.Contains("one file without splits", (await Bge([.. common, .. mkqa, "--sweep", "dev"])).Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("none")) || File.Exists(In("none.json")));
    }

    [Fact]
    public async Task Weights_of_parts_that_the_model_lacks_are_refused()
    {
        string[] common = ["eval", "--model", Model(), "--data", Beir(), "--modes", "bm25,hybrid", "--precision", "float32", "--save-runs", In("none"), "--weights"];
        foreach (string[] weights in (string[][])[["dense=1", "sparse=0.3"], ["dense=1", "bm25=0.5", "multi=1"], ["dense=0"]])
        {
            var (code, _, error) = await Bge([.. common, .. weights]);
            Assert.Equal(2, code);
            Assert.Contains("--weights: the hybrid of this model has dense and bm25", error, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(In("none")));
        Assert.Equal(0, (await Bge([.. common, "dense=0", "bm25=1"])).Code);
    }

    [Fact]
    public async Task A_cross_encoder_orders_the_candidates_of_reranking_lists()
    {
        string lists = Given("r.jsonl", "{\"query\":\"a b\",\"positive\":[\"a b\"],\"negative\":[\"c d\"]}\n");
        string[] common = ["eval", "--model", Model(), "--data", lists, "--task", "reranking", "--precision", "float32", "--out", In("r.json"), "--modes"];
        var both = await Bge([.. common, "dense,dense+rerank", "--reranker", Reranker()]);
        Assert.True(both.Code == 0, both.Error);
        using (var read = JsonDocument.Parse(File.ReadAllBytes(In("r.json"))))
        {
            Assert.Equal(["dense", "dense+rerank"], read.RootElement.EnumerateObject().Select(p => p.Name));
            Assert.Equal(1, read.RootElement.GetProperty("dense").GetProperty("map").GetDouble());
            Assert.Equal(0.5, read.RootElement.GetProperty("dense+rerank").GetProperty("map").GetDouble()); // a head of zeros: equal scores count against it
        }
        var alone = await Bge([.. common, "dense+rerank", "--reranker", Reranker()]);
        Assert.True(alone.Code == 0, alone.Error);
        using var one = JsonDocument.Parse(File.ReadAllBytes(In("r.json")));
        Assert.Equal("dense+rerank", Assert.Single(one.RootElement.EnumerateObject()).Name);
        Assert.Contains("needs a re-ranker", (await Bge([.. common, "dense+rerank"])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Negatives_are_mined_from_a_corpus_with_or_without_a_model()
    {
        string pairs = Given("pairs.jsonl", "{\"query\":\"a b\",\"pos\":[\"b a\"],\"pos_ids\":[1]}\n{\"query\":\"d\",\"pos\":[\"a d\"]}\n");
        string corpus = Given("corpus.jsonl", "{\"_id\":\"1\",\"title\":\"c\",\"text\":\"a b c\"}\n{\"_id\":\"2\",\"text\":\"a d\"}\n{\"_id\":\"3\",\"title\":\"d\",\"text\":\"b d\"}\n");
        string[] common = ["mine", "negatives", "--input", pairs, "--corpus", corpus, "--from-rank", "0", "--to-rank", "3", "--per-query", "3", "--relative-margin", "0", "--duplicate-cosine", "1"];
        var words = await Bge([.. common, "--out", In("bm25.jsonl")]);
        Assert.True(words.Code == 0, words.Error);
        string[] lines = File.ReadAllLines(In("bm25.jsonl"));
        Assert.Contains("\"neg\":[", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain("a b c", lines[0], StringComparison.Ordinal);           // another text of its answer
        Assert.DoesNotContain("\"neg\":[\"a d\"", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"neg_ids\":[\"3\"]", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"d b d\"", lines[1], StringComparison.Ordinal);
        string[] model = [.. common, "--model", Model(), "--cache", In("vectors"), "--precision", "float32", "--teacher", Reranker(), "--teacher-margin", "-1"];
        var first = await Bge([.. model, "--out", In("first.jsonl")]);
        Assert.True(first.Code == 0, first.Error);
        Assert.NotEmpty(Directory.GetFiles(In("vectors"), "*", SearchOption.AllDirectories));
        Assert.Equal(0, (await Bge([.. model, "--out", In("second.jsonl")])).Code);
        Assert.Equal(File.ReadAllText(In("first.jsonl")), File.ReadAllText(In("second.jsonl")));
        string[] ranked = File.ReadAllLines(In("first.jsonl"));
        Assert.DoesNotContain("a b c", ranked[0], StringComparison.Ordinal);
        Assert.Contains("\"neg_ids\":[", ranked[0], StringComparison.Ordinal);
        // A teacher that takes all for answers leaves nothing.
        string[] strict = [.. model];
        strict[^1] = "0";
        Assert.Contains("2 found none", (await Bge([.. strict, "--out", In("none.jsonl")])).Output, StringComparison.Ordinal);
        Assert.Contains("is the corpus", (await Bge([.. common, "--out", corpus])).Error, StringComparison.Ordinal);
        Assert.Contains("--duplicate-cosine 98: 0 to 1 is possible", (await Bge([.. common[..^1], "98", "--out", In("x.jsonl")])).Error, StringComparison.Ordinal);
        Assert.Contains("is a cross-encoder", (await Bge([.. common, "--model", Reranker(), "--out", In("x.jsonl"), "--precision", "float32"])).Error, StringComparison.Ordinal);
        Assert.Contains("--cache does nothing", (await Bge([.. common, "--cache", In("v"), "--out", In("x.jsonl")])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cross_encoder_scores_training_pairs()
    {
        string pairs = Given("p.jsonl", "{\"query\":\"a b\",\"pos\":[\"a b\"],\"neg\":[\"c d\",\"d\"],\"neg_scores\":[7,8],\"more\":1}\n{\"query\":\"c\",\"pos\":[\"c\"],\"neg\":[]}\n");
        var scored = await Bge("score", "--model", Reranker(), "--pairs", pairs, "--out", In("scored.jsonl"), "--precision", "float32");
        Assert.True(scored.Code == 0, scored.Error);
        Assert.Contains("2 pairs with the scores of 4 passages", scored.Output, StringComparison.Ordinal);
        string[] lines = File.ReadAllLines(In("scored.jsonl"));
        Assert.Equal("{\"query\":\"a b\",\"pos\":[\"a b\"],\"neg\":[\"c d\",\"d\"],\"pos_scores\":[0],\"neg_scores\":[0,0],\"more\":1}", lines[0]);       // a head of zeros
        Assert.Equal("{\"query\":\"c\",\"pos\":[\"c\"],\"neg\":[],\"pos_scores\":[0],\"neg_scores\":[]}", lines[1]);
        Assert.Contains("no cross-encoder", (await Bge("score", "--model", Model(), "--pairs", pairs, "--out", In("none.jsonl"), "--precision", "float32")).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(In("none.jsonl")));
        Assert.Contains("gives NaN for a passage of the query \"q\"", Assert.Throws<BadInput>(() => ScoreCommand.Score(new Broken(), [new("q", ["a"], [])])).Message, StringComparison.Ordinal);
        TrainingExample[] lengths = ScoreCommand.Score(new Lengths(), [new("q", ["aa", "b"], ["ccc"]), new("r", ["dddd"], ["", "ee"])]);
        Assert.Equal([2, 1, 4], lengths.SelectMany(e => e.PositiveScores!));
        Assert.Equal([3, 0, 2], lengths.SelectMany(e => e.NegativeScores!));
    }

    private sealed class Broken : IReranker
    {
        public int MaxLength => 9;

        public float[] Score(IReadOnlyList<TextPair> pairs) => [.. pairs.Select(_ => float.NaN)];
    }

    private sealed class Lengths : IReranker
    {
        public int MaxLength => 9;

        public float[] Score(IReadOnlyList<TextPair> pairs) => [.. pairs.Select(p => (float)p.Passage.Length)];
    }

    [Fact]
    public async Task A_bitext_by_its_words_is_in_the_report_for_programs_too()
    {
        string[] common = ["eval", "--model", Model(), "--data", Given("x.de", "a\nb\n"), "--other", Given("x.en", "a\nb\n"), "--task", "bitext", "--precision", "float32", "--out", In("b.json")];
        Assert.Equal(0, (await Bge(common)).Code);
        using var both = JsonDocument.Parse(File.ReadAllBytes(In("b.json")));
        Assert.Equal(["dense", "bm25"], both.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.Equal(0, (await Bge([.. common, "--modes", "bm25"])).Code);
        using var one = JsonDocument.Parse(File.ReadAllBytes(In("b.json")));
        Assert.Equal("bm25", Assert.Single(one.RootElement.EnumerateObject()).Name);
    }

    [Fact]
    public async Task Search_takes_the_same_modes_re_ranks_and_keeps_what_it_embedded()
    {
        Beir();
        string[] common = ["search", "d d", "--model", Model(), "--corpus", Path.Combine(In("beir"), "corpus.jsonl"), "--precision", "float32"];
        foreach (string mode in (string[])["rrf", "dense", "bm25", "hybrid"])
        {
            var found = await Bge([.. common, "--mode", mode, "--top", "1", .. mode == "bm25" ? Array.Empty<string>() : ["--index", In("kept")]]);
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
        // Shorter vectors have a place of their own.
        Assert.Equal(0, (await Bge([.. common, "--mode", "dense", "--dimensions", "2", "--index", In("kept")])).Code);
        Assert.Equal(written, File.GetLastWriteTimeUtc(shard));
        Assert.Single(Directory.GetFiles(In("kept/2-numbers"), "*.safetensors"));
        Assert.Contains("--index keeps embeddings, and --mode bm25 makes none", (await Bge([.. common, "--mode", "bm25", "--index", In("kept")])).Error, StringComparison.Ordinal);
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

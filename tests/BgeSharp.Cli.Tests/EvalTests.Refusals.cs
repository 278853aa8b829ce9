// Options of bge eval that would do nothing, or that are wrong, are refused.

using BgeSharp.Evaluation.Reports;

namespace BgeSharp.Cli.Tests;

public sealed partial class EvalTests
{
    [Theory]
    [InlineData("--sweep", "--modes", "dense,rrf", "--sweep", "dev")]
    [InlineData("--weights", "--modes", "dense", "--weights", "dense=1")]
    [InlineData("--weights", "--modes", "hybrid", "--weights", "dense=1", "--sweep", "dev")]
    [InlineData("--candidates", "--candidates", "5")]
    [InlineData("--bm25-k1", "--modes", "dense", "--bm25-k1", "1.2")]
    [InlineData("--split-tokens", "--modes", "bm25", "--split-tokens", "8")]
    [InlineData("--mcls", "--modes", "bm25", "--mcls", "8")]
    [InlineData("--dimensions", "--modes", "bm25", "--dimensions", "8")]
    [InlineData("--dimensions", "--modes", "sparse,multi_all", "--dimensions", "8")]
    [InlineData("--dimensions", "--dimensions", "8", "0")]
    [InlineData("--out", "--dimensions", "8", "4", "--out", "o.json")]
    [InlineData("--reranker", "--reranker", "r")]
    [InlineData("--modes", "--modes", "dense+rerank")]
    [InlineData("--modes", "--modes", ",")]
    [InlineData("--paragraphs", "--format", "beir", "--paragraphs", "p")]
    [InlineData("--corpus", "--corpus", "c")]
    [InlineData("--metrics", "--format", "mkqa", "--corpus", "c", "--metrics", "map")]
    [InlineData("--split", "--format", "squad", "--split", "dev")]
    [InlineData("--title-separator", "--format", "squad", "--title-separator", "x")]
    [InlineData("--other", "--other", "o")]
    [InlineData("--per-query", "--per-query")]
    [InlineData("--complete", "--complete")]
    [InlineData("--modes", "--task", "sts", "--modes", "dense,bm25")]
    [InlineData("--modes", "--task", "reranking", "--modes", "bm25")]
    [InlineData("--top-k", "--task", "sts", "--top-k", "5")]
    [InlineData("--metrics", "--task", "pairs", "--metrics", "map")]
    [InlineData("--save-runs", "--task", "bitext", "--save-runs", "d")]
    [InlineData("--max-queries", "--task", "clustering", "--max-queries", "5")]
    [InlineData("--query-instruction", "--task", "classification", "--query-instruction", "i")]
    [InlineData("--reranker", "--task", "reranking", "--reranker", "r")]
    [InlineData("--mcls", "--task", "reranking", "--modes", "dense+rerank", "--reranker", "r", "--mcls", "8")]
    public async Task What_would_do_nothing_for_a_set_is_refused(string option, params string[] args)
    {
        var (code, output, error) = await Bge(["eval", "--model", "m", "--data", "d", .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.Matches($"^{option}[ :]", error);
    }

    [Theory]
    [InlineData("--modes", "dense")]
    [InlineData("--metrics", "map")]
    [InlineData("--out", "o.json")]
    [InlineData("--per-query")]
    [InlineData("--query-instruction", "i")]
    [InlineData("--sweep", "dev")]
    [InlineData("--split-tokens", "8")]
    [InlineData("--max-queries", "8")]
    [InlineData("--title-separator", "x")]
    [InlineData("--ignore-identical-ids")]
    [InlineData("--split", "dev")]
    [InlineData("--weights", "dense=1")]
    [InlineData("--reranker", "r")]
    [InlineData("--top-k", "101")]
    [InlineData("--complete")]
    public async Task What_would_do_nothing_for_a_suite_is_refused(params string[] args)
    {
        Beir();
        string suite = Given("suite.json", "{ \"sets\": [ { \"path\": \"beir\" } ] }");
        var (code, output, error) = await Bge(["eval", "--model", "m", "--suite", suite, .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(args[0] + " ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--report", "d")]
    [InlineData("--data", "d")]
    [InlineData("--modes", "dense")]
    [InlineData("--reranker", "r")]
    [InlineData("--split-tokens", "8")]
    [InlineData("--per-query")]
    [InlineData("--relevant-from", "0")]
    public async Task What_would_do_nothing_for_a_ranking_is_refused(params string[] args)
    {
        var (code, output, error) = await Bge(["eval", "--run", "r", "--qrels", "q", .. args]);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith(args[0] + " ", error, StringComparison.Ordinal);
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

// Options of bge eval that would do nothing, or that are wrong, are refused.

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
}

// The commands through the same door that the process uses, and what reaches standard output and standard error.

using BgeSharp.Cli.Terminals;

namespace BgeSharp.Cli.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-cli").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    private string Given(string name, string text)
    {
        File.WriteAllText(In(name), text);
        return In(name);
    }

    private static async Task<(int Code, string Output, string Error)> Bge(params string[] args)
    {
        (StringWriter output, StringWriter error) = (new(), new());
        int code = await CommandLine.RunAsync(args, Terminal.For(output, error), TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    [Fact]
    public async Task Help_is_printed_with_code_0()
    {
        var (code, output, _) = await Bge("--help");
        Assert.Equal(0, code);
        Assert.Contains("tokenize", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("an unknown command", "tokenise")]
    [InlineData("no command")]
    [InlineData("a command without its command", "mine")]
    [InlineData("a missing option", "tokenize", "--input", "x")]
    [InlineData("an unknown option", "eval", "--run", "a", "--qrels", "b", "--colour")]
    [InlineData("a value of the wrong type", "mine", "pairs", "--input", "x", "--out", "y", "--seed", "one")]
    [InlineData("a value out of range", "mine", "pairs", "--input", "x", "--out", "y", "--passage-characters", "3")]
    public async Task Bad_usage_ends_with_2_and_says_where_help_is(string what, params string[] args)
    {
        var (code, output, error) = await Bge(args);
        Assert.True(code == 2, what);
        Assert.Equal("", output);
        Assert.Contains("--help\" shows what it takes.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_input_ends_with_2_one_sentence_and_nothing_written()
    {
        string vocabulary = Given("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
        string input = Given("x.jsonl", "{\"text\":\"a\"}\n{\"txt\":\"a\"}\n");

        var (code, _, error) = await Bge("tokenize", "--tokenizer", vocabulary, "--input", input, "--out", In("y.jsonl"));

        Assert.Equal(2, code);
        Assert.Equal($"{input}:2: \"text\" is missing, a string is needed", error.TrimEnd());
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public async Task What_the_disk_refuses_ends_with_1_and_one_sentence()
    {
        string run = Given("r.trec", "q Q0 d 1 1.0 t\n");
        string qrels = Given("q.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\n");

        var (code, _, error) = await Bge("eval", "--run", run, "--qrels", qrels, "--out", In(new string('x', 300))); // no disk has such long names

        Assert.Equal(1, code);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Tokenize_writes_ids_of_texts_and_pairs_in_order()
    {
        string vocabulary = Given("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n");
        string input = Given("x.jsonl", "{\"text\":\"a ab\"}\n\n{\"text\":\"a\",\"pair\":\"ab\"}\n{\"text\":\"\"}\n");

        Assert.Equal(0, (await Bge("tokenize", "--tokenizer", vocabulary, "--input", input, "--out", In("plain.jsonl"))).Code);
        Assert.Equal(0, (await Bge("tokenize", "--tokenizer", vocabulary, "--input", input, "--out", In("special.jsonl"), "--special")).Code);

        Assert.Equal(["{\"ids\":[5,5,6]}", "{\"ids\":[5,5,6]}", "{\"ids\":[]}"], File.ReadAllLines(In("plain.jsonl")));
        Assert.Equal(["{\"ids\":[2,5,5,6,3]}", "{\"ids\":[2,5,3,5,6,3]}", "{\"ids\":[2,3]}"], File.ReadAllLines(In("special.jsonl")));
    }

    [Fact]
    public async Task Tokenize_keeps_the_order_over_many_blocks()
    {
        string vocabulary = Given("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n");
        string input = Given("x.jsonl", string.Concat(Enumerable.Range(0, 9000).Select(i => i % 7 == 0 ? "{\"text\":\"b\"}\n" : "{\"text\":\"a\"}\n")));

        await Bge("tokenize", "--tokenizer", vocabulary, "--input", input, "--out", In("y.jsonl"));

        Assert.Equal(Enumerable.Range(0, 9000).Select(i => i % 7 == 0 ? "{\"ids\":[6]}" : "{\"ids\":[5]}"), File.ReadLines(In("y.jsonl")));
    }

    [Theory]
    [InlineData("wordpiece")]
    [InlineData("unigram")]
    public async Task A_trained_vocabulary_is_one_that_tokenize_can_use(string type)
    {
        string documents = Given("d.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => $"{{\"id\":\"{i}\",\"body\":\"开源许可证 number {i} says what others may do.\\nThe second line {i * 7}.\"}}\n")));
        string input = Given("x.jsonl", "{\"text\":\"许可证 number 7\"}\n");

        var (code, output, error) = await Bge("tokenizer", "train", "--input", documents, "--fields", "text=body", "id=id", "--type", type, "--size", "300", "--out", In("vocabulary"));
        var tokenized = await Bge("tokenize", "--tokenizer", In("vocabulary"), "--input", input, "--out", In("y.jsonl"), "--special");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains(" pieces.", output, StringComparison.Ordinal);
        Assert.Equal((0, ""), (tokenized.Code, tokenized.Error));
        Assert.Matches("^\\{\"ids\":\\[[0-9]+(,[0-9]+){4,}\\]\\}$", Assert.Single(File.ReadAllLines(In("y.jsonl"))));
    }

    [Fact]
    public async Task Mine_pairs_reads_documents_with_named_fields_and_counts_what_it_did()
    {
        string input = Given("d.jsonl", """
            {"key":"1","headline":"How rivers find the sea","story":"Rivers run downhill because of gravity, and most of them end in the sea after a long way."}
            {"key":"2","headline":"怎样选择开源许可证","story":"开源许可证决定别人可以怎样使用你的代码，选择之前先想清楚你愿意让别人做什么。"}

            """);
        string[] common = ["mine", "pairs", "--input", input, "--fields", "id=key", "title=headline", "text=story", "--miners", "title-body"];

        var (code, output, error) = await Bge([.. common, "--out", In("all.jsonl")]);
        var chinese = await Bge([.. common, "--out", In("zh.jsonl"), "--min-han-share", "0.5"]);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("2 pairs from 2 documents (2 title-body)", output, StringComparison.Ordinal);
        Assert.Equal(2, File.ReadAllLines(In("all.jsonl")).Length);
        Assert.Contains("\"query\":\"怎样选择开源许可证\"", Assert.Single(File.ReadAllLines(In("zh.jsonl"))), StringComparison.Ordinal);
        Assert.Contains("1 documents (script)", chinese.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Eval_scores_a_run_and_writes_the_report_that_was_asked_for()
    {
        string run = Given("r.trec", "q1 Q0 d2 1 2.0 t\nq1 Q0 d1 2 1.0 t\nq2 Q0 d9 1 1.0 t\n");
        string qrels = Given("q.trec", "q1 0 d1 1\nq2 0 d9 1\nq3 0 d5 1\n");

        var (code, output, _) = await Bge("eval", "--run", run, "--qrels", qrels, "--metrics", "mrr@10,recall@1", "--per-query", "--out", In("report.json"));

        Assert.Equal(0, code);
        Assert.Contains("0.7500", output, StringComparison.Ordinal);
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(In("report.json")));
        Assert.Equal(0.75, json.RootElement.GetProperty("run").GetProperty("mrr@10").GetDouble());
        Assert.Equal(0.5, json.RootElement.GetProperty("per_query").GetProperty("run").GetProperty("q1").GetProperty("mrr@10").GetDouble());
    }

    [Fact]
    public async Task A_stopped_command_ends_with_1_and_leaves_nothing()
    {
        string vocabulary = Given("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
        string input = Given("x.jsonl", "{\"text\":\"a\"}\n");
        var error = new StringWriter();

        int code = await CommandLine.RunAsync(["tokenize", "--tokenizer", vocabulary, "--input", input, "--out", In("y.jsonl")], Terminal.For(error, error), new CancellationToken(canceled: true));

        Assert.Equal(1, code);
        Assert.Equal("stopped.", error.ToString().TrimEnd());
        Assert.Equal(2, Directory.GetFiles(folder).Length);
    }
}

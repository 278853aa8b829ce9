using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Reports;
using BgeSharp.Evaluation.Tasks;
using BgeSharp.Formats.Collections;
using BgeSharp.Tests.Formats;

namespace BgeSharp.Tests.Evaluation.Readers;

public sealed class ReaderTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Given(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        return _folder.Write(name, text);
    }

    [Fact]
    public void Pairs_are_read_from_columns_and_lines()
    {
        Assert.Equal([new("a", "b", 5), new("c", "d", 0.5)], PairScores.Read(Given("a.txt", "a\tb\t5\nc\td\t0.5\n")));
        Assert.Equal([new("x", "y", 1)], PairScores.Read(Given("b.tsv", "id\tsentence1\tsentence2\tlabel\n4\tx\ty\t1\n")));
        Assert.Equal([new("x", "y", 1), new("x", "z", 0)], PairScores.Read(Given("n.txt", "x\ty\tentailment\nx\tw\t-\nx\tz\tneutral\n")));
        Assert.Equal([new("x", "y", 2.5)], PairScores.Read(Given("c.jsonl", "{\"sentence1\":\"x\",\"sentence2\":\"y\",\"score\":2.5}\n")));
        Assert.Contains("a.txt:2", Assert.Throws<BadInput>(() => PairScores.Read(Given("a.txt", "a\tb\t5\nc\td\tyes\n"))).Message, StringComparison.Ordinal);
        Assert.Contains("a.txt:1", Assert.Throws<BadInput>(() => PairScores.Read(Given("a.txt", "a\tb\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_sets_lists_and_translations_are_read()
    {
        Given("c/train.jsonl", "{\"text\":\"a\",\"label\":1}\n");
        Given("c/test.tsv", "b\t2\n");
        Assert.Equal("2", LabelledTexts.ReadClassification(_folder["c"]).Test[0].Label);
        Assert.Equal(2, LabelledTexts.ReadClustering(Given("k.jsonl", "{\"sentences\":[\"a\",\"b\"],\"labels\":[\"x\",1]}\n{\"sentences\":[\"a\"],\"labels\":[\"x\"]}\n")).Sets.Count);
        Assert.Contains("k.jsonl:1", Assert.Throws<BadInput>(() => LabelledTexts.ReadClustering(Given("k.jsonl", "{\"sentences\":[\"a\"],\"labels\":[]}\n"))).Message, StringComparison.Ordinal);
        Assert.Equal(["p"], RerankingLists.Read(Given("r.jsonl", "{\"query\":\"q\",\"positive\":[\"p\"],\"negative\":[\"n\"]}\n")).Lists[0].Positives);
        Assert.Equal(["x"], BitextFiles.ReadAligned(Given("t.de", "a\n"), Given("t.en", "x\n")).Second);
        Assert.Contains("2 lines, and 1", Assert.Throws<BadInput>(() => BitextFiles.ReadAligned(Given("t.de", "a\nb\n"), Given("t.en", "x\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_line_is_no_sample_and_names_the_columns()
    {
        Assert.Equal([new("a", "x"), new("b", "y")], LabelledTexts.Read(Given("h.tsv", "text\tlabel\na\tx\nb\ty\n")));
        Assert.Equal([new("a", "x")], LabelledTexts.Read(Given("h.tsv", "id\tLabel\tSentence \n7\tx\ta\n")));
        Assert.Equal(["a"], Assert.Single(LabelledTexts.ReadClustering(Given("h.txt", "sentence\tlabel\na\tx\n")).Sets).Select(t => t.Text));
        Given("c/train.tsv", "label\ttext\nx\ta\n");
        Given("c/test.tsv", "b\ty\n");
        ClassificationTask task = LabelledTexts.ReadClassification(_folder["c"]);
        Assert.Equal([new("a", "x"), new("b", "y")], task.Train.Concat(task.Test));
        BitextTask bitext = BitextFiles.Read(Given("b.tsv", "sentence1\tsentence2\na\tx\n"));
        Assert.Equal(("a", "x"), (Assert.Single(bitext.First), Assert.Single(bitext.Second)));

        // A header names all that is read; one word alone, or a line further down, is a sample.
        Assert.Equal([new("text", "7"), new("text", "label")], LabelledTexts.Read(Given("h.tsv", "text\t7\ntext\tlabel\n")));
        Assert.Equal(["source", "a"], BitextFiles.Read(Given("b.tsv", "source\tQuelle\na\tx\n")).First);
        Assert.Contains("no labelled text", Assert.Throws<BadInput>(() => LabelledTexts.Read(Given("h.tsv", "text\tlabel\n"))).Message, StringComparison.Ordinal);
        Assert.Contains("h.tsv:2", Assert.Throws<BadInput>(() => LabelledTexts.Read(Given("h.tsv", "text\tlabel\na\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Miracl_MsMarco_Mldr_and_Mkqa_are_read()
    {
        Given("m/topics/topics.miracl-v1.0-zh-dev.tsv", "1\t什么是 栈\n2\tunjudged\n");
        Given("m/qrels/qrels.miracl-v1.0-zh-dev.tsv", "1 Q0 d#1 1\n1 Q0 d#2 0\n");
        Given("m/corpus/docs-0.jsonl", "{\"docid\":\"d#1\",\"title\":\"栈\",\"text\":\"后进先出\"}\n");
        Given("m/corpus/docs-1.jsonl", "{\"docid\":\"d#2\",\"text\":\"x\"}\n");
        RetrievalSet miracl = CollectionReader.Load(_folder["m"], new CollectionOptions { Split = "dev", TitleSeparator = "\n" }).Set;
        Assert.Equal((2, 1, "栈\n后进先出"), (miracl.Corpus.Count, miracl.Queries.Count, miracl.Corpus[0].FullText));

        Given("ms/collection.tsv", "0\tfirst passage\n1\tsecond\n");
        Given("ms/queries.dev.small.tsv", "7\tfirst\n");
        Given("ms/qrels.dev.small.tsv", "7\t0\t0\t1\n");
        Assert.Equal(1, CollectionReader.Load(_folder["ms"], new CollectionOptions { Split = "dev" }).Set.Qrels["7"]["0"]);

        Given("l/corpus.jsonl", "{\"docid\":\"doc-1\",\"text\":\"long\"}\n");
        Given("l/test.jsonl", "{\"query_id\":\"q1\",\"query\":\"?\",\"positive_passages\":[{\"docid\":\"doc-1\"}]}\n");
        Assert.Equal(1, CollectionReader.Load(_folder["l"], new CollectionOptions { Format = "mldr" }).Set.Qrels["q1"]["doc-1"]);

        string corpus = Given("w.jsonl", "{\"_id\":\"1\",\"text\":\"Built in Århus, 1931.\"}\n{\"_id\":\"2\",\"text\":\"nothing\"}\n");
        string questions = Given("mkqa.jsonl", "{\"example_id\":5,\"queries\":{\"da\":\"Hvor?\"},\"answers\":{\"en\":[{\"type\":\"entity\",\"text\":\"århus\",\"aliases\":[\"Aarhus\"]}]}}\n{\"example_id\":6,\"queries\":{\"da\":\"Hm?\"},\"answers\":{\"en\":[{\"type\":\"unanswerable\",\"text\":\"\"}]}}\n");
        TestCollection mkqa = CollectionReader.Load(questions, new CollectionOptions { Format = "mkqa", Language = "da", Corpus = corpus });
        Assert.Single(mkqa.Set.Queries);
        ModeOutcome outcome = new RetrievalRun(mkqa, [], new SearchOptions()).Score("x", [[new(1, 2), new(0, 1)]]);
        Assert.Equal((0, 1), (outcome.Report.Metrics["recall@1"], outcome.Report.Metrics["recall@5"]));
    }

    [Fact]
    public void Answers_are_found_by_tokens_and_not_within_words()
    {
        Assert.True(AnswerMatch.Holds("Die Stadt ZÜRICH liegt hier.", ["Zürich"]));
        Assert.True(AnswerMatch.Holds("in the year 1931, they", ["1931 ,"]));
        Assert.False(AnswerMatch.Holds("category", ["cat"]));
        Assert.False(AnswerMatch.Holds("x", [""]));
    }

    [Fact]
    public void Questions_find_the_parallel_paragraph_of_other_languages()
    {
        string zh = Given("zh.json", "{\"data\":[{\"paragraphs\":[{\"context\":\"一\",\"qas\":[{\"id\":\"a\",\"question\":\"问\"}]},{\"context\":\"二\",\"qas\":[{\"id\":\"b\",\"question\":\"题\"}]}]}]}");
        string en = Given("en.json", "{\"data\":[{\"paragraphs\":[{\"context\":\"two\",\"qas\":[{\"id\":\"b\",\"question\":\"q\"}]},{\"context\":\"one\",\"qas\":[{\"id\":\"a\",\"question\":\"q\"}]}]}]}");
        RetrievalSet one = CollectionReader.Load(zh, new CollectionOptions { Paragraphs = [en] }).Set;
        Assert.Equal("one", one.Corpus.Single(p => one.Qrels["a"].ContainsKey(p.Id)).Text);
        RetrievalSet both = CollectionReader.Load(zh, new CollectionOptions { Paragraphs = [en, zh] }).Set;
        Assert.Equal((4, 2), (both.Corpus.Count, both.Qrels["a"].Count));
        string other = Given("x.json", "{\"data\":[{\"paragraphs\":[{\"context\":\"two\",\"qas\":[{\"id\":\"z\",\"question\":\"q\"}]}]}]}");
        Assert.Throws<BadInput>(() => CollectionReader.Load(zh, new CollectionOptions { Paragraphs = [other] }));
    }

    [Fact]
    public void What_is_odd_about_judgements_is_said_and_what_is_hopeless_refused()
    {
        var qrels = Qrels.Load(Given("q.tsv", "q 1\td 1\t1\nq 1\td 1\t1\nq 1\tgone\t1\nq2\td 1\t-1\nq3\td 1\t0\n"));
        Passage[] corpus = [new("d 1", "", "text")];
        Query[] queries = [new("q 1", "text"), new("q2", "x"), new("q3", "y")];
        var collection = new TestCollection(new RetrievalSet("s", corpus, queries, qrels));
        string notes = string.Join("|", collection.Check());
        foreach (string wanted in (string[])["1 relevant judgements name passages", "1 judgements have a negative", "1 judgements come a second time", "2 of 3 queries have no relevant"])
        {
            Assert.Contains(wanted, notes, StringComparison.Ordinal);
        }
        ModeOutcome outcome = new RetrievalRun(collection, [RetrievalMode.Parse("bm25")], new SearchOptions()).Run(null)[0];
        EvaluationResult row = new RetrievalRows(collection).Row("bm25", outcome, "", 0);
        Assert.Equal((3, 1 / 6.0), (row.Count, Math.Round(row.Metrics["recall@10"], 9) is var r && Math.Abs(r - (1 / 6.0)) < 1e-8 ? 1 / 6.0 : r));
        Assert.Contains(row.Notes, n => n.StartsWith("Without those 2 queries", StringComparison.Ordinal));
        Assert.Throws<BadInput>(() => new TestCollection(new RetrievalSet("s", [], queries, qrels)).Check());
        Assert.Throws<BadInput>(() => new TestCollection(new RetrievalSet("s", corpus, [], new Qrels())).Check());
        var none = new Qrels();
        none.Add("q2", "d 1", 0);
        Assert.Contains("no query has a relevant", Assert.Throws<BadInput>(() => new TestCollection(new RetrievalSet("s", corpus, [queries[1]], none)).Check()).Message, StringComparison.Ordinal);
        Assert.Contains("q.tsv:2", Assert.Throws<BadInput>(() => Qrels.Load(Given("q.tsv", "q\td\t1\nq\td\t2\n"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_keep_ids_with_spaces_and_refuse_what_they_cannot_hold()
    {
        var run = new TrecRun("t", new Dictionary<string, IReadOnlyList<ScoredDocument>> { ["q 1"] = [new("d 1", 2), new("d2", 1)] });
        run.Save(_folder["r.trec"]);
        Assert.Equal([new("d 1", 2), new("d2", 1)], TrecRun.Load(_folder["r.trec"]).Rankings["q 1"]);
        Assert.Throws<BadInput>(() => new TrecRun("t", new Dictionary<string, IReadOnlyList<ScoredDocument>> { ["q"] = [new("a\tb", 1)] }).Save(_folder["x.trec"]));
        Assert.False(File.Exists(_folder["x.trec"]));
    }

    [Fact]
    public void A_report_is_read_back_as_it_was_and_others_are_refused()
    {
        var collection = new TestCollection(new RetrievalSet("s", [new("d", "", "红色 text"), new("e", "", "blue")], [new("q", "红色")], Qrels.Load(Given("q.tsv", "q\te\t1\n"))));
        ModeOutcome outcome = new RetrievalRun(collection, [RetrievalMode.Parse("bm25")], new SearchOptions()).Run(null)[0];
        EvaluationResult row = new RetrievalRows(collection).Row("bm25", outcome, "k1", 1.5);
        Assert.Equal(["红色"], row.Worst[0].Hits[0].Matched);
        Assert.Equal(("e", 0), (row.Worst[0].Missed!.Id, row.Worst[0].Missed!.Rank));
        ReportFile.Write(_folder["e.json"], new EvaluationReport("n", [row]) { Machine = "m" });
        string text = File.ReadAllText(_folder["e.json"]);
        EvaluationReport read = ReportFile.Read(_folder["e.json"]);
        ReportFile.Write(_folder["again.json"], read);
        Assert.Equal(text, File.ReadAllText(_folder["again.json"]));
        Assert.StartsWith("{\n  \"version\": 1,", text, StringComparison.Ordinal);
        Assert.Contains("\"per_item\"", text, StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => ReportFile.Read(Given("v.json", "{\"version\": 9, \"report\": null}")));
        Assert.Throws<BadInput>(() => ReportFile.Read(Given("v.json", "{\"dense\": {}}")));
        Assert.Throws<BadInput>(() => ReportFile.Read(Given("v.json", "{\"version\": 1, \"report\": {\"name\": \"x\"}}")));
    }
}

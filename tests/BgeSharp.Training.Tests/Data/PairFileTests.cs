using System.Text.Json;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Pairs;
using CsCheck;

namespace BgeSharp.Training.Tests.Data;

public class PairFileTests
{
    private static readonly Gen<string> Text = Gen.String[Gen.Char["甲乙丙 ab\"\\\n\t<>&é‐"], 1, 12].Where(t => !string.IsNullOrWhiteSpace(t));

    private static string Error(string lines)
    {
        using var folder = new TemporaryFolder();
        return Assert.Throws<BadInput>(() => PairFile.Read(folder.Write("p.jsonl", lines)).ToList()).Message;
    }

    [Fact]
    public void Every_field_survives_reading_and_writing()
    {
        using var folder = new TemporaryFolder();
        string line = """{"query":"问 <b>","pos":["答"],"neg":["错","误"],"pos_scores":[0.1],"neg_scores":[1e-07,-3],"pos_ids":["p 1"],"neg_ids":["","7"],"prompt":"为这个句子","passage_prompt":"文：","type":"normal","miner":"title-body","source":"s","group":"g","id":12345678901234567890,"meta":{"a":[1,null,"é"]}}""";
        string path = folder.Write("a.jsonl", line + "\n");
        string copy = Path.Combine(folder.Path, "sub", "b.jsonl");
        Assert.Equal(1, PairFile.Write(copy, PairFile.Read(path)));
        Assert.Equal(line.Replace("1e-07", "1E-07") + "\n", File.ReadAllText(copy));
        Assert.Equal([copy], Directory.GetFiles(Path.GetDirectoryName(copy)!));
    }

    [Fact]
    public void Any_example_comes_back_as_it_was() =>
        Gen.Select(Text, Text.List[1, 3], Text.List[0, 3], Gen.Double.Where(double.IsFinite)).Sample(
            (query, positives, negatives, score) =>
            {
                using var folder = new TemporaryFolder();
                string path = Path.Combine(folder.Path, "a.jsonl.gz");
                PairFile.Write(path, [new TrainingExample(query, positives, negatives) { PositiveScores = [.. positives.Select(_ => score)] }]);
                TrainingExample back = Assert.Single(PairFile.Read(path));
                return back.Query == query && back.Positives.SequenceEqual(positives) && back.Negatives.SequenceEqual(negatives) && back.PositiveScores!.All(s => s == score) && back.NegativeScores is null && back.Prompt is null;
            },
            iter: 40);

    [Fact]
    public void What_is_null_is_as_good_as_missing()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", """{"query":"q","pos":["a"],"neg":null,"prompt":null,"passage_prompt":null,"pos_scores":null,"neg_scores":null,"pos_ids":null,"type":null}""" + "\n");
        TrainingExample example = Assert.Single(PairFile.Read(path));
        Assert.Equal(new TrainingExample("q", example.Positives, example.Negatives), example);
        Assert.Empty(example.Negatives);
    }

    [Fact]
    public void A_failed_writing_leaves_the_old_file_and_no_litter()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.jsonl", "old");
        static IEnumerable<TrainingExample> Failing()
        {
            yield return new TrainingExample("问", ["答"], []);
            throw new BadInput("stop");
        }
        Assert.Throws<BadInput>(() => PairFile.Write(path, Failing()));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("""{"pos":["a"]}""", "p.jsonl:2: \"query\" is missing")]
    [InlineData("""{"query":"q"}""", "p.jsonl:2: \"pos\" is missing")]
    [InlineData("""{"query":" ","pos":["a"]}""", "\"query\" is empty")]
    [InlineData("""{"query":"q","pos":[]}""", "\"pos\" is empty; at least one text")]
    [InlineData("""{"query":"q","pos":"a"}""", "\"pos\" is the string \"a\", an array of strings is needed.")]
    [InlineData("""{"query":"q","pos":["a",1]}""", "\"pos[1]\" is the number 1, a string is needed.")]
    [InlineData("""{"query":"q","pos":["a"],"neg":[""]}""", "\"neg[0]\" is empty; give [] when there are no negatives.")]
    [InlineData("""{"query":"q","pos":["a"],"pos_scores":[1,2]}""", "\"pos_scores\" has 2 numbers and \"pos\" has 1 texts")]
    [InlineData("""{"query":"q","pos":["a"],"neg_scores":[1]}""", "\"neg_scores\" has 1 numbers and \"neg\" has 0 texts")]
    [InlineData("""{"query":"q","pos":["a"],"pos_scores":["1"]}""", "\"pos_scores[0]\" is the string \"1\", a finite number is needed.")]
    [InlineData("""{"query":"q","pos":["a"],"pos_ids":["1","2"]}""", "\"pos_ids\" has 2 ids and \"pos\" has 1 texts; one id a text is needed.")]
    [InlineData("""{"query":"q","pos":["a"],"pos_ids":[1.5]}""", "\"pos_ids[0]\" is the number 1.5, a string or an integer is needed.")]
    [InlineData("""{"query":"q","pos":["a"],"prompt":1}""", "\"prompt\" is the number 1, a string is needed.")]
    [InlineData("""{"query":"q" """, "p.jsonl:2: not JSON")]
    [InlineData("""{"query":"q","pos":["a"],"\ud83d":1}""", "p.jsonl:2: a field's name has a lone surrogate in it")]
    [InlineData("""{"query":"q","pos":["a"],"meta":[{"a":"\uDC00"}]}""", "p.jsonl:2: \"meta\" has a string with a lone surrogate in it")]
    public void A_wrong_line_is_named_with_file_line_and_field(string line, string message) =>
        Assert.Contains(message, Error("{\"query\":\"好\",\"pos\":[\"好的\"],\"neg\":null}\n" + line), StringComparison.Ordinal);

    [Fact]
    public void Ids_may_be_integers()
    {
        using var folder = new TemporaryFolder();
        TrainingExample read = Assert.Single(PairFile.Read(folder.Write("p.jsonl", """{"query":"q","pos":["a"],"neg":["b","c"],"pos_ids":[7],"neg_ids":["x",8]}""")));
        Assert.Equal(["7"], read.PositiveIds!);
        Assert.Equal(["x", "8"], read.NegativeIds!);
    }

    [Fact]
    public void A_file_without_pairs_is_an_error() => Assert.Contains("no training pairs", Error("\n"), StringComparison.Ordinal);

    [Fact]
    public void Squad_files_give_question_and_paragraph_by_article()
    {
        using var folder = new TemporaryFolder();
        string squad = """{"version":"1","data":[{"title":"战国","paragraphs":[{"context":" 段落。","qas":[{"id":"Q1","question":"何时？","answers":[]},{"question":"无解？","is_impossible":true}]}]}]}""";
        TrainingExample pair = Assert.Single(SquadPairs.Read(folder.Write("s.json.gz", TemporaryFolder.Gzip(squad))));
        Assert.Equal(("何时？", "段落。", "战国", "s.json.gz"), (pair.Query, Assert.Single(pair.Positives), pair.Group, pair.Source));
        Assert.Equal("Q1", pair.Extra!["id"].GetString());
        Assert.Equal(JsonValueKind.String, pair.Extra["id"].ValueKind);
    }

    [Theory]
    [InlineData("[]", "\"data\" is not an array")]
    [InlineData("{\"data\":[{\"paragraphs\":[{\"context\":\"c\"}]}]}", "\"data[0].paragraphs[0].qas\" is not an array")]
    [InlineData("{\"data\":[{\"paragraphs\":[{\"context\":\"c\",\"qas\":[{}]}]}]}", "\"data[0].paragraphs[0].qas[0].question\" is missing or empty")]
    [InlineData("{\"data\":[3]}", "\"data[0].paragraphs\" is not an array")]
    [InlineData("{\"data\":[]}", "no questions in it")]
    [InlineData("""{"data":[{"\ud83d":1}]}""", "a field's name has a lone surrogate in it")]
    [InlineData("""{"data":[{"paragraphs":[{"context":"c","qas":[{"question":"\ud83d"}]}]}]}""", "\"data[0].paragraphs[0].qas[0].question\" is missing or empty")]
    [InlineData("{\n\"data\":", "s.json:2: not JSON")]
    public void A_wrong_squad_file_is_named_with_its_place(string json, string message)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("s.json", json);
        Assert.Contains(message, Assert.Throws<BadInput>(() => SquadPairs.Read(path)).Message, StringComparison.Ordinal);
    }
}

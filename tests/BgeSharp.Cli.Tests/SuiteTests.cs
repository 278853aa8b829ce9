// What is wrong with a suite is said with file, line and field before a model is loaded.

using BgeSharp.Cli.Evaluations;

namespace BgeSharp.Cli.Tests;

public sealed class SuiteTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-suite").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Given(string name, string text)
    {
        File.WriteAllText(Path.Combine(folder, name), text);
        return Path.Combine(folder, name);
    }

    [Theory]
    [InlineData("""[]""", ":1: the evaluation suite is a list, an object is needed.")]
    [InlineData("""{ "sets": [ }""", ":1: not valid JSON:")]
    [InlineData("""{}""", ": sets is missing or empty; a value is needed.")]
    [InlineData("""{ "sets": [ null ] }""", ":1: sets[0] is null, an object is needed.")]
    [InlineData("""{ "sets": [ {} ] }""", ":1: sets[0].path is missing or empty; name a file or folder.")]
    [InlineData("""{ "sets": [ { "pats": "here.tsv" } ] }""", ":1: sets[0].pats is not known; did you mean path?")]
    [InlineData("""{ "sets": [ { "path": 3 } ] }""", ":1: sets[0].path is 3, a string is needed.")]
    [InlineData("""{ "topK": 0, "sets": [] }""", ":1: topK is 0; allowed is 1 and above.")]
    [InlineData("""{ "modes": [], "sets": [] }""", ":1: modes has too few entries; at least 1 is needed.")]
    [InlineData("{ \"sets\": [ { \"path\": \"here.tsv\" },\n { \"path\": \"gone.tsv\" } ] }", ":2: sets[1].path is \"gone.tsv\", and ")]
    [InlineData("""{ "sets": [ { "path": "here.tsv", "paragraphs": [ "here.tsv", "gone.json" ] } ] }""", ":1: sets[0].paragraphs[1] is \"gone.json\", and ")]
    [InlineData("""{ "sets": [ { "path": "here.tsv", "task": "stz" } ] }""", ":1: sets[0].task is \"stz\"; allowed are retrieval, sts, pairs, classification, clustering, reranking, bitext; did you mean \"sts\"?")]
    [InlineData("""{ "sets": [ { "path": "here.tsv", "format": "bier" } ] }""", ":1: sets[0].format is \"bier\"; allowed are auto, beir, ")]
    [InlineData("""{ "sets": [ { "path": "here.tsv", "maxQueries": -1 } ] }""", ":1: sets[0].maxQueries is -1; allowed is 0 and above.")]
    [InlineData("""{ "modes": [ "dense", "colbert" ], "sets": [] }""", ":1: modes[1] is no mode: \"colbert\" is no way to search; dense, ")]
    [InlineData("""{ "sets": [ { "path": "here.tsv", "modes": [ "bm52" ] } ] }""", ":1: sets[0].modes[0] is no mode: \"bm52\"")]
    [InlineData("{ \"sets\": [ { \"path\": \"here.tsv\", \"name\": \"a\" }, { \"path\": \"here.tsv\" },\n\n { \"path\": \"here.tsv\", \"name\": \"a\" } ] }", ":3: sets[2].name is \"a\", as is that of sets[0]; give each its own name.")]
    public void A_mistake_is_named_with_file_line_and_field(string suite, string said)
    {
        Given("here.tsv", "a\tb\t1\n");
        string file = Given("suite.json", suite);
        Assert.StartsWith(file + said, Assert.Throws<BadInput>(() => EvaluationSuite.Load(file, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_suite_is_read_with_comments_and_its_paths_are_those_of_the_folder_that_is_named()
    {
        string file = Given("suite.json", """
            {
              // the usual
              "name": "s", "topK": 7, "heldOut": false,
              "sets": [ { "path": "here.tsv", "task": "sts", "language": "zh", "maxQueries": 5 }, { "path": "here.tsv", "modes": [ "bm25" ] }, ],
            }
            """);
        string data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
        Assert.Contains("name by --data the folder", Assert.Throws<BadInput>(() => EvaluationSuite.Load(file, data)).Message, StringComparison.Ordinal);
        Given("data/here.tsv", "a\tb\t1\n");
        EvaluationSuite suite = EvaluationSuite.Load(file, data);
        Assert.Equal(("s", 7, false, 2), (suite.Name, suite.TopK, suite.HeldOut, suite.Sets.Count));
        Assert.Equal(["dense", "bm25"], suite.Modes);
        Assert.Equal(("sts", "zh", 5, Path.Combine(data, "here.tsv"), ""), (suite.Sets[0].Task, suite.Sets[0].Language, suite.Sets[0].MaxQueries, suite.Sets[0].Path, suite.Sets[0].Other));
        Assert.Equal(["bm25"], suite.Sets[1].Modes);
    }
}

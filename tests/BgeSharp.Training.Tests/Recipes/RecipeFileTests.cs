// What a recipe file promises: defaults, tolerance where it helps, and errors that name line, path and remedy.

using System.Text;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Tests.Recipes;

public sealed class RecipeFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-recipe").FullName;

    public RecipeFileTests() => File.WriteAllText(Path.Combine(folder, "docs.jsonl"), "{}\n");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private const string Smallest = """
        {
          "name": "small",
          "data": { "documents": [ { "path": "docs.jsonl" } ] },
          "stages": [
            { "type": "retromae", "steps": 10 },
            { "steps": 20, "type": "contrastive" }
          ]
        }
        """;

    private Recipe Parse(string json, params string[] overrides) => RecipeFile.Parse(Encoding.UTF8.GetBytes(json), "x.json", folder, overrides);

    private string Refusal(string json, params string[] overrides) => Assert.Throws<BadInput>(() => Parse(json, overrides)).Message;

    [Fact]
    public void Unset_options_have_the_defaults_of_the_records()
    {
        Recipe recipe = Parse(Smallest);

        Assert.Equal("small", recipe.Name);
        Assert.Equal(new ModelOptions(), recipe.Model);
        Assert.Equal(new RetroMaeStageOptions { Steps = 10 }, recipe.Stages[0]);
        Assert.IsType<ContrastiveStageOptions>(recipe.Stages[1]);
        Assert.Equal(20, recipe.Stages[1].Steps);
    }

    [Fact]
    public void Comments_trailing_commas_key_case_byte_order_mark_and_whole_numbers_in_any_spelling_are_accepted()
    {
        Recipe recipe = Parse("\uFEFF" + """
            // what this run is for
            { "Name": "n", "MODEL": { "hiddenSize": 1e2, "heads": 4.0, /* few */ },
              "Data": { "documents": [ { "path": "docs.jsonl", "fields": { "text": "body", "id": "_id" } }, ] },
              "stages": [ { "type": "finetune", "epochs": 2 }, ], }
            """);

        Assert.Equal(100, recipe.Model.HiddenSize);
        Assert.Equal("body", recipe.Data.Documents[0].Fields["text"]);
        Assert.IsType<FineTuneStageOptions>(recipe.Stages[0]);
        Assert.Equal(2.0, recipe.Stages[0].Epochs);
    }

    [Fact]
    public void A_file_is_read_with_paths_relative_to_its_folder()
    {
        string path = Path.Combine(folder, "r.json");
        File.WriteAllText(path, Smallest);

        Recipe recipe = RecipeFile.Load(path, ["stages[1].batchPairs=16"]);

        Assert.Equal(Path.Combine(folder, "docs.jsonl"), recipe.Data.Documents[0].Path);
        Assert.Equal(16, ((ContrastiveStageOptions)recipe.Stages[1]).BatchPairs);
    }

    [Fact]
    public void A_missing_file_is_bad_input()
    {
        string path = Path.Combine(folder, "none.json");
        Assert.StartsWith(path, Assert.Throws<BadInput>(() => RecipeFile.Load(path, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_word_mined_is_no_path()
    {
        Recipe recipe = Parse(Smallest, """stages[1].pairs=[{"path":"mined"}]""");
        Assert.Equal("mined", ((ContrastiveStageOptions)recipe.Stages[1]).Pairs[0].Path);
    }

    [Theory]
    [InlineData("\"steps\": 10", "\"lerningRate\": 10", "x.json:5: stages[0].lerningRate is not known; did you mean learningRate?")]
    [InlineData("\"steps\": 10", "\"steps\": \"ten\"", "x.json:5: stages[0].steps is \"ten\", a whole number up to 2147483647 is needed.")]
    [InlineData("\"steps\": 10", "\"steps\": 1.5", "x.json:5: stages[0].steps is 1.5, a whole number up to 2147483647 is needed.")]
    [InlineData("\"steps\": 10", "\"steps\": -1", "x.json:5: stages[0].steps is -1; allowed is 0 and above.")]
    [InlineData("\"steps\": 10", "\"steps\": null", "x.json:5: stages[0].steps is null, a whole number up to 2147483647 is needed.")]
    [InlineData("\"steps\": 10", "\"encoderMaskRatio\": 0.7", "x.json:5: stages[0].encoderMaskRatio is 0.7; allowed is 0.05 to 0.6.")]
    [InlineData("\"steps\": 10", "\"schedule\": \"cosin\"", "x.json:5: stages[0].schedule is \"cosin\"; allowed are \"linear\", \"cosine\"; did you mean \"cosine\"?")]
    [InlineData("\"steps\": 10", "\"steps\": 1, \"Steps\": 2", "x.json:5: not valid JSON: \"Steps\" is given twice.")]
    [InlineData("\"retromae\"", "\"retromea\"", "x.json:5: stages[0].type is \"retromea\"; it is one of \"retromae\", \"contrastive\", \"finetune\", \"reranker\"; did you mean \"retromae\"?")]
    [InlineData("\"type\": \"retromae\", ", "", "x.json:5: stages[0].type is missing; it is one of \"retromae\", \"contrastive\", \"finetune\", \"reranker\".")]
    [InlineData("\"docs.jsonl\"", "\"\"", "x.json:3: data.documents[0].path is missing or empty; a value is needed.")]
    [InlineData("{ \"path\": \"docs.jsonl\" }", "7", "x.json:3: data.documents[0] is 7, an object is needed.")]
    [InlineData("\"small\"", "{}", "x.json:2: name is an object, a string is needed.")]
    [InlineData("\"path\": \"docs.jsonl\"", "\"path\": \"docs.jsonl\", \"fields\": { \"txt\": \"a\" }", "x.json:3: data.documents[0].fields.txt is not a field of a document; did you mean text?")]
    public void What_is_wrong_is_named_with_line_path_value_and_remedy(string good, string bad, string message) =>
        Assert.Equal(message, Refusal(Smallest.Replace(good, bad, StringComparison.Ordinal)));

    [Fact]
    public void A_path_that_is_not_there_is_refused_before_anything_is_loaded() =>
        Assert.Equal(
            $"x.json:3: data.documents[0].path is \"{Path.Combine(folder, "dosc.jsonl")}\": no such file or folder.",
            Refusal(Smallest.Replace("docs.jsonl", "dosc.jsonl", StringComparison.Ordinal)));

    [Theory]
    [InlineData("{ \"name\": \"a\",\n \"seed\" 1 }", "x.json:2: not valid JSON: ")]
    [InlineData("", "x.json:1: not valid JSON: ")]
    [InlineData("[]", "x.json:1: the recipe is a list, an object is needed.")]
    [InlineData("{}", "x.json: stages has too few entries; at least 1 is needed.")]
    [InlineData("{\"a\":1} {}", "x.json:1: not valid JSON: ")]
    public void A_file_that_is_no_recipe_is_refused(string json, string start) => Assert.StartsWith(start, Refusal(json), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_utf8_is_refused()
    {
        byte[] latin1 = [.. "{\"name\":\"caf"u8, 0xE9, .. "\"}"u8];
        string message = Assert.Throws<BadInput>(() => RecipeFile.Parse(latin1, "x.json", folder, [])).Message;
        Assert.StartsWith("x.json", message, StringComparison.Ordinal);
    }
}

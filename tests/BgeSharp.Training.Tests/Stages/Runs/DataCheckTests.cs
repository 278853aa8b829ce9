// What is wrong with the data of any stage is said before anything is made of them.

using System.Text.Json;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class DataCheckTests : IDisposable
{
    private const string Taught = "stages[2].distillation={}", NotMined = "stages[2].hardNegatives=null";
    private readonly TinyRun _run = new();

    private string Letters => $"tokenizer={{\"from\": {JsonSerializer.Serialize(_run.In("letters"))}}}";

    public void Dispose() => _run.Dispose();

    private static string Line(int i, string more = "") => $$"""{"query":"{{TinyModel.Text(3, i)}}","pos":["{{TinyModel.Text(9, i)}}"],"neg":["{{TinyModel.Text(9, i + 50)}}"]{{more}}}""";

    private string Given(params string[] lines)
    {
        string path = _run.In("given.jsonl");
        File.WriteAllLines(path, lines);
        return path;
    }

    private static string PairsOf(int stage, string path, string more = "") => $"stages[{stage}].pairs=[{{\"path\": {JsonSerializer.Serialize(path)}{more}}}]";

    private string Refused(params string[] set) => Assert.Throws<BadInput>(() => _run.Run("run", set: set)).Message;

    [Fact]
    public void A_wrong_line_of_the_last_stage_is_named_before_anything_is_made_and_mended_the_run_begins()
    {
        string[] good = [.. Enumerable.Range(1, 6).Select(i => Line(i))];
        string path = Given([.. good[..2], """{"query":"a","pos":[]}""", .. good[2..]]);
        string set = PairsOf(2, path);
        Assert.StartsWith($"{path}:3: \"pos\" is empty", Refused(set), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_run.In("run"), "tokenizer")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_run.In("run"), "stages")));
        Given(good);
        (RunState? state, List<string> messages) = _run.Run("run", set: set);
        Assert.NotNull(state);
        Assert.Contains(messages, m => m.Contains("given.jsonl", StringComparison.Ordinal) && m.Contains("nothing has been made of it yet", StringComparison.Ordinal));
        _run.Run("fresh", set: set);
        Assert.Equal(_run.Result("fresh"), _run.Result("run"));
    }

    [Fact]
    public void A_wrong_document_is_named_before_the_first_evaluation_and_a_recipe_mended_in_its_place_begins()
    {
        string bad = _run.In("more.jsonl");
        File.WriteAllLines(bad, ["""{"id":"m1","title":"a b","text":"c d e f"}""", "not JSON"]);
        string[] set = [Letters, $"data.documents=[{{\"path\": {JsonSerializer.Serialize(_run.Documents)}, \"miners\": [\"title-body\"]}}, {{\"path\": {JsonSerializer.Serialize(bad)}, \"miners\": [\"title-body\"], \"evaluate\": false}}]"];
        Assert.StartsWith($"{bad}:2: ", Refused(set), StringComparison.Ordinal);
        Assert.Empty(RunState.Load(Path.Combine(_run.In("run"), "progress.json"))!.Results);
        Assert.NotNull(_run.Run("run", set: Letters).State);
        _run.Run("fresh", set: Letters);
        Assert.Equal(_run.Result("fresh"), _run.Result("run"));
        // Now something is made: another recipe belongs elsewhere.
        Assert.Contains("holds a run of another recipe", Refused("seed=9"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_while_files_are_checked_makes_nothing()
    {
        string path = Given(Line(1), Line(2), Line(3));
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        var options = new RunOptions(_run.In("run"), BgeSharp.Training.Modeling.Compute.Float32, SilentObserver.Instance, TimeProvider.System, Resume: false);
        Assert.Null(new RecipeRun(_run.Recipe(PairsOf(2, path)), options).Run(stopped.Token));
        Assert.False(Directory.Exists(Path.Combine(_run.In("run"), "tokenizer")));
        Given(Line(1), Line(2), Line(4));
        Assert.NotNull(_run.Run("run", set: PairsOf(2, path)).State);
    }

    [Fact]
    public void A_teacher_that_is_none_or_reads_other_ids_and_vectors_that_are_too_long_are_named()
    {
        const string Teacher = "stages=[{\"type\": \"reranker\", \"steps\": 1, \"batchPairs\": 2, \"groupSize\": 2, \"queryMaxLength\": 12, \"maxLength\": 32, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4}}]";
        Assert.Contains("so this is no cross-encoder", Refused("stages[2].distillation={\"teacher\": " + JsonSerializer.Serialize(_run.In("letters")) + "}"), StringComparison.Ordinal);
        Assert.Contains("so this is no cross-encoder", Refused("stages[2].hardNegatives.teacher=" + _run.In("letters")), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_run.In("run"), "tokenizer")));
        _run.Run("judge", set: [Teacher, Letters]);
        string judge = JsonSerializer.Serialize(Path.Combine(_run.In("judge"), "model"));
        Assert.Contains("the teacher's vocabulary is not the run's", Refused($"stages[2].distillation={{\"teacher\": {judge}}}"), StringComparison.Ordinal);
        Assert.Contains("the teacher's vocabulary is not the run's", Assert.Throws<BadInput>(() => _run.Run("veto", set: [$"stages[2].hardNegatives.teacher={judge}"])).Message, StringComparison.Ordinal);
        Assert.Contains("matryoshkaDimensions has 8, but the model's vectors have 8 numbers", Assert.Throws<BadInput>(() => _run.Run("second", set: [$"model={{\"from\": {judge}}}", "tokenizer={}", "stages[1].matryoshkaDimensions=[8]"])).Message, StringComparison.Ordinal);
        Assert.All(new[] { "run", "veto", "second" }, run => Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_run.In(run), "stages"))));
    }

    [Fact]
    public void A_run_does_not_begin_among_other_things_and_takes_and_removes_none()
    {
        string mine = Path.Combine(_run.In("run"), "work", "thesis.txt");
        Directory.CreateDirectory(Path.GetDirectoryName(mine)!);
        File.WriteAllText(mine, "years");
        Assert.Contains("is not empty (\"work\") and holds no run", Refused(), StringComparison.Ordinal);
        Assert.Equal("years", File.ReadAllText(mine));
        File.WriteAllText(_run.In("file"), "");
        Assert.Contains("is a file", Assert.Throws<BadInput>(() => _run.Run("file")).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_run.In("other"));
        File.WriteAllText(Path.Combine(_run.In("other"), "progress.json"), "{}");
        Assert.Contains("not a run's progress file", Assert.Throws<BadInput>(() => _run.Run("other")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Once_something_is_made_changed_pairs_are_refused()
    {
        string set = PairsOf(2, Given(Line(1), Line(2), Line(3)));
        _run.Run("run", "retromae 2", set: [set, "evaluation=[]", "stages[0].logEvery=1"]);
        Given(Line(1), Line(2), Line(4));
        Assert.Contains("--allow-changed-data", Refused(set, "evaluation=[]", "stages[0].logEvery=1"), StringComparison.Ordinal);
    }

    [Fact]
    public void Each_file_is_read_once_for_the_stages_that_are_still_to_be_trained()
    {
        string path = Given(Line(1), Line(2), Line(3));
        string[] set = [PairsOf(1, path, ", \"repeat\": 2"), PairsOf(2, path, ", \"limit\": 2"), "stages[2].logEvery=1"];
        Assert.Single(_run.Run("run", "contrastive 3", set: set).Messages, m => m == $"checking {path}");
        // Wrong now, but the stage that reads it is over: a run that goes on does not look.
        string[] later = [PairsOf(1, path), "stages[2].logEvery=1"];
        _run.Run("over", "finetune 2", set: later);
        Given(Line(1), "not JSON");
        (RunState? state, List<string> messages) = _run.Run("over", changed: true, set: later);
        Assert.NotNull(state);
        Assert.DoesNotContain(messages, m => m.StartsWith("checking", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"query":"a","pos":["b"],"neg":["c"]}""", "example 2 has no \"pos_scores\", which distillation needs; add scores with \"bge score --pairs\"")]
    [InlineData("""{"query":"a","pos":["b"],"pos_scores":[1]}""", "example 2 has no \"neg\", which distillation needs; give texts that do not answer the query")]
    [InlineData("""{"query":"a","pos":["b"],"neg":["c"],"pos_scores":[1]}""", "example 2 has no \"neg_scores\", which distillation needs; add scores")]
    public void Examples_without_the_scores_that_distillation_needs_are_named(string second, string message)
    {
        string path = Given(Line(1, ""","pos_scores":[2],"neg_scores":[1]"""), second);
        Assert.StartsWith($"{path}: {message}", Refused(PairsOf(2, path), Taught, NotMined), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_run.In("run"), "stages")));
    }

    [Fact]
    public void A_negative_that_answers_its_query_leaves_distillation_without_one()
    {
        const string Scores = ""","pos_scores":[2],"neg_scores":[1]""";
        string path = Given(Line(1, Scores), Line(2, Scores), """{"query":"a","pos":["b c"],"neg":[" b  c"],"pos_scores":[1],"neg_scores":[1]}""");
        Assert.StartsWith($"{path}: every \"neg\" of example 3 of stage \"finetune\" is a text that answers its query", Refused(PairsOf(2, path), Taught, NotMined), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cosine", """,  "pos_scores":[4.5]""", "example 2 has the grade 4.5, but the objective \"cosine\" takes grades for cosines")]
    [InlineData("cosine", "", "example 2 has no \"pos_scores\", which the objective \"cosine\" needs; give each text of \"pos\" its grade")]
    [InlineData("cosent", """, "pos_scores":[4.5],"type":"only_1neg" """, "example 2 has the type \"only_1neg\", which makes groups of two passages, but the objective \"cosent\" compares one pair")]
    [InlineData("cosent", "", "example 2 has no \"pos_scores\", which the objective \"cosent\" needs")]
    public void Grades_that_are_missing_or_no_cosines_are_named(string objective, string more, string message)
    {
        string path = Given(Line(1, ""","pos_scores":[0.5]"""), Line(2, more));
        Assert.StartsWith($"{path}: {message}", Refused(PairsOf(1, path), $"stages[1].objective={objective}"), StringComparison.Ordinal);
    }

    [Fact]
    public void One_pair_is_too_few_for_a_stage()
    {
        string path = Given(Line(1));
        Assert.StartsWith("stage \"finetune\": 1 pairs to train on; at least 2", Refused(PairsOf(2, path)), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_run.In("run"), "stages")));
    }
}

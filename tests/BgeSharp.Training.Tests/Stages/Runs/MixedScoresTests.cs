// FlagEmbedding trains scored and unscored files in one stage: those with a teacher's scores learn from them, the others do without.

using System.Text.Json;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class MixedScoresTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    private string Given(string name, bool scored)
    {
        string path = _run.In(name);
        File.WriteAllLines(path, Enumerable.Range(0, 8).Select(i =>
            $$"""{"query":"{{TinyModel.Text(3, i)}}","pos":["{{TinyModel.Text(9, i)}}"],"neg":["{{TinyModel.Text(9, i + 50)}}"]{{(scored ? ""","pos_scores":[2],"neg_scores":[1.5]""" : "")}}}"""));
        return path;
    }

    private static string[] Stage(params string[] files) =>
    [
        "stages=[{\"type\": \"finetune\", \"steps\": 6, \"batchPairs\": 4, \"groupSize\": 2, \"queryMaxLength\": 16, \"passageMaxLength\": 24, \"learningRate\": 1e-2, \"logEvery\": 1, \"distillation\": {\"loss\": \"kl_div\"}, \"pairs\": ["
            + string.Join(", ", files.Select(f => $"{{\"path\": {JsonSerializer.Serialize(f)}}}")) + "]}]",
    ];

    [Fact]
    public void Batches_of_files_with_scores_have_a_teacher_and_others_have_none()
    {
        string scored = Given("scored.jsonl", true), plain = Given("plain.jsonl", false);
        Assert.NotNull(_run.Run("both", set: Stage(scored, plain)).State);
        Assert.NotNull(_run.Run("scored", set: Stage(scored)).State);
        double[] Losses(string run) => [.. MetricsLog.Read(_run.In(run + "/metrics.jsonl")).Where(l => l.Figures.ContainsKey("loss")).Select(l => l.Figures["loss"])];
        // The teacher's part is cross-entropy with a soft target over two passages, .56 nats at the least: two batches of each pass are without it.
        Assert.NotEqual(Losses("scored"), Losses("both"));
        Assert.Equal(6, Losses("both").Length);
    }

    [Fact]
    public void A_stage_none_of_whose_files_has_scores_and_a_file_with_some_are_named_at_the_start()
    {
        string plain = Given("plain.jsonl", false);
        Assert.Contains("none of its pairs has \"pos_scores\"", Assert.Throws<BadInput>(() => _run.Run("run", set: Stage(plain))).Message, StringComparison.Ordinal);
        File.AppendAllText(plain, """{"query":"a","pos":["b"],"neg":["c"],"pos_scores":[1],"neg_scores":[0]}""" + "\n");
        Assert.Contains("plain.jsonl: example 9 has \"pos_scores\", and the first of its source has none", Assert.Throws<BadInput>(() => _run.Run("run", set: Stage(plain))).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_run.In("run/stages")));
    }

    [Fact]
    public void Lines_in_a_file_named_json_are_read_as_lines_and_groups_of_one_alone_are_refused()
    {
        string lines = Given("lines.json", true);
        Assert.NotNull(_run.Run("lines", set: Stage(lines)).State);
        string alone = Given("set_no_in_batch_neg.jsonl", false);
        string[] one = [Stage(alone)[0].Replace("\"groupSize\": 2", "\"groupSize\": 1", StringComparison.Ordinal).Replace("\"distillation\": {\"loss\": \"kl_div\"}, ", "", StringComparison.Ordinal)];
        Assert.Contains("a query is compared with its own group only (no_in_batch_neg), but with groupSize 1", Assert.Throws<BadInput>(() => _run.Run("alone", set: one)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Instructions_and_pooling_that_a_start_model_had_and_the_recipe_has_not_are_named()
    {
        string letters = $"tokenizer={{\"from\": {JsonSerializer.Serialize(_run.In("letters"))}}}";
        _run.Run("first", set: [letters, "stages[1].queryInstruction=find: ", "stages[2].queryInstruction=find: "]);
        string start = Path.Combine(_run.In("first"), "model");
        string[] second = [$"model={{\"from\": {JsonSerializer.Serialize(start)}, \"pooling\": \"cls\"}}", "tokenizer={}", "stages=[{\"type\": \"contrastive\", \"steps\": 2, \"batchPairs\": 4, \"queryMaxLength\": 16, \"passageMaxLength\": 24}]"];
        List<string> messages = _run.Run("second", set: second).Messages;
        Assert.Contains(messages, m => m.StartsWith("note: ", StringComparison.Ordinal) && m.Contains("was trained with the queryInstruction \"find:", StringComparison.Ordinal));
        Assert.Contains(messages, m => m.StartsWith("note: ", StringComparison.Ordinal) && m.Contains("was made for mean pooling, and the recipe has cls", StringComparison.Ordinal));
    }
}

// Graded sentence pairs through a whole run: trained on, chosen by and measured on; and what the card of a model says about shorter vectors.

using System.Globalization;
using System.Text.Json;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Tasks;
using BgeSharp.Models;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class SentencePairRunTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    // Grade 5: the same text, 2: one with the same beginning, 0: another.
    private string Graded(string name, int seed)
    {
        string path = _run.In(name);
        File.WriteAllLines(path, Enumerable.Range(0, 24).Select(i =>
        {
            string first = TinyModel.Text(6, seed + i), other = TinyModel.Text(6, seed + i + 500);
            (string second, int grade) = (i % 3) switch { 0 => (first, 5), 1 => (first[..4] + other[4..], 2), _ => (other, 0) };
            return string.Create(CultureInfo.InvariantCulture, $"{first}\t{second}\t{grade}");
        }));
        return path;
    }

    private static string At(string path, string more = "") => $"{{\"path\": {JsonSerializer.Serialize(path)}{more}}}";

    private string[] Recipe(string more = "") =>
    [
        $"tokenizer={{\"from\": {JsonSerializer.Serialize(_run.In("letters"))}}}",
        $"evaluation=[{At(Graded("test.tsv", 1000), ", \"name\": \"graded\"")}]",
        $"development={At(Graded("dev.tsv", 2000), ", \"name\": \"chosen\"")}",
        "stages=[{\"type\": \"finetune\", \"name\": \"sts\", \"objective\": \"cosent\", \"steps\": 12, \"batchPairs\": 12, \"queryMaxLength\": 16, \"passageMaxLength\": 16, \"learningRate\": 0.03, \"evaluateEvery\": 3, \"keepBest\": true, "
            + $"\"pairs\": [{At(Graded("train.tsv", 3000))}]{more}}}]",
    ];

    [Fact]
    public void They_are_trained_on_chosen_by_and_measured_on()
    {
        (RunState? state, _) = _run.Run("run", set: Recipe());
        StageResult[] graded = [.. state!.Results.Where(r => r.Dataset == "graded")];
        Assert.Equal(["untrained", "sts"], graded.Select(r => r.Stage));
        Assert.All(graded, r => Assert.Equal(["pearson", "spearman"], r.Metrics.Keys.Order(StringComparer.Ordinal)));

        // The stage's model has the weights of the best evaluation, and its figure is what bge eval --task sts says of it.
        double[] seen = [.. MetricsLog.Read(_run.In("run/metrics.jsonl")).Where(l => l.Figures.ContainsKey("dev_spearman")).Select(l => l.Figures["dev_spearman"])];
        Assert.Equal(4, seen.Length);
        using TextModel model = TextModel.Load(Path.Combine(_run.In("run"), "model"), Compute.Float32);
        double Rho(string file) => new StsTask("again", PairScores.Read(_run.In(file))).Run(new EvaluatedModel(model.Encoder, model.Tokenizer) { PassageMaxLength = 16 }).Metrics["spearman"];
        Assert.Equal(seen.Max(), Rho("dev.tsv"), 1e-6);
        Assert.Equal(graded[1].Metrics["spearman"], Rho("test.tsv"), 1e-6);
        Assert.True(graded[1].Metrics["spearman"] > graded[0].Metrics["spearman"], $"{graded[0].Metrics["spearman"]} became {graded[1].Metrics["spearman"]}");
    }

    [Fact]
    public void Pairs_whose_grades_take_turns_are_measured_whole_where_a_part_has_one_grade()
    {
        string[] set = [.. Recipe(), "stages[0].evaluateQueries=8"];       // every third pair: all of grade 5
        _run.Run("run", set: set);
        Assert.All(MetricsLog.Read(_run.In("run/metrics.jsonl")).Where(l => l.Figures.ContainsKey("dev_spearman")), l => Assert.True(double.IsFinite(l.Figures["dev_spearman"])));
    }

    [Fact]
    public void A_wrong_grade_is_named_before_anything_is_made_and_so_are_pairs_without_order()
    {
        string[] set = Recipe();
        File.AppendAllText(_run.In("train.tsv"), "a\tb\tvery\n");
        Assert.Contains("train.tsv:25: ", Assert.Throws<BadInput>(() => _run.Run("run", set: set)).Message, StringComparison.Ordinal);
        File.WriteAllText(_run.In("test.tsv"), "a\tb\t1\nc\td\t1\n");
        Assert.Contains("so there is no order", Assert.Throws<BadInput>(() => _run.Run("second", set: set)).Message, StringComparison.Ordinal);
        Assert.Contains("has the grade 5", Assert.Throws<BadInput>(() => _run.Run("third", set: [.. Recipe(), "stages[0].objective=cosine"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("holds graded sentence pairs, which would be taken for answers", "stages[0].objective=contrastive")]
    [InlineData("queryMaxLength is 8 and passageMaxLength 16, but the sentences", "stages[0].queryMaxLength=8")]
    [InlineData("pairs has graded sentence pairs, which are compared without instructions", "stages[0].passageInstruction=x")]
    [InlineData("development holds graded sentence pairs, but stage \"sts\" is measured by ndcg@10", "stages[0].evaluateBy=ndcg@10")]
    [InlineData("development holds graded sentence pairs, but stage \"judge\" is measured by searching", "stages=[{\"type\": \"reranker\", \"name\": \"judge\", \"steps\": 2, \"maxLength\": 32, \"queryMaxLength\": 8, \"evaluateEvery\": 1}]")]
    [InlineData("evaluateBy is \"spearman\", which is measured on graded sentence pairs", "development=null", "stages[0].evaluateBy=spearman")]
    [InlineData("temperature is 0", "stages[0].temperature=0")]
    [InlineData("evaluateEvery needs something to evaluate on", "development=null", "data.heldOut=0")]
    public void What_graded_pairs_cannot_serve_for_is_refused(string complaint, params string[] more)
        => Assert.Contains(complaint, Assert.Throws<BadInput>(() => _run.Recipe([.. Recipe(), .. more])).Message, StringComparison.Ordinal);

    [Theory, InlineData("contrastive", 0.02), InlineData("cosent", 0.05)]
    public void The_usual_temperature_is_that_of_the_objective_and_a_given_one_stays(string objective, double usual)
    {
        Assert.Equal(usual, new ContrastiveStageOptions { Objective = objective }.Temperature);
        Assert.Equal(0.02, new ContrastiveStageOptions { Temperature = 0.02, Objective = objective }.Temperature);
        Assert.Equal(usual, (new ContrastiveStageOptions() with { Objective = objective }).Temperature);
    }

    [Fact]
    public void The_card_keeps_the_lengths_that_the_last_stage_trained()
    {
        string[] set = [$"tokenizer={{\"from\": {JsonSerializer.Serialize(_run.In("letters"))}}}", "stages[1].matryoshkaDimensions=[4, 2]"];
        _run.Run("run", set: set);
        string[] stages = [.. Directory.GetDirectories(_run.In("run/stages")).Order(StringComparer.Ordinal)];
        Assert.Equal([[], [4, 2], []], stages.Select(s => ModelCard.Load(s).MatryoshkaDimensions.ToArray()));
    }
}

// A cross-encoder that learns from another's scores: its loss by value, over sub-batches, with and without scores.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

public sealed class TaughtRerankerTests : IDisposable
{
    private const int Queries = 5;
    private static readonly ModelConfig s_config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("kl_div", 1.0, 8192)]
    [InlineData("kl_div", 2.5, 8192)]
    [InlineData("kl_div", 1.0, 64)]
    [InlineData("margin_mse", 1.0, 8192)]
    [InlineData("margin_mse", 4.0, 64)]
    public void The_loss_is_that_of_the_positive_and_that_of_the_teacher(string loss, double temperature, int subBatchTokens)
    {
        using Weights weights = Model();
        CrossEncoder model = Cross(weights);
        using PairStore store = Store(Enumerable.Range(0, Queries));
        RerankerStageOptions options = Options(subBatchTokens) with { Distillation = new RerankerDistillationOptions { Loss = loss, Temperature = temperature } };
        (double expected, double taught) = (0, 0);
        for (int n = 0; n < Queries; n++)
        {
            double[] own = [.. Scores(model, n)], teacher = [.. TeacherScores(n).Select(t => t / temperature)];
            double all = LogSum(own);
            double learnt = loss == "kl_div" ? -own.Zip(teacher, (s, t) => Math.Exp(t - LogSum(teacher)) * (s - all)).Sum()
                : Enumerable.Range(1, 2).Average(g => Math.Pow(own[0] - own[g] - (teacher[0] - teacher[g]), 2));
            expected += (all - own[0] + learnt) / Queries;
            taught += learnt / Queries;
        }
        using var stage = new RerankerStage(options, weights, model, store, 1, 0);
        StepFigures figures = stage.ForwardBackward(0);
        Assert.Equal(expected, figures.Loss, 1e-4);
        Assert.Equal(taught, figures.Figures["distillation"], 1e-4);
        Assert.True(taught > 0.1);
    }

    [Fact]
    public void Sources_without_scores_learn_from_the_positive_alone()
    {
        using Weights weights = Model();
        CrossEncoder model = Cross(weights);
        using PairStore store = Store(Enumerable.Range(0, Queries), scored: false);
        using var taught = new RerankerStage(Options(8192) with { Distillation = new RerankerDistillationOptions() }, weights, model, store, 1, 0);
        using var plain = new RerankerStage(Options(8192), weights, model, store, 1, 0);
        StepFigures figures = taught.ForwardBackward(0);
        Assert.Equal(plain.ForwardBackward(0).Loss, figures.Loss);
        Assert.Equal(0, figures.Figures["distillation"]);
    }

    [Theory, InlineData("kl_div"), InlineData("margin_mse")]
    public void A_query_without_negatives_and_an_answer_in_its_group_are_the_teacher_s_to_judge(string loss)
    {
        using Weights weights = Model();
        CrossEncoder model = Cross(weights);
        // Query 1 has no negatives; every other passage answers it too, so its group can only be filled with answers, which the loss of the positive does not see.
        string[] texts = ["ab cd", "ef g hi", "jk l m"];
        TrainingExample[] examples =
        [
            new("q r", [texts[0]], [texts[1], texts[2]]) { PositiveScores = [1], NegativeScores = [0, -2] },
            new("s t u", texts, []) { PositiveScores = [1, 2, 3], NegativeScores = [] },
        ];
        using PairStore store = PairStore.Create(_folder.Path, examples, _tokenizer, 16, 16, "", negatives: true);
        var distillation = new RerankerDistillationOptions { Loss = loss };
        using var stage = new RerankerStage(Options(8192) with { BatchPairs = 2, Distillation = distillation }, weights, model, store, 1, 0);
        StepFigures figures = stage.ForwardBackward(0);
        double[] own = [.. Scores(model, "q r", texts)];
        double first = LogSum(own) - own[0];
        double[] teacher = [1, 0, -2];
        double learnt = loss == "kl_div" ? -own.Zip(teacher, (s, t) => Math.Exp(t - LogSum(teacher)) * (s - LogSum(own))).Sum()
            : Enumerable.Range(1, 2).Average(g => Math.Pow(own[0] - own[g] - (teacher[0] - teacher[g]), 2));
        // Its own positive alone is not hidden: no loss there. To the teacher the rest of its group is as good as impossible (kl_div), or unknown (margin_mse).
        double second = figures.Figures["distillation"] - (learnt / 2);
        Assert.Equal((first / 2) + figures.Figures["distillation"], figures.Loss, 1e-4);
        if (loss == "margin_mse")
        {
            Assert.Equal(0, second, 1e-5);
        }
        else
        {
            Assert.InRange(second, 0.05, 5);
        }
    }

    [Fact]
    public void A_class_without_negatives_is_given_somebody_s_where_it_would_be_alone()
    {
        TrainingExample[] examples = [.. Enumerable.Range(0, 4).Select(n => new TrainingExample(TinyModel.Text(2, n), [Passage(n, 0)], []) { Type = "symmetric_class" })];
        using PairStore store = PairStore.Create(_folder.Path, examples, _tokenizer, 16, 16, "", negatives: true);
        Assert.Equal(1, ContrastiveBatch.Draw(store, [0, 1, 2, 3], new GroupDraw(3), 1, 0).Group);
        Assert.Equal(2, ContrastiveBatch.Draw(store, [0, 1, 2, 3], new GroupDraw(3) { OwnGroup = true }, 1, 0).Group);
        Assert.Equal(1, ContrastiveBatch.Draw(store, [0, 1, 2, 3], new GroupDraw(1) { OwnGroup = true }, 1, 0).Group);
        using Weights weights = Model();
        using var stage = new RerankerStage(Options(8192) with { BatchPairs = 4 }, weights, Cross(weights), store, 1, 0);
        Assert.InRange(stage.ForwardBackward(0).Loss, 0.01, 5);
    }

    // Two negatives each, so that a group is the whole example whatever is drawn; margin_mse and kl_div do not look at the order.
    private PairStore Store(IEnumerable<int> examples, bool scored = true)
        => PairStore.Create(_folder.Path, examples.Select(n => new TrainingExample(TinyModel.Text(2, n), [Passage(n, 0)], [Passage(n, 1), Passage(n, 2)])
        {
            PositiveScores = scored ? [TeacherScores(n)[0]] : null,
            NegativeScores = scored ? [.. TeacherScores(n)[1..]] : null,
        }), _tokenizer, 16, 16, "", negatives: true);

    private IEnumerable<double> Scores(CrossEncoder model, int n)
        => Scores(model, TinyModel.Text(2, n), Enumerable.Range(0, 3).Select(g => Passage(n, g)));

    private IEnumerable<double> Scores(CrossEncoder model, string query, IEnumerable<string> passages)
        => new TorchReranker(model, _tokenizer, 16).Score([.. passages.Select(p => new TextPair(query, p))]).Select(s => (double)s);

    private static float[] TeacherScores(int n) => [2.5f - n, 0.5f + (0.25f * n), -1f];

    private static string Passage(int n, int g) => TinyModel.Text(3 + g, n + (20 * (g + 1)));

    private static double LogSum(double[] values) => Math.Log(values.Sum(Math.Exp));

    private static RerankerStageOptions Options(int subBatchTokens)
        => new() { Steps = 1, BatchPairs = Queries, GroupSize = 3, MaxLength = 16, QueryMaxLength = 16, SubBatchTokens = subBatchTokens };

    private static Weights Model()
    {
        var weights = new Weights(CrossEncoder.Shapes(s_config), Compute.Float32);
        weights.Initialize(0.3, 1);
        return weights;
    }

    private CrossEncoder Cross(Weights weights) => new(new Encoder(weights, "", s_config), new RelevanceHead(weights), _tokenizer.Special);
}

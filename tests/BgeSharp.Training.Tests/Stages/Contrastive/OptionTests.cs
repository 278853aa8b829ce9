// Each option of a contrastive stage reaches its step: the loss is that of the objective and the draw which the option stands for, called directly, and it is another one than without the option.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Stages.Contrastive;

public sealed class OptionTests : IDisposable
{
    private const long Seed = 3;
    private static readonly ModelConfig s_config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0, InitializerRange = 0.3 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Names() =>
    [
        "plain", "temperature", "own group", "both directions", "query-query", "passage-passage", "shorter vectors", "false negatives", "near ones too",
        "kl_div", "kl_div at 4", "m3_kd_unsorted", "m3_kd", "m3_kd at 4", "margin_mse", "margin_mse at 4", "outputs", "weights", "self-distillation",
    ];

    [Theory, MemberData(nameof(Names))]
    public void The_loss_of_a_step_is_that_of_what_the_option_stands_for(string name)
    {
        Case given = Of(name);
        double loss = Step(given), expected = Direct(given);
        Assert.Equal(expected, loss, 1e-6 * (1 + Math.Abs(expected)));       // a step is added up in float32
        if (given.Beside.Length > 0)
        {
            Assert.NotEqual(Step(Of(given.Beside)), loss, 1e-4);
        }
        GroupDraw draw = ContrastiveSettings.Draw(given.Options);
        Assert.Equal((given.Draw.Group, given.Draw.WithTeacher, given.Draw.SortByTeacher, given.Draw.OwnGroup, given.Draw.MarksUnknown, given.Draw.TeacherTemperature),
            (draw.Group, draw.WithTeacher, draw.SortByTeacher, draw.OwnGroup, draw.MarksUnknown, draw.TeacherTemperature));
    }

    private double Step(Case given)
    {
        using PairStore store = Store();
        using Weights weights = Start(given);
        using var stage = new ContrastiveStage(given.Options, weights, Model(weights), store, Seed, 0);
        return stage.ForwardBackward(0).Loss;
    }

    // The first batch, drawn, encoded in one piece and judged without the stage.
    private double Direct(Case given)
    {
        using var scope = NewDisposeScope();
        using PairStore store = Store();
        using Weights weights = Start(given);
        using var noGrad = no_grad();
        M3Encoder encoder = Model(weights);
        int[] rows = ContrastiveSettings.Order(given.Options, store, Seed).From(0).First();
        Assert.Equal(store.Count, rows.Length);
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, rows, given.Draw, Seed, 0);
        M3Outputs queries = encoder.Forward(batch.Queries, training: false, given.Objective.Outputs), passages = encoder.Forward(batch.Passages, training: false, given.Objective.Outputs);
        var targets = new ContrastiveTargets(
            batch.Group,
            batch.Hidden is null ? null : new HiddenPassages(batch.Hidden, batch.Passages.Count),
            batch.Teacher is null ? null : tensor(batch.Teacher).view(rows.Length, batch.Group));
        ContrastiveObjective objective = given.Objective with { WithoutWeight = encoder.Heads!.WithoutWeight, Products = ScalarType.Float64 };
        return objective.Loss(queries, passages, targets, 0, rows.Length, []).item<double>();
    }

    private static Case Of(string name)
    {
        var plain = new ContrastiveStageOptions { Steps = 40, BatchPairs = 8, GroupSize = 2, Temperature = 0.05 };
        ContrastiveStageOptions three = plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8 };
        ContrastiveStageOptions weighed = three with
        {
            EnsembleWeights = new OutputWeightOptions { Dense = 0.7, Sparse = 0.6, Multi = 1.1 },
            LossWeights = new OutputWeightOptions { Dense = 0.9, Sparse = 0.5, Multi = 1.3 },
        };
        var loss = new ContrastiveObjective { Contrast = new InfoNce(0.05) };
        ContrastiveObjective all = loss with { Outputs = EmbeddingModes.All }, weighedLoss = all with { Unified = new M3Unified(new OutputWeights(0.7, 0.6, 1.1), new OutputWeights(0.9, 0.5, 1.3)) };
        var pairs = new GroupDraw(2);
        var taught = new GroupDraw(4, WithTeacher: true);
        GroupDraw unknown = taught with { MarksUnknown = true };
        ContrastiveStageOptions Taught(string way, double temperature) => plain with { GroupSize = 4, Distillation = new DistillationOptions { Loss = way, Temperature = temperature } };
        ContrastiveObjective By(TeacherUse use, double temperature) => loss with { Teacher = use, TeacherTemperature = temperature };
        return name switch
        {
            "plain" => new Case("", plain, loss, pairs),
            "temperature" => new Case("plain", plain with { Temperature = 0.2 }, loss with { Contrast = new InfoNce(0.2) }, pairs),
            "own group" => new Case("plain", plain with { InBatchNegatives = false }, loss with { Contrast = new InfoNce(0.05, InBatchNegatives: false) }, pairs with { OwnGroup = true }),
            "both directions" => new Case("plain", plain with { BothDirections = true }, loss with { BothDirections = true }, pairs),
            "query-query" => new Case("plain", plain with { QueryQuery = true }, loss with { QueryQuery = true }, pairs),
            "passage-passage" => new Case("plain", plain with { PassagePassage = true }, loss with { PassagePassage = true }, pairs),
            "shorter vectors" => new Case("plain", plain with { MatryoshkaDimensions = [8, 4] }, loss with { MatryoshkaDimensions = [8, 4] }, pairs),
            "false negatives" => new Case("plain", plain with { FalseNegativeMargin = 0.01 }, loss with { FalseNegativeMargin = 0.01 }, pairs),
            "near ones too" => new Case("plain", plain with { FalseNegativeMargin = -0.02 }, loss with { FalseNegativeMargin = -0.02 }, pairs),
            "kl_div" => new Case("plain", Taught("kl_div", 1), By(TeacherUse.KlDivergence, 1), taught),
            "kl_div at 4" => new Case("kl_div", Taught("kl_div", 4), By(TeacherUse.KlDivergence, 4), taught with { TeacherTemperature = 4 }),
            "m3_kd_unsorted" => new Case("kl_div", Taught("m3_kd_unsorted", 1), By(TeacherUse.Ordered, 1), taught),
            "m3_kd" => new Case("m3_kd_unsorted", Taught("m3_kd", 1), By(TeacherUse.Ordered, 1), taught with { SortByTeacher = true }),
            "m3_kd at 4" => new Case("m3_kd", Taught("m3_kd", 4), By(TeacherUse.Ordered, 4), taught with { SortByTeacher = true, TeacherTemperature = 4 }),
            "margin_mse" => new Case("kl_div", Taught("margin_mse", 1), By(TeacherUse.MarginMse, 1), unknown),
            "margin_mse at 4" => new Case("margin_mse", Taught("margin_mse", 4), By(TeacherUse.MarginMse, 4), unknown with { TeacherTemperature = 4 }),
            "outputs" => new Case("plain", three, all, pairs),
            "weights" => new Case("outputs", weighed, weighedLoss, pairs),
            "self-distillation" => new Case("weights", weighed with { SelfDistillation = true }, weighedLoss with { SelfDistill = true }, pairs),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }

    // One batch holds all of them. Two queries have no negatives: they borrow, and a teacher holds nothing of what is borrowed.
    private PairStore Store() => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), Enumerable.Range(0, 8).Select(n => new TrainingExample(
        TinyModel.Text(2, n), [TinyModel.Text(3 + n, n + 50)], [.. Enumerable.Range(0, n % 6 == 0 ? 0 : 3).Select(k => TinyModel.Text(3 + k, n + 99 + (50 * k)))])
    {
        PositiveScores = [1 + (n % 2)],
        NegativeScores = [.. new[] { -1, 2.5, 0.5 }.Take(n % 6 == 0 ? 0 : 3)],
    }), _tokenizer, 16, 32, "q ", negatives: true);

    private static Weights Start(Case given) => RunModel.Create(given.Options, s_config, Compute.Float64, 1, null).Weights;

    private M3Encoder Model(Weights weights) => new(new Encoder(weights, "", s_config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));

    /// <param name="Beside">The case that must come to another loss; empty for none.</param>
    /// <param name="Options">As a recipe has them.</param>
    /// <param name="Objective">What they stand for.</param>
    /// <param name="Draw">And how the batch is drawn.</param>
    private sealed record Case(string Beside, ContrastiveStageOptions Options, ContrastiveObjective Objective, GroupDraw Draw);
}

// Any number of ranks computes what one process computes on the whole batch: losses, gradients, figures, batches.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

public sealed class JoinedBatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BgeSharp.Text.WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, int> Contrastive()
    {
        var cases = new TheoryData<string, int>();
        foreach (string kind in new[] { "plain", "cached", "own group", "unified", "distilled", "cosent", "accumulated" })
        {
            cases.Add(kind, 2);
            cases.Add(kind, 5);
        }
        return cases;
    }

    [Theory, MemberData(nameof(Contrastive))]
    public void Contrastive_gradients_are_those_of_the_joined_batch(string kind, int ranks)
    {
        ContrastiveStageOptions options = Options(kind) with { Pieces = 6 };
        using PairStore store = Pairs(kind == "cosent" ? 0 : 4);
        AssertSame(ranks, group =>
        {
            Weights weights = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float64, 1, null).Weights;
            var encoder = new M3Encoder(new Encoder(weights, "", TinyModel.Config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
            return new ContrastiveStage(options, weights, encoder, store, 3, 0, null, group);
        });
    }

    [Theory]
    [InlineData("retromae", 1, 2)]
    [InlineData("retromae", 2, 2)]
    [InlineData("dupmae", 3, 2)]
    [InlineData("retromae", 2, 4)]
    [InlineData("mlm", 1, 5)]
    public void Pre_training_gradients_are_those_of_the_joined_batch(string objective, int accumulate, int ranks)
    {
        var options = new RetroMaeStageOptions { Steps = 5, BatchTokens = 128, Accumulate = accumulate, Objective = objective, Pieces = 4 };
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "texts"), Enumerable.Range(0, 60).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(4 + (n % 9), n), 32)));
        AssertSame(ranks, group =>
        {
            var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float64);
            weights.Initialize(0.3, 1);
            return new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, 0, group);
        });
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    public void Reranker_gradients_are_those_of_the_joined_batch(int accumulate, int ranks)
    {
        var options = new RerankerStageOptions { Steps = 5, BatchPairs = 7, GroupSize = 3, MaxLength = 24, QueryMaxLength = 10, Accumulate = accumulate, Pieces = 3 };
        using PairStore store = Pairs(4);
        AssertSame(ranks, group =>
        {
            Weights weights = RunModel.Create(CrossEncoder.Shapes(TinyModel.Config), "", TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float64, 1, null);
            var model = new CrossEncoder(new Encoder(weights, "", TinyModel.Config), new RelevanceHead(weights), _tokenizer.Special);
            return new RerankerStage(options, weights, model, store, 1, 0, group);
        });
    }

    // In float64, so that only a difference of meaning shows. Two steps, the second one from weights that the first has changed, with dropout.
    private static void AssertSame<TStage>(int ranks, Func<IProcessGroup, TStage> create) where TStage : ITrainableStage, IDisposable
    {
        Outcome alone = Steps(LocalProcessGroup.Instance);
        Outcome[] shared = ThreadGroup.Run(ranks, Steps);
        Assert.True(alone.Gradients.Max(Math.Abs) > 1e-3);
        foreach (Outcome one in shared)
        {
            Assert.Equal(alone.Batches, one.Batches);
            Assert.Equal(alone.Tokens, one.Tokens);
            Assert.Equal(alone.Loss, one.Loss, 1e-5);
            Assert.Equal(alone.Figures.Keys.Order(), one.Figures.Keys.Order());
            Assert.All(alone.Figures, f => Assert.Equal(f.Value, one.Figures[f.Key], 1e-5));
            double reach = alone.Gradients.Max(Math.Abs);
            Assert.All(alone.Gradients.Zip(one.Gradients), g => Assert.True(Math.Abs(g.First - g.Second) <= 1e-9 * (1 + reach), $"{g.First} alone, {g.Second} over {ranks} ranks"));
            Assert.Equal(shared[0].Gradients, one.Gradients);     // to the bit among ranks
        }

        Outcome Steps(IProcessGroup group)
        {
            using TStage stage = create(group);
            using Weights weights = stage.Weights;
            using var optimizer = new AdamW(weights, 0.01);
            string batches = "";
            StepFigures figures = new(0, 0, new Dictionary<string, double>());
            for (int step = 0; step < 2; step++)
            {
                weights.Zero();
                figures = group.Join(stage.ForwardBackward(step));
                group.SumGradients(weights, ScalarType.Float64);
                batches = figures.Batch!.Chain(batches);
                if (step == 0)
                {
                    optimizer.Step(1e-4);
                }
            }
            return new Outcome(batches, figures.Loss, figures.Tokens, figures.Figures, weights.Gradients.data<double>().ToArray());
        }
    }

    private static ContrastiveStageOptions Options(string kind)
    {
        var plain = new ContrastiveStageOptions { Steps = 40, BatchPairs = 9, GroupSize = 2, Temperature = 0.05, SubBatchTokens = 256 };
        return kind switch
        {
            "cached" => plain with { Memory = "cached", ScoreBlock = 2, BothDirections = true, QueryQuery = true, PassagePassage = true, MatryoshkaDimensions = [8], FalseNegativeMargin = 0.3 },
            "own group" => plain with { InBatchNegatives = false, Outputs = ["dense", "sparse", "multi"], VectorSize = 8 },
            "unified" => plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8, SelfDistillation = true, SelfDistillationStart = 0 },
            "distilled" => plain with { GroupSize = 3, Distillation = new DistillationOptions { Loss = "m3_kd" } },
            "cosent" => plain with { GroupSize = 1, Objective = "cosent" },
            "accumulated" => plain with { Accumulate = 3, BatchPairs = 3 },
            _ => plain,
        };
    }

    private PairStore Pairs(double score) => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")),
        Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99), TinyModel.Text(4, n + 200)])
        {
            PositiveScores = [score == 0 ? (n % 5) / 4.0 : score],
            NegativeScores = [-1, -3],
        }), _tokenizer, 16, 32, "", negatives: true);

    private sealed record Outcome(string Batches, double Loss, long Tokens, IReadOnlyDictionary<string, double> Figures, double[] Gradients);
}

// Steps of each kind of stage that any group of ranks can do: what they come to must be what one process comes to.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

/// <summary>What some steps came to.</summary>
internal sealed record Outcome(string Batches, IReadOnlyList<double> Losses, StepFigures Last, double[] Gradients);

internal sealed class JoinedBatch(Compute compute, int steps, double rate) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BgeSharp.Text.WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    public Outcome Contrastive(ContrastiveStageOptions options, IProcessGroup group)
    {
        using PairStore store = Pairs(options.Objective == "contrastive");
        Weights weights = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, compute, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", TinyModel.Config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
        return Steps(new ContrastiveStage(options, weights, encoder, store, 3, 0, null, group), group);
    }

    public Outcome RetroMae(RetroMaeStageOptions options, IProcessGroup group)
    {
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), Enumerable.Range(0, 60).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(4 + (n % 9), n), 32)));
        var weights = new Weights(Training.Objectives.RetroMae.Shapes(TinyModel.Config, options.Design), compute);
        weights.Initialize(0.3, 1);
        return Steps(new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, 0, group), group);
    }

    public Outcome Reranker(RerankerStageOptions options, IProcessGroup group)
    {
        using PairStore store = Pairs(contrastive: true);
        Weights weights = RunModel.Create(CrossEncoder.Shapes(TinyModel.Config), "", TinyModel.Config with { InitializerRange = 0.3 }, compute, 1, null);
        var model = new CrossEncoder(new Encoder(weights, "", TinyModel.Config), new RelevanceHead(weights), _tokenizer.Special);
        return Steps(new RerankerStage(options, weights, model, store, 1, 0, group), group);
    }

    /// <summary>Nine pairs a batch, dropout, and whatever the kind adds.</summary>
    public static ContrastiveStageOptions Options(string kind)
    {
        var plain = new ContrastiveStageOptions { Steps = 100, BatchPairs = 9, GroupSize = 2, Temperature = 0.05, SubBatchTokens = 256, Pieces = 6 };
        return kind switch
        {
            "cached" => plain with { Memory = "cached", ScoreBlock = 2, BothDirections = true, QueryQuery = true, PassagePassage = true, MatryoshkaDimensions = [8], FalseNegativeMargin = 0.3 },
            "own group" => plain with { InBatchNegatives = false, Outputs = ["dense", "sparse", "multi"], VectorSize = 8 },
            "unified" => plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8, SelfDistillation = true, SelfDistillationStart = 0 },
            "parts" => plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8, SelfDistillation = true, SelfDistillationStart = -1, TokenGroups = 4, FalseNegativeMargin = 0.3, ScoreBlock = 2 },
            "few" => plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8, BatchPairs = 3, TokenGroups = 4 },
            "parts of three" => plain with { GroupSize = 3, Outputs = ["sparse", "multi"], VectorSize = 8, TokenGroups = 4, Memory = "cached", Distillation = new DistillationOptions { Loss = "m3_kd" } },
            "distilled" => plain with { GroupSize = 3, Distillation = new DistillationOptions { Loss = "m3_kd" } },
            "kl_div" => plain with { GroupSize = 3, Distillation = new DistillationOptions { Loss = "kl_div", Temperature = 2 } },
            "margin_mse" => plain with { GroupSize = 3, Temperature = 0.1, Distillation = new DistillationOptions { Loss = "margin_mse", Temperature = 2 } },
            "cosent" => plain with { GroupSize = 1, Objective = "cosent" },
            "accumulated" => plain with { Accumulate = 3, BatchPairs = 3 },
            _ => plain,
        };
    }

    /// <summary>Compares ranks with one process.</summary>
    /// <param name="alone">Of one process.</param>
    /// <param name="shared">Of a rank.</param>
    /// <param name="tolerance">Of gradients, relative to 1 + the largest.</param>
    public static void AssertSame(Outcome alone, Outcome shared, double tolerance)
    {
        double reach = alone.Gradients.Max(Math.Abs);
        Assert.True(reach > 1e-3);
        Assert.Equal(alone.Batches, shared.Batches);
        Assert.Equal(alone.Last.Tokens, shared.Last.Tokens);
        Assert.All(alone.Losses.Zip(shared.Losses), l => Assert.Equal(l.First, l.Second, 1e-5));
        Assert.Equal(alone.Last.Figures.Keys.Order(), shared.Last.Figures.Keys.Order());
        Assert.All(alone.Last.Figures, f => Assert.Equal(f.Value, shared.Last.Figures[f.Key], 1e-5));
        double off = alone.Gradients.Zip(shared.Gradients).Max(g => Math.Abs(g.First - g.Second));
        Assert.True(off <= tolerance * (1 + reach), $"gradients up to {reach} are off by {off}");
    }

    private Outcome Steps<TStage>(TStage created, IProcessGroup group) where TStage : ITrainableStage, IDisposable
    {
        using TStage stage = created;
        using Weights weights = stage.Weights;
        using var optimizer = new AdamW(weights, 0.01);
        string batches = "";
        var losses = new List<double>();
        StepFigures figures = new(0, 0, new Dictionary<string, double>());
        for (int step = 0; step < steps; step++)
        {
            weights.Zero();
            figures = group.Join(stage.ForwardBackward(step));
            group.SumGradients(weights, ScalarType.Float32);
            losses.Add(figures.Loss);
            batches = figures.Batch!.Chain(batches);
            if (step < steps - 1)
            {
                optimizer.Step(rate);
            }
        }
        using Tensor gradients = weights.Gradients.to_type(ScalarType.Float64);
        return new Outcome(batches, losses, figures, gradients.data<double>().ToArray());
    }

    private PairStore Pairs(bool contrastive) => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")),
        Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99), TinyModel.Text(4, n + 200)])
        {
            // Others for each query, so that a block must take its own queries' scores.
            PositiveScores = [contrastive ? 4 - (n % 3) : (n % 5) / 4.0],
            NegativeScores = [-1 - (n % 2), -3],
        }), _tokenizer, 16, 32, "", negatives: true);
}

using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

/// <summary>A run that is stopped and goes on from its checkpoint ends with the weights, moments, batches and log lines of one that was not, bit for bit, dropout included.</summary>
public sealed class ResumeTests : IDisposable
{
    private const int Steps = 7;
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(1), InlineData(4), InlineData(6)]
    public void RetroMae_goes_on_as_if_never_stopped(int stopAfter)
    {
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(3, 24).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(n, n), 40)));
        var options = new RetroMaeStageOptions { Steps = Steps, BatchTokens = 128, Accumulate = 2, LogEvery = 3, EvaluateEvery = 1, LearningRate = 1e-2 };
        Prove(stopAfter, options, () => RetroMae.Shapes(TinyModel.Config), (weights, first) => new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, first));
    }

    [Theory, InlineData(1), InlineData(4), InlineData(6)]
    public void Contrastive_goes_on_as_if_never_stopped(int stopAfter)
    {
        using PairStore store = PairStore.Create(_folder.Path,
            Enumerable.Range(1, 20).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(n, n + 50)], [TinyModel.Text(5, n + 99)])), _tokenizer, 16, 32, "", negatives: true);
        var options = new ContrastiveStageOptions { Steps = Steps, BatchPairs = 6, GroupSize = 2, Accumulate = 2, LogEvery = 3, EvaluateEvery = 1, LearningRate = 1e-2 };
        Prove(stopAfter, options, () => Encoder.Shapes("", TinyModel.Config), (weights, first) => new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", TinyModel.Config), Pooling.Cls), store, 3, first));
    }

    private void Prove<TStage>(int stopAfter, StageOptions options, Func<IEnumerable<WeightShape>> shapes, Func<Weights, long, TStage> create)
        where TStage : ITrainableStage, IDisposable
    {
        End whole = Run("whole", 0);
        Assert.True(whole.Done);
        End part = Run("stopped", stopAfter);
        Assert.False(part.Done);
        Assert.NotEqual(whole.Bits, part.Bits);
        End resumed = Run("stopped", 0);
        Assert.True(resumed.Done);
        Assert.Equal(whole.Bits, resumed.Bits);             // weights and both moments
        Assert.Equal(16, whole.Batches.Length);
        Assert.Equal(whole.Batches, resumed.Batches);       // tokens and masks of every batch, in their order
        Assert.Equal(whole.Lines, part.Lines.Concat(resumed.Lines));

        End Run(string name, int stopAt)
        {
            using var weights = new Weights(shapes(), Compute.Float32);
            weights.Initialize(0.3, seed: 1);
            using var optimizer = new AdamW(weights, 0.01);
            var folder = new CheckpointFolder(Path.Combine(_folder.Path, name), 1, Assert.Fail);
            using var checkpoints = new BackgroundCheckpoints(folder, weights, optimizer, "{}", background: true, Assert.Fail, TimeProvider.System);
            TrainerState start = new();
            if (folder.Latest(0, "r") is { } found)
            {
                weights.Initialize(0.3, seed: 2);       // nothing of the start values may be left
                CheckpointFolder.Restore(found, weights, optimizer);
                start = TrainerState.From(found.State.Trainer);
                Assert.Equal(stopAfter, start.Step);
            }
            using TStage stage = create(weights, start.Step);
            using var stop = new CancellationTokenSource();
            var lines = new List<string>();
            var hooks = new TrainerHooks(
                report => lines.Add($"{report.Step} {report.Loss:R} {report.Batches} {string.Join(' ', report.Figures)}"),
                (state, _) => checkpoints.Save(Checkpoint(state, optimizer), required: true), 1000, TimeProvider.System)
            {
                Evaluate = step =>
                {
                    if (step == stopAt)
                    {
                        stop.Cancel();
                    }
                    return 0;
                },
            };
            TrainerState? end = new Trainer(stage, optimizer, options, hooks).Run(start, stop.Token);
            checkpoints.Wait();
            return new End(end is not null, [.. new[] { weights.Values, optimizer.FirstMoment, optimizer.SecondMoment }.SelectMany(t => t.data<float>().ToArray()).Select(BitConverter.SingleToInt32Bits)],
                end?.Batches ?? "", lines);
        }
    }

    private static CheckpointState Checkpoint(TrainerState state, AdamW optimizer)
        => new() { Recipe = "r", StageIndex = 0, Stage = "s", Step = state.Step, OptimizerSteps = optimizer.Steps, Trainer = state.ToJson() };

    private sealed record End(bool Done, int[] Bits, string Batches, List<string> Lines);
}

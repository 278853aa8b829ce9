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

/// <summary>A run that is stopped and goes on from its checkpoint ends with the weights of one that was not, bit for bit, dropout included.</summary>
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
        var options = new RetroMaeStageOptions { Steps = Steps, BatchTokens = 128, Accumulate = 2, LogEvery = 1, LearningRate = 1e-2 };
        Prove(stopAfter, options, () => RetroMae.Shapes(TinyModel.Config), (weights, first) => new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, first));
    }

    [Theory, InlineData(1), InlineData(4), InlineData(6)]
    public void Contrastive_goes_on_as_if_never_stopped(int stopAfter)
    {
        using PairStore store = PairStore.Create(_folder.Path,
            Enumerable.Range(1, 20).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(n, n + 50)], [TinyModel.Text(5, n + 99)])), _tokenizer, 16, 32, "", negatives: true);
        var options = new ContrastiveStageOptions { Steps = Steps, BatchPairs = 6, GroupSize = 2, Accumulate = 2, LogEvery = 1, LearningRate = 1e-2 };
        Prove(stopAfter, options, () => Encoder.Shapes("", TinyModel.Config), (weights, first) => new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", TinyModel.Config), Pooling.Cls), store, 3, first));
    }

    private void Prove<TStage>(int stopAfter, StageOptions options, Func<IEnumerable<WeightShape>> shapes, Func<Weights, int, TStage> create)
        where TStage : ITrainableStage, IDisposable
    {
        (int[] whole, bool done) = Run("whole", 0);
        Assert.True(done);
        (int[] part, done) = Run("stopped", stopAfter);
        Assert.False(done);
        Assert.NotEqual(whole, part);
        (int[] resumed, done) = Run("stopped", 0);
        Assert.True(done);
        Assert.Equal(whole, resumed);

        (int[] Bits, bool Done) Run(string name, int stopAt)
        {
            using var weights = new Weights(shapes(), Compute.Float32);
            weights.Initialize(0.3, seed: 1);
            using var optimizer = new AdamW(weights, 0.01);
            var checkpoints = new CheckpointFolder(Path.Combine(_folder.Path, name), 1);
            int first = 0;
            if (checkpoints.Latest(0, "r") is (string latest, CheckpointState state))
            {
                weights.Initialize(0.3, seed: 2);       // nothing of the start values may be left
                CheckpointFolder.Restore(latest, state, weights, optimizer);
                first = state.Step;
                Assert.Equal(stopAfter, first);
            }
            using TStage stage = create(weights, first);
            using var stop = new CancellationTokenSource();
            var hooks = new TrainerHooks(
                report =>
                {
                    if (report.Step == stopAt)
                    {
                        stop.Cancel();
                    }
                },
                step => checkpoints.Publish(new CheckpointState("r", 0, "s", step, optimizer.Steps), weights, optimizer), 1000, TimeProvider.System);
            bool done = new Trainer(stage, optimizer, options, hooks).Run(first, stop.Token);
            return ([.. weights.Values.data<float>().ToArray().Select(BitConverter.SingleToInt32Bits)], done);
        }
    }
}

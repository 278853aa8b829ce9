// Positives in another order are for training: the held-out loss of the same pairs does not see them.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages.Contrastive;

public sealed class ShuffledPositivesTests : IDisposable
{
    private static readonly ModelConfig s_config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0, InitializerRange = 0.3 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Training_sees_them_and_the_held_out_loss_does_not()
    {
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "pairs"), Enumerable.Range(0, 16).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(60, n + 50)], [])), _tokenizer, 16, 40, "", negatives: false);
        (StepFigures Step, double HeldOut) Of(double ratio)
        {
            var options = new ContrastiveStageOptions { Steps = 4, BatchPairs = 8, ShuffleRatio = ratio };
            using Weights weights = RunModel.Create(options, s_config, Compute.Float32, 1, null).Weights;
            using var stage = new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", s_config), Pooling.Mean), store, 3, 0);
            return (stage.ForwardBackward(0), stage.HeldOutLoss(store));
        }
        (StepFigures plain, double heldOut) = Of(0);
        (StepFigures shuffled, double same) = Of(1);
        Assert.Equal(heldOut, same);
        Assert.Equal(plain.Batch!.Rows, shuffled.Batch!.Rows);
        Assert.NotEqual(plain.Batch.Digest, shuffled.Batch.Digest);
        Assert.NotEqual(plain.Loss, shuffled.Loss, 1e-4);
        Assert.Equal(plain.Tokens, shuffled.Tokens);
    }
}

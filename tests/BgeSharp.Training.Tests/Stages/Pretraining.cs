// One step of masked pre-training on a tiny model, for tests that compare gradients.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

internal static class Pretraining
{
    /// <summary>Loss and all gradients of the first step; dropout 0.2 unless the configuration says otherwise.</summary>
    public static (double Loss, float[] Gradients) Step(RetroMaeStageOptions options, ModelConfig? config = null, int[][]? texts = null)
    {
        config ??= TinyModel.Config with { HiddenDropout = 0.2, AttentionDropout = 0.2 };
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using var folder = new TemporaryFolder();
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), texts ?? Enumerable.Range(3, 24).Select(n => tokenizer.EncodeWithSpecial(TinyModel.Text(n, n), 40)));
        using var weights = new Weights(RetroMae.Shapes(config, options.Design), Compute.Float32);
        weights.Initialize(0.1, seed: 1);
        using var stage = new RetroMaeStage(options, weights, config, Pooling.Cls, tokenizer, store, 3, 0);
        double loss = stage.ForwardBackward(0).Loss;
        return (loss, weights.Gradients.data<float>().ToArray());
    }
}

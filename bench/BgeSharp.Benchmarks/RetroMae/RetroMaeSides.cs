// The two sides of "retromae": one training step each, forward, backward, clip and AdamW, over batches drawn from the same texts.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>A side: trains a step and says how many real tokens it held.</summary>
internal interface IRetroMaeSide : IDisposable
{
    /// <summary>One step.</summary>
    /// <returns>Real tokens of the batch.</returns>
    long Step();
}

/// <summary>The public computation: texts at random, padded, whole logits, libtorch's own AdamW.</summary>
internal sealed class PublicSide : IRetroMaeSide
{
    private readonly Weights _weights;
    private readonly PublicRetroMae _model;
    private readonly IEnumerator<RetroMaeBatch> _batches;
    private readonly optim.Optimizer _optimizer;
    private readonly ModelConfig _config;

    public PublicSide(ModelConfig config, ITokenizer tokenizer, TokenStore store, int texts)
    {
        _config = config;
        _weights = new Weights(Training.Objectives.RetroMae.Shapes(config), Compute.Float32);
        _weights.Initialize(0.02, 1);
        _model = new PublicRetroMae(_weights, config, positionQuery: false);
        var masks = new RetroMaeMasks(tokenizer, 0.3, 0.5, pool: 256);
        _batches = Prefetch.Ahead(PretrainingTexts.RandomBatches(store, texts).Select((rows, i) => RetroMaeBatch.Draw(store, rows, masks, 1, i).Drawn())).GetEnumerator();
        _optimizer = optim.AdamW([.. _weights.Shapes.Select(s => new TorchSharp.Modules.Parameter(_weights[s.Name].detach()) { grad = _weights.GradientOf(s.Name) })], lr: 1e-4, weight_decay: 0.01);
    }

    /// <inheritdoc/>
    public long Step()
    {
        using var scope = NewDisposeScope();
        _batches.MoveNext();
        _weights.Zero();
        (Tensor encoder, Tensor decoder) = _model.Losses(PublicCollator.Pad(_batches.Current, _config.PadTokenId));
        (encoder + decoder).backward();
        _weights.ClipTo(_weights.Norm(), 1);
        _optimizer.step();
        return _batches.Current.Original.TokenCount;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _batches.Dispose();
        _optimizer.Dispose();
        _weights.Dispose();
    }
}

/// <summary>Ours: the stage and the optimizer as "bge run" has them.</summary>
internal sealed class OurSide : IRetroMaeSide
{
    private readonly Weights _weights;
    private readonly RetroMaeStage _stage;
    private readonly AdamW _optimizer;
    private int _step;

    public OurSide(ModelConfig config, ITokenizer tokenizer, TokenStore store, int batchTokens, Compute compute, bool recompute, int accumulate = 1)
    {
        var options = new RetroMaeStageOptions { BatchTokens = batchTokens, MaxLength = config.MaxLength, Steps = 1_000_000, Recompute = recompute, Accumulate = accumulate };
        _weights = new Weights(Training.Objectives.RetroMae.Shapes(config, options.Design), compute);
        _weights.Initialize(0.02, 1);
        _stage = new RetroMaeStage(options, _weights, config, Pooling.Cls, tokenizer, store, 1, 0);
        _optimizer = new AdamW(_weights, 0.01);
    }

    /// <inheritdoc/>
    public long Step()
    {
        _weights.Zero();
        StepFigures figures = _stage.ForwardBackward(_step++);
        _weights.ClipTo(_weights.Norm(), 1);
        _optimizer.Step(1e-4);
        return figures.Tokens;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stage.Dispose();
        _optimizer.Dispose();
        _weights.Dispose();
    }
}

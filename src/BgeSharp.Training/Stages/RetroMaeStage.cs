// RetroMAE pre-training as a stage: batches under a token budget, masks drawn on the way, encoder and decoder loss.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Pre-training on raw text.</summary>
public sealed class RetroMaeStage : ITrainableStage, IDisposable
{
    private readonly RetroMaeStageOptions _options;
    private readonly ModelConfig _config;
    private readonly TokenStore _store;
    private readonly RetroMae _model;
    private readonly long _seed;
    private readonly bool _wantsBags;
    private readonly IEnumerator<RetroMaeBatch> _batches;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds every weight of <see cref="RetroMae.Shapes"/>.</param>
    /// <param name="config">Sizes of the model.</param>
    /// <param name="pooling">What the sentence vector is.</param>
    /// <param name="tokenizer">Tells special tokens and word pieces.</param>
    /// <param name="store">Tokenised texts, special tokens included.</param>
    /// <param name="seed">Seed of order, masks and dropout.</param>
    /// <param name="firstStep">Step to begin with, from 0.</param>
    public RetroMaeStage(RetroMaeStageOptions options, Weights weights, ModelConfig config, Pooling pooling, ITokenizer tokenizer, TokenStore store, long seed, int firstStep)
    {
        _options = options;
        _config = config;
        _store = store;
        _seed = seed;
        Weights = weights;
        RetroMaeDesign design = options.Design;
        _model = new RetroMae(weights, config, design, pooling);
        _wantsBags = design.Task == PretrainingTask.DupMae;
        DecoderMasks decoder = !design.HasDecoder ? DecoderMasks.None : design.PlainDecoding ? DecoderMasks.Text : DecoderMasks.Rows;
        var masks = new RetroMaeMasks(tokenizer, options.EncoderMaskRatio, options.DecoderMaskRatio, options.DecoderMaskPool);
        var order = new TokenBudgetOrder(seed, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], options.BatchTokens);
        TotalSteps = options.Steps > 0 ? options.Steps : Math.Max(1, (int)Math.Ceiling(order.BatchesPerEpoch() * options.Epochs / options.Accumulate));
        long first = (long)firstStep * options.Accumulate;
        _batches = Prefetch.Ahead(order.From(first).Select((rows, i) => RetroMaeBatch.Draw(_store, rows, masks, seed, first + i, decoder))).GetEnumerator();
    }

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        double encoderLoss = 0, decoderLoss = 0, bagLoss = 0, total = 0, encoderAccuracy = 0, decoderAccuracy = 0;
        long tokens = 0;
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            using var scope = NewDisposeScope();
            // Dropout draws from torch's generator: seeding it per micro-batch makes a resumed run draw the same.
            manual_seed((long)(HashCodes.Of(_seed, step, micro) >> 1));
            _batches.MoveNext();
            RetroMaeBatch batch = _batches.Current;
            RetroMaeLoss loss = _model.Loss(ToTensors(batch), training: true);
            Tensor sum = loss.Total;
            sum.Over(_options.Accumulate).backward();
            total += Number(sum) / _options.Accumulate;
            encoderLoss += Number(loss.Encoder) / _options.Accumulate;
            decoderLoss += Number(loss.Decoder) / _options.Accumulate;
            bagLoss += Number(loss.Bag) / _options.Accumulate;
            encoderAccuracy += loss.EncoderScore.Accuracy / _options.Accumulate;
            decoderAccuracy += loss.DecoderScore.Accuracy / _options.Accumulate;
            tokens += batch.Original.TokenCount;
        }
        var figures = new Dictionary<string, double> { ["encoder_loss"] = encoderLoss, ["encoder_accuracy"] = encoderAccuracy };
        if (_options.Design.HasDecoder)
        {
            figures["decoder_loss"] = decoderLoss;
            figures["decoder_accuracy"] = decoderAccuracy;
        }
        if (_wantsBags)
        {
            figures["bag_loss"] = bagLoss;
        }
        return new StepFigures(total, tokens, figures);
    }

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    private static double Number(Tensor? scalar) => scalar is null ? 0 : scalar.to_type(ScalarType.Float64).item<double>();

    private MaskedTexts ToTensors(RetroMaeBatch batch)
    {
        Device device = Weights.Compute.Device;
        int length = batch.Original.MaxLength;
        return new MaskedTexts(
            new PackedText(batch.Encoder.Texts, _config, device),
            new PackedText(batch.Original, _config, device),
            tensor(batch.Encoder.Rows).to(device),
            tensor(batch.Encoder.Targets).to(device),
            batch.Hidden.Length == 0 ? null : tensor(batch.Hidden).view(batch.Original.Count, 1, length, length).to(device),
            batch.Decoder is null ? null : new PlainTargets(new PackedText(batch.Decoder.Texts, _config, device), tensor(batch.Decoder.Rows).to(device), tensor(batch.Decoder.Targets).to(device)),
            _wantsBags ? WordBags.Of(batch.Original) : null);
    }
}

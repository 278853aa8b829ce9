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
    private readonly RetroMae _model;
    private readonly long _seed;
    private readonly bool _wantsBags;
    private readonly DecoderMasks _decoder;
    private readonly RetroMaeMasks _masks;
    private readonly BatchCursor<RetroMaeBatch> _batches;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds every weight of <see cref="RetroMae.Shapes"/>.</param>
    /// <param name="config">Sizes of the model.</param>
    /// <param name="pooling">What the sentence vector is.</param>
    /// <param name="tokenizer">Tells special tokens and word pieces.</param>
    /// <param name="store">Tokenised texts, special tokens included.</param>
    /// <param name="seed">Seed of order, masks and dropout.</param>
    /// <param name="firstStep">Position in the order of batches to begin with, in steps.</param>
    /// <param name="words">Joins Han characters into words for the masks; null hides them one by one.</param>
    public RetroMaeStage(RetroMaeStageOptions options, Weights weights, ModelConfig config, Pooling pooling, ITokenizer tokenizer, TokenStore store, long seed, long firstStep, HanWords? words = null)
    {
        _options = options;
        _config = config;
        _seed = seed;
        Weights = weights;
        RetroMaeDesign design = options.Design;
        _model = new RetroMae(weights, config, design, pooling);
        _wantsBags = design.Task == PretrainingTask.DupMae;
        _decoder = !design.HasDecoder ? DecoderMasks.None : design.PlainDecoding ? DecoderMasks.Text : DecoderMasks.Rows;
        _masks = new RetroMaeMasks(tokenizer, options.EncoderMaskRatio, options.DecoderMaskRatio, options.DecoderMaskPool, words);
        var order = new TokenBudgetOrder(seed, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], options.BatchTokens);
        TotalSteps = options.StepsOver(order.BatchesPerEpoch);
        _batches = new BatchCursor<RetroMaeBatch>(order.From, (rows, number) => RetroMaeBatch.Draw(store, rows, _masks, seed, number, _decoder), options.Accumulate, firstStep);
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
        var trace = new BatchTrace();
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            using var scope = NewDisposeScope();
            // Dropout draws from torch's generator: seeding it per micro-batch makes a resumed run draw the same.
            manual_seed((long)(HashCodes.Of(_seed, step, micro) >> 1));
            (int[] rows, RetroMaeBatch batch) = _batches.Next();
            trace.Add(rows, batch.Original, batch.Encoder.Texts);
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
        return new StepFigures(total, tokens, figures) { Batch = trace };
    }

    /// <inheritdoc/>
    public void GoTo(long position) => _batches.GoTo(position);

    /// <summary>The mean loss on other texts, in nats, with masks that are the same at every call; nothing is learnt.</summary>
    /// <param name="texts">At least one tokenised text.</param>
    public double HeldOutLoss(TokenStore texts)
    {
        double sum = 0;
        long tokens = 0;
        var order = new TokenBudgetOrder(0, [.. Enumerable.Range(0, texts.Count).Select(texts.LengthOf)], _options.BatchTokens);
        foreach (int[] rows in order.From(0).Take(order.BatchesPerEpoch()))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            RetroMaeBatch batch = RetroMaeBatch.Draw(texts, rows, _masks, 0, 0, _decoder);
            RetroMaeLoss loss = _model.Loss(ToTensors(batch), training: false);
            sum += Number(loss.Total) * batch.Original.TokenCount;
            tokens += batch.Original.TokenCount;
        }
        return sum / tokens;
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

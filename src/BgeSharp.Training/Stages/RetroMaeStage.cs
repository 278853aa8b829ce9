// RetroMAE pre-training as a stage: batches under a token budget, masks drawn on the way, encoder and decoder loss.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Data.Splits;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Pre-training on raw text.</summary>
public sealed class RetroMaeStage : ITrainableStage, IDisposable
{
    /// <summary>Fewest tokens of a text: a shorter one has next to nothing to rebuild.</summary>
    public const int LeastTokens = 8;

    private readonly RetroMaeStageOptions _options;
    private readonly ModelConfig _config;
    private readonly RetroMae _model;
    private readonly long _seed;
    private readonly bool _wantsBags;
    private readonly DecoderMasks _decoder;
    private readonly RetroMaeMasks _masks;
    private readonly BatchCursor<RetroMaePiece[]> _batches;
    private readonly IProcessGroup _group;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds every weight of <see cref="RetroMae.Shapes"/>.</param>
    /// <param name="config">Sizes of the model.</param>
    /// <param name="pooling">What the sentence vector is.</param>
    /// <param name="tokenizer">Tells special tokens and word pieces.</param>
    /// <param name="store">Tokenised texts, special tokens included.</param>
    /// <param name="seed">Seed of order, masks and dropout.</param>
    /// <param name="firstStep">Position in the order of batches to begin with, in steps.</param>
    /// <param name="group">Ranks that share each step; null for none.</param>
    /// <param name="words">Joins Han characters into words for the masks; null hides them one by one.</param>
    public RetroMaeStage(RetroMaeStageOptions options, Weights weights, ModelConfig config, Pooling pooling, ITokenizer tokenizer, TokenStore store, long seed, long firstStep,
        IProcessGroup? group = null, HanWords? words = null)
    {
        _options = options;
        _config = config;
        _seed = seed;
        Weights = weights;
        RetroMaeDesign design = options.Design;
        _model = new RetroMae(weights, config, design, pooling);
        _wantsBags = design.HasBag;
        _decoder = !design.HasDecoder ? DecoderMasks.None : design.PlainDecoding ? DecoderMasks.Text : DecoderMasks.Rows;
        _masks = new RetroMaeMasks(tokenizer, options.EncoderMaskRatio, options.DecoderMaskRatio, options.DecoderMaskPool, words);
        var order = new TokenBudgetOrder(seed, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], options.BatchTokens);
        TotalSteps = options.StepsOver(order.BatchesPerEpoch);
        _group = group ?? LocalProcessGroup.Instance;
        int pieces = WorkShare.Pieces(options.Pieces, options.Accumulate, _group.Size);
        _batches = new BatchCursor<RetroMaePiece[]>(order.From, (rows, number) => RetroMaePiece.Draw(rows, pieces,
            piece => (((number % options.Accumulate) * pieces) + piece) % _group.Size == _group.Rank,
            own => Ready(RetroMaeBatch.Draw(store, own, _masks, seed, number, _decoder))), options.Accumulate, firstStep);

        // On the thread that makes batches ahead; but where a step takes many they would all hold their squares at once, and each draws them in its turn.
        RetroMaeBatch Ready(RetroMaeBatch batch) => options.Accumulate == 1 ? batch.Drawn() : batch;
    }

    /// <summary>Documents as the stage reads them: cut, tokenised, and without what is shorter than <see cref="LeastTokens"/>. Streaming.</summary>
    /// <param name="documents">Documents to cut.</param>
    /// <param name="tokenizer">Counts and encodes.</param>
    /// <param name="options">Say where to cut.</param>
    public static IEnumerable<int[]> Texts(IEnumerable<Document> documents, ITokenizer tokenizer, RetroMaeStageOptions options)
        => (options.CutAt == "token" ? TokenChunks.Full(documents, tokenizer, options.MaxLength) : TokenChunks.Of(documents, tokenizer, options.MaxLength)).Where(ids => ids.Length >= LeastTokens);

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        var sums = new Sums();
        var trace = new BatchTrace();
        // The micro-batches of a step know each other's counts before they train: a step is the mean over all that it names, however it is cut.
        (int[] Rows, RetroMaePiece[] Own, int)[] batches = [.. Enumerable.Range(0, _options.Accumulate).Select(_ => _batches.Next())];
        long[] counts = _group.Total([.. batches.SelectMany(b => b.Own.Select(p => p.Counts)).Aggregate(new long[3], (sum, one) => [.. sum.Zip(one, (x, y) => x + y)])]);
        for (int micro = 0; micro < batches.Length; micro++)
        {
            int start = trace.Rows.Count;
            trace.AddRows(batches[micro].Rows);
            foreach (RetroMaePiece piece in batches[micro].Own)
            {
                // Dropout draws from torch's generator: seeding it per piece makes a resumed run, and another number of ranks, draw the same.
                manual_seed((long)(HashCodes.Of(_seed, step, micro + (piece.Number * 1_000_003L)) >> 1));
                Note(trace, start, piece);
                Train(piece, counts, sums);
            }
        }
        var figures = new Dictionary<string, double> { ["encoder_loss"] = sums.Encoder, ["encoder_accuracy"] = sums.EncoderRight };
        if (_options.Design.HasDecoder)
        {
            figures["decoder_loss"] = sums.Decoder;
            figures["decoder_accuracy"] = sums.DecoderRight;
        }
        if (_wantsBags)
        {
            figures["bag_loss"] = sums.Bag;
        }
        return new StepFigures(sums.Total, sums.Tokens, figures) { Batch = trace };
    }

    private void Train(RetroMaePiece piece, long[] counts, Sums sums)
    {
        using var scope = NewDisposeScope();
        long[] own = piece.Counts;
        var shares = new LossShares(Share(own[0], counts[0]), Share(own[1], counts[1]), Share(own[2], counts[2]));
        RetroMaeLoss loss = _model.Loss(ToTensors(piece.Batch), training: true, shares);
        Tensor sum = loss.Total;
        BackwardPass.Run(sum);
        sums.Total += Number(sum);
        sums.Encoder += Number(loss.Encoder);
        sums.Decoder += Number(loss.Decoder);
        sums.Bag += BagOf(loss);
        sums.EncoderRight += loss.EncoderScore.Accuracy * shares.Encoder;
        sums.DecoderRight += loss.DecoderScore.Accuracy * shares.Decoder;
        sums.Tokens += piece.Batch.Original.TokenCount;

        static double Share(long part, long whole) => whole == 0 ? 0 : part / (double)whole;
    }

    private static void Note(BatchTrace trace, int start, RetroMaePiece piece)
    {
        for (int i = 0; i < piece.Places.Length; i++)
        {
            trace.AddText(start + piece.Places[i], 0, piece.Batch.Original[i]);
            trace.AddText(start + piece.Places[i], 1, piece.Batch.Encoder.Texts[i]);
        }
    }

    /// <inheritdoc/>
    public void GoTo(long position) => _batches.GoTo(position);

    /// <summary>Losses and accuracies on other texts, without dropout and with masks that are the same at every call; nothing is learnt.</summary>
    /// <param name="texts">At least one tokenised text.</param>
    /// <param name="limit">Most texts, evenly spaced; 0 for all.</param>
    /// <returns>Each loss in nats as a mean over all that it is about, however the texts fall into batches; "dev_loss" is what training lowers.</returns>
    public IReadOnlyDictionary<string, double> HeldOut(TokenStore texts, int limit = 0)
    {
        double encoder = 0, decoder = 0, bag = 0, encoderRight = 0, decoderRight = 0;
        long[] counts = new long[3];
        int[] chosen = [.. HeldOutSet.EvenlySpaced(texts.Count, limit)];
        var order = new TokenBudgetOrder(0, [.. chosen.Select(texts.LengthOf)], _options.BatchTokens);
        using var noGrad = no_grad();
        foreach (int[] rows in order.From(0).Take(order.BatchesPerEpoch()))
        {
            using var scope = NewDisposeScope();
            // A text's masks do not depend on the batch it falls into.
            RetroMaeBatch batch = RetroMaeBatch.Draw(texts, [.. rows.Select(r => chosen[r])], _masks, 0, 0, _decoder);
            RetroMaeLoss loss = _model.Loss(ToTensors(batch), training: false);
            long[] own = new RetroMaePiece(0, [], batch).Counts;
            counts = [.. counts.Zip(own, (x, y) => x + y)];
            encoder += Number(loss.Encoder) * own[0];
            encoderRight += loss.EncoderScore.Correct;
            decoder += Number(loss.Decoder) * own[1];
            decoderRight += loss.DecoderScore.Correct;
            bag += BagOf(loss) * own[2];
        }
        encoder /= Math.Max(1, counts[0]);
        decoder /= Math.Max(1, counts[1]);
        bag /= Math.Max(1, counts[2]);
        var figures = new Dictionary<string, double>
        {
            ["dev_loss"] = encoder + decoder + (_options.Design.BagWeight * bag),
            ["dev_encoder_loss"] = encoder,
            ["dev_encoder_accuracy"] = encoderRight / Math.Max(1, counts[0]),
        };
        if (_options.Design.HasDecoder)
        {
            figures["dev_decoder_loss"] = decoder;
            figures["dev_decoder_accuracy"] = decoderRight / Math.Max(1, counts[1]);
        }
        if (_wantsBags)
        {
            figures["dev_bag_loss"] = bag;
        }
        return figures;
    }

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    // Without its weight, as nats a text.
    private double BagOf(RetroMaeLoss loss) => loss.Bag is null ? 0 : Number(loss.Bag) / _options.Design.BagWeight;

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
            batch.Hidden is null ? null : tensor(batch.Hidden()).view(batch.Original.Count, 1, length, length).to(device),
            batch.Decoder is null ? null : new PlainTargets(new PackedText(batch.Decoder.Texts, _config, device), tensor(batch.Decoder.Rows).to(device), tensor(batch.Decoder.Targets).to(device)),
            _wantsBags ? WordBags.Of(batch.Original) : null);
    }

    // This rank's shares of the step's means.
    private sealed class Sums
    {
        public double Total, Encoder, Decoder, Bag, EncoderRight, DecoderRight;
        public long Tokens;
    }
}

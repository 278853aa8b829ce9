// Masked pre-training. RetroMAE: the encoder names its own masked tokens, and a small decoder rebuilds the text from one vector of the masked text.
//   L = CE(encoder, masked positions) + CE(decoder, all but the first and last position) [+ 0.1 · L_bag]     Xiao et al. 2022, section 3; weights 1:1
// The bag of words is DupMAE's (RetroMAE-2, 2023); plain MLM is the encoder's term alone. Only rows that enter a loss are sent to the MLM head.

using BgeSharp.Formats;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Objectives;

/// <summary>What pre-training asks for.</summary>
public enum PretrainingTask
{
    /// <summary>Masked language modelling of the encoder alone (Devlin et al. 2019): the baseline.</summary>
    Mlm,

    /// <summary>MLM and the decoder.</summary>
    RetroMae,

    /// <summary>MLM, the decoder and the bag of words.</summary>
    DupMae,
}

/// <summary>Of a part of a batch, its shares of what each loss of the whole is averaged over.</summary>
/// <param name="Encoder">Of the tokens that the encoder names.</param>
/// <param name="Decoder">Of the tokens that the decoder names.</param>
/// <param name="Bag">Of the texts.</param>
public readonly record struct LossShares(double Encoder, double Decoder, double Bag)
{
    /// <summary>Of the whole.</summary>
    public static LossShares Whole => new(1, 1, 1);
}

/// <summary>How the pre-training model is built.</summary>
/// <param name="Task">Which losses.</param>
/// <param name="Query">What the decoder asks with, in enhanced decoding.</param>
/// <param name="PlainDecoding">True rebuilds the masked tokens of one draw by self-attention (section 3.2), false every token from draws of its own (3.3).</param>
/// <param name="DecoderLayers">At least 1; the papers have 1.</param>
/// <param name="BagWeight">Weight of the bag of words. The paper writes 1, the public code has 0.1.</param>
/// <param name="Recompute">True keeps the input of each layer only and computes the layer again in the backward pass: less memory, one more forward pass, the same numbers.</param>
public sealed record RetroMaeDesign(PretrainingTask Task = PretrainingTask.RetroMae, DecoderQuery Query = DecoderQuery.EmbeddedSentence, bool PlainDecoding = false,
    int DecoderLayers = 1, double BagWeight = 0.1, bool Recompute = false)
{
    /// <summary>True for DupMAE; a weight of 0 asks for nothing.</summary>
    public bool HasBag => Task == PretrainingTask.DupMae && BagWeight > 0;

    /// <summary>False for MLM.</summary>
    public bool HasDecoder => Task != PretrainingTask.Mlm;
}

/// <summary>One masked batch, on the device.</summary>
/// <param name="Masked">The batch as the encoder sees it.</param>
/// <param name="Original">The same texts unmasked.</param>
/// <param name="MaskedRows">[M], packed rows the encoder must name.</param>
/// <param name="MaskedTargets">[M], their ids.</param>
/// <param name="Hidden">[B, 1, L, L], true where a decoder row may not see a column; null without enhanced decoding.</param>
/// <param name="Decoded">What plain decoding sees and must name; null without it.</param>
/// <param name="Bags">The words of each text; null without the bag of words.</param>
public sealed record MaskedTexts(PackedText Masked, PackedText Original, Tensor MaskedRows, Tensor MaskedTargets, Tensor? Hidden, PlainTargets? Decoded = null, WordBags? Bags = null);

/// <summary>What plain decoding works on.</summary>
/// <param name="Masked">The batch as the decoder sees it.</param>
/// <param name="Rows">[M'], packed rows it must name.</param>
/// <param name="Targets">[M'], their ids.</param>
public sealed record PlainTargets(PackedText Masked, Tensor Rows, Tensor Targets);

/// <summary>Losses and scores of a batch.</summary>
/// <param name="Encoder">Scalar, nats per masked token, times its share.</param>
/// <param name="Decoder">Scalar, nats per token, times its share; null for MLM.</param>
/// <param name="Bag">Scalar, nats per text, times its share and its weight; null without the bag of words.</param>
/// <param name="EncoderScore">Tokens named right by the encoder.</param>
/// <param name="DecoderScore">Tokens rebuilt right by the decoder.</param>
public sealed record RetroMaeLoss(Tensor Encoder, Tensor? Decoder, Tensor? Bag, NamingScore EncoderScore, NamingScore DecoderScore)
{
    /// <summary>Encoder + decoder + bag: call <c>backward</c> on it, without a factor.</summary>
    public Tensor Total
    {
        get
        {
            Tensor total = Decoder is null ? Encoder : Encoder.Plus(Decoder);
            return Bag is null ? total : total.Plus(Bag);
        }
    }
}

/// <summary>The pre-training model: encoder, shared MLM head, decoder.</summary>
public sealed class RetroMae
{
    private readonly RetroMaeDesign _design;
    private readonly Pooling _pooling;

    /// <param name="weights">Holds every weight of <see cref="Shapes"/>.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="design">Which losses and which decoder; null for the defaults.</param>
    /// <param name="pooling">What the sentence vector is: CLS as in the paper, or the mean when the model will be used with mean pooling.</param>
    public RetroMae(Weights weights, ModelConfig config, RetroMaeDesign? design = null, Pooling pooling = Pooling.Cls)
    {
        _design = design ?? new RetroMaeDesign();
        Encoder = new Encoder(weights, Modeling.Encoder.PrefixOf(config), config);
        Head = new MaskedLanguageHead(weights, config, Encoder.Embeddings);
        Decoder = new RetroMaeDecoder(weights, config, Encoder.Embeddings, _design.HasDecoder ? _design.DecoderLayers : 0, _design.Recompute);
        _pooling = pooling;
    }

    /// <summary>The encoder that is kept.</summary>
    public Encoder Encoder { get; }

    /// <summary>Names tokens for both losses.</summary>
    public MaskedLanguageHead Head { get; }

    /// <summary>The decoder; without layers for MLM.</summary>
    public RetroMaeDecoder Decoder { get; }

    /// <summary>The weights of the whole model.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="design">Null for the defaults.</param>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config, RetroMaeDesign? design = null)
    {
        design ??= new RetroMaeDesign();
        return Modeling.Encoder.Shapes(Modeling.Encoder.PrefixOf(config), config)
            .Concat(MaskedLanguageHead.Shapes(config))
            .Concat(design.HasDecoder ? RetroMaeDecoder.Shapes(config, design.DecoderLayers) : []);
    }

    /// <param name="texts">A masked batch.</param>
    /// <param name="training">True applies dropout.</param>
    /// <param name="shares">What the losses are multiplied with; null for 1.</param>
    public RetroMaeLoss Loss(MaskedTexts texts, bool training, LossShares? shares = null)
    {
        LossShares share = shares ?? LossShares.Whole;
        Tensor rows = Encoder.Forward(texts.Masked, training, recompute: _design.Recompute);                                          // [T, D]
        var encoderScore = new NamingScore();
        Tensor encoderLoss = Head.Loss(rows.index_select(0, texts.MaskedRows), texts.MaskedTargets, encoderScore, share.Encoder);
        var decoderScore = new NamingScore();
        Tensor? decoderLoss = _design.HasDecoder ? Decode(texts, _pooling.Pool(texts.Masked, rows), decoderScore, training, share.Decoder) : null;
        return new RetroMaeLoss(encoderLoss, decoderLoss, BagLoss(texts, rows, share.Bag * _design.BagWeight), encoderScore, decoderScore);
    }

    private Tensor Decode(MaskedTexts texts, Tensor sentence, NamingScore score, bool training, double share)
    {
        if (texts.Decoded is PlainTargets plain)
        {
            Tensor named = Decoder.ForwardPlain(plain.Masked, sentence, training);                         // [T, D]
            return Head.Loss(named.index_select(0, plain.Rows), plain.Targets, score, share);
        }
        Tensor rebuilt = Decoder.Forward(texts.Original, sentence, texts.Hidden!, _design.Query, training); // [T, D]
        Tensor inner = InnerRows(texts.Original);
        return Head.Loss(rebuilt.index_select(0, inner), texts.Original.Ids.index_select(0, inner), score, share);
    }

    private Tensor? BagLoss(MaskedTexts texts, Tensor rows, double share)
    {
        if (texts.Bags is null)
        {
            return null;
        }
        // Every token but the first of each text, the closing one included.
        int[] offsets = [.. texts.Masked.Offsets.Select((offset, i) => offset - i)];
        var kept = new List<long>(texts.Masked.TokenCount);
        for (int i = 0; i < texts.Masked.Count; i++)
        {
            for (int row = texts.Masked.Offsets[i] + 1; row < texts.Masked.Offsets[i + 1]; row++)
            {
                kept.Add(row);
            }
        }
        return Head.BagLoss(rows.index_select(0, tensor(kept.ToArray()).to(rows.device)), offsets, texts.Bags, share);
    }

    /// <summary>Packed rows of every token but the first and last of each text.</summary>
    public static Tensor InnerRows(PackedText text)
    {
        var rows = new List<long>(text.TokenCount);
        for (int i = 0; i < text.Count; i++)
        {
            for (int row = text.Offsets[i] + 1; row < text.Offsets[i + 1] - 1; row++)
            {
                rows.Add(row);
            }
        }
        return tensor(rows.ToArray()).to(text.Ids.device);
    }
}

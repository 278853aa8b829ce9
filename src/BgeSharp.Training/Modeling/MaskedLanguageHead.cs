// The head that names tokens: LN(gelu(dense(h))) · wordᵀ + bias, tied to the word embeddings.      Devlin et al. 2019, section 3.1
// It only transforms here; the product with the vocabulary happens chunk by chunk inside VocabularyCrossEntropy.

using BgeSharp.Formats;
using BgeSharp.Training.Objectives;

namespace BgeSharp.Training.Modeling;

/// <summary>The MLM head of BERT ("cls.predictions") or XLM-RoBERTa ("lm_head").</summary>
public sealed class MaskedLanguageHead(Weights weights, ModelConfig config, TokenEmbeddings embeddings)
{
    private readonly (string Dense, string Norm, string Bias) _names = Names(config);

    /// <summary>The weights of the head; the tied copies are not among them.</summary>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config)
    {
        var (dense, norm, bias) = Names(config);
        yield return new($"{dense}.weight", [config.HiddenSize, config.HiddenSize], WeightStart.Normal);
        yield return new($"{dense}.bias", [config.HiddenSize], WeightStart.Zero);
        yield return new($"{norm}.weight", [config.HiddenSize], WeightStart.One);
        yield return new($"{norm}.bias", [config.HiddenSize], WeightStart.Zero);
        yield return new(bias, [config.VocabularySize], WeightStart.Zero);
    }

    /// <summary>Cross-entropy of naming the tokens at some rows.</summary>
    /// <param name="rows">[N, D]: hidden vectors of the rows to name, and no others.</param>
    /// <param name="targets">[N]: the ids to name.</param>
    /// <param name="score">Receives how many were named right.</param>
    /// <param name="share">What the mean is multiplied with.</param>
    /// <returns>Scalar, share · mean over the N rows, in nats. With gradients on, that of the word embeddings is in <see cref="Weights.Gradients"/> at once: call <c>backward</c> on a sum
    /// of such losses, without a factor.</returns>
    public Tensor Loss(Tensor rows, Tensor targets, NamingScore score, double share = 1)
    {
        using Tensor? sum = WordGradients();
        return VocabularyCrossEntropy.Mean(Transform(rows), weights[embeddings.WordName], weights[_names.Bias], targets, score, share: share, sum: sum);
    }

    /// <summary>How well the max-pooled logits of each text name its words (DupMAE).</summary>
    /// <param name="rows">[N, D]: hidden vectors of every token but the first of each text.</param>
    /// <param name="offsets">[B + 1], where the rows of each text begin.</param>
    /// <param name="bags">The words.</param>
    /// <param name="share">What the mean is multiplied with.</param>
    /// <returns>Scalar, share · mean over texts, in nats. Its gradients go where those of <see cref="Loss"/> go.</returns>
    public Tensor BagLoss(Tensor rows, int[] offsets, WordBags bags, double share = 1)
    {
        using Tensor? sum = WordGradients();
        return BagOfWords.Mean(Transform(rows), offsets, weights[embeddings.WordName], weights[_names.Bias], bags, share: share, sum: sum);
    }

    /// <summary>All logits: for tests and small vocabularies only.</summary>
    /// <returns>[N, V].</returns>
    public Tensor Logits(Tensor rows)
        => nn.functional.linear(Transform(rows), weights.Cast(embeddings.WordName), weights.Cast(_names.Bias));

    // Where all gradients of the tied table are added up; null when there are none.
    private Tensor? WordGradients() => is_grad_enabled() && weights[embeddings.WordName].requires_grad ? weights.GradientOf(embeddings.WordName) : null;

    private Tensor Transform(Tensor rows)
    {
        using var scope = NewDisposeScope();
        Tensor inner = nn.functional.gelu(nn.functional.linear(rows, weights.Cast($"{_names.Dense}.weight"), weights.Cast($"{_names.Dense}.bias")));
        return nn.functional.layer_norm(inner, [config.HiddenSize], weights.Cast($"{_names.Norm}.weight"), weights.Cast($"{_names.Norm}.bias"), config.LayerNormEpsilon).MoveToOuterDisposeScope();
    }

    private static (string Dense, string Norm, string Bias) Names(ModelConfig config) => config.Kind == ModelKind.Bert
        ? ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias")
        : ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias");
}

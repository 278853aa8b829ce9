// The head of a cross-encoder: one logit a pair, from the first token's vector.
//   XLM-RoBERTa (bge-reranker-*):  w₂ · tanh(W₁ h + b₁) + b₂       BERT: the pooler is W₁, the classifier w₂. Same computation, two sets of names on disk;
// here both are called as XLM-RoBERTa's.

using BgeSharp.Formats;

namespace BgeSharp.Training.Modeling;

/// <summary>First-token vectors to relevance.</summary>
public sealed class RelevanceHead(Weights weights)
{
    private const string Dense = "classifier.dense", Out = "classifier.out_proj";

    /// <summary>True for the name of a weight of the head.</summary>
    public static bool Has(string name) => name.StartsWith("classifier.", StringComparison.Ordinal);

    /// <summary>The weights of the head.</summary>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config) =>
    [
        new(Dense + ".weight", [config.HiddenSize, config.HiddenSize], WeightStart.Normal),
        new(Dense + ".bias", [config.HiddenSize], WeightStart.Zero),
        new(Out + ".weight", [1, config.HiddenSize], WeightStart.Normal),
        new(Out + ".bias", [1], WeightStart.Zero),
    ];

    /// <param name="firsts">[B, D], vectors of the first tokens.</param>
    /// <param name="dropout">Of what goes into the last layer; 0 outside training.</param>
    /// <param name="dropoutBefore">Of the vectors themselves: as much in XLM-RoBERTa's head, 0 before BERT's pooler.</param>
    /// <returns>[B] in the master type.</returns>
    public Tensor Logits(Tensor firsts, double dropout, double dropoutBefore)
    {
        Tensor rows = firsts.to_type(weights.Compute.MasterType);
        Tensor inner = weights.Linear(Dropout.Of(rows, dropoutBefore), Dense).tanh();
        return weights.Linear(Dropout.Of(inner, dropout), Out).squeeze(1);
    }
}

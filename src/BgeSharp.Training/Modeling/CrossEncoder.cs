// Query and passage in one text: [CLS] query [SEP] passage [SEP] through the encoder, relevance from the first token.         Nogueira and Cho 2019
// XLM-RoBERTa: <s> query </s></s> passage </s>. BERT marks the passage with token type 1. The longer side is cut first.

using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Training.Modeling;

/// <summary>Pairs of token ids to relevance.</summary>
/// <param name="encoder">The model.</param>
/// <param name="head">One logit from the first token.</param>
/// <param name="special">Of the vocabulary.</param>
public sealed class CrossEncoder(Encoder encoder, RelevanceHead head, SpecialTokens special)
{
    /// <summary>The encoder below.</summary>
    public Encoder Encoder => encoder;

    /// <summary>The weights of encoder and head.</summary>
    public static IEnumerable<WeightShape> Shapes(ModelConfig config) => Encoder.Shapes("", config).Concat(RelevanceHead.Shapes(config));

    /// <summary>Joins two texts.</summary>
    /// <param name="query">Ids with special tokens at both ends.</param>
    /// <param name="passage">Ids with special tokens at both ends.</param>
    /// <param name="maxLength">Longest result.</param>
    public int[] Join(ReadOnlySpan<int> query, ReadOnlySpan<int> passage, int maxLength)
    {
        bool twice = encoder.Config.Kind == ModelKind.XlmRoberta;
        ReadOnlySpan<int> asked = query[1..^1], answer = passage[1..^1];
        int room = maxLength - (twice ? 4 : 3);
        int over = asked.Length + answer.Length - room;
        if (over > 0)
        {
            // The longer side gives first, then both alike.
            int ofAnswer = Math.Clamp(answer.Length - asked.Length, 0, over);
            int ofAsked = Math.Clamp(asked.Length - answer.Length, 0, over);
            int rest = over - ofAnswer - ofAsked;
            answer = answer[..Math.Max(0, answer.Length - ofAnswer - ((rest + 1) / 2))];
            asked = asked[..Math.Max(0, asked.Length - ofAsked - (rest / 2))];
        }
        return twice ? [special.Cls, .. asked, special.Sep, special.Sep, .. answer, special.Sep] : [special.Cls, .. asked, special.Sep, .. answer, special.Sep];
    }

    /// <param name="pairs">What <see cref="Join"/> gives.</param>
    /// <param name="training">True applies dropout.</param>
    /// <param name="recompute">As in <see cref="Encoder.Forward"/>.</param>
    /// <returns>[B], logits in the master type.</returns>
    public Tensor Logits(IReadOnlyList<int[]> pairs, bool training, bool recompute = false)
    {
        Device device = encoder.Weights.Compute.Device;
        var text = new PackedText(TokenBatch.Of(pairs), encoder.Config, device);
        Tensor? types = encoder.Config.TypeVocabularySize > 1 ? tensor(pairs.SelectMany(Types).ToArray()).to(device) : null;       // [T]
        Tensor rows = encoder.Forward(text, training, types, recompute: recompute);                                                // [T, D]
        double dropout = training ? encoder.Config.HiddenDropout : 0;
        return head.Logits(rows.index_select(0, text.Firsts), dropout, encoder.Config.Kind == ModelKind.XlmRoberta ? dropout : 0);
    }

    // 1 from the passage's first token on.
    private long[] Types(int[] pair)
    {
        int end = Array.IndexOf(pair, special.Sep);
        var types = new long[pair.Length];
        Array.Fill(types, 1L, end + 1, pair.Length - end - 1);
        return types;
    }
}

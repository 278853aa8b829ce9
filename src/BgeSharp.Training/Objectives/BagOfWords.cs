// DupMAE's second task: the vectors of all tokens but the first, read through the MLM head and max-pooled, must name the words of the text.
//   z_v = max_{j ≥ 1} logit_jv        L = −(1/B) Σ_b Σ_{t ∈ set(text b)} (1/n_b) · log softmax(z_b)_t              Xiao et al. 2023 (RetroMAE-2), section 3.2
// As in VocabularyCrossEntropy no logits of the whole batch exist: they are made text by text in chunks, and the chunk that held a maximum is made again for its gradient.

using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>The words of each text, for <see cref="BagOfWords"/>.</summary>
/// <param name="Ids">[K], distinct ids of each text behind one another.</param>
/// <param name="Offsets">[B + 1], where each text's ids begin.</param>
/// <param name="Weights">[B], weight of each id of a text: 1/n for n tokens. Repeated tokens count once, so a text's weights may sum to less than 1.</param>
public sealed record WordBags(long[] Ids, int[] Offsets, double[] Weights)
{
    /// <summary>Bags of texts: the distinct tokens between the first and the last.</summary>
    public static WordBags Of(Text.TokenBatch texts)
    {
        var ids = new List<long>();
        var offsets = new int[texts.Count + 1];
        var weights = new double[texts.Count];
        for (int i = 0; i < texts.Count; i++)
        {
            ReadOnlySpan<int> inner = texts[i].Length > 2 ? texts[i][1..^1] : default;
            var seen = new HashSet<int>();
            foreach (int id in inner)
            {
                if (seen.Add(id))
                {
                    ids.Add(id);
                }
            }
            offsets[i + 1] = ids.Count;
            weights[i] = inner.Length == 0 ? 0 : 1.0 / inner.Length;
        }
        return new WordBags([.. ids], offsets, weights);
    }
}

/// <summary>Max-pooled vocabulary logits against the words of the text, in chunks.</summary>
public sealed class BagOfWords : OwnFunction<BagOfWords>
{
    /// <inheritdoc/>
    public override string Name => nameof(BagOfWords);

    /// <param name="rows">[N, D] in the compute type: transformed vectors of every token but the first of each text.</param>
    /// <param name="offsets">[B + 1], where the rows of each text begin.</param>
    /// <param name="weight">[V, D] in the master type.</param>
    /// <param name="bias">[V] in the master type.</param>
    /// <param name="bags">What to name.</param>
    /// <param name="chunkElements">Most logits at a time; 0 for 4 M, and with a large vocabulary for those of 128 rows.</param>
    /// <param name="share">What the mean is multiplied with.</param>
    /// <param name="sum">As in <see cref="VocabularyCrossEntropy.Mean"/>: the forward pass adds the gradient of the weight to it. Null gives it to the graph.</param>
    /// <returns>Scalar, share · mean over texts, in nats; 0 without texts.</returns>
    public static Tensor Mean(Tensor rows, int[] offsets, Tensor weight, Tensor bias, WordBags bags, long chunkElements = 0, double share = 1, Tensor? sum = null)
        => apply(rows, weight, bias, offsets, bags, chunkElements, is_grad_enabled(), share, sum!);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var (rows, weight, bias) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2]);
        var (offsets, bags) = ((int[])vars[3], (WordBags)vars[4]);
        bool wantsGradient = (bool)vars[6] && (rows.requires_grad || weight.requires_grad);
        long asked = (long)vars[5] > 0 ? (long)vars[5] : Math.Max(VocabularyCrossEntropy.ChunkElements, VocabularyCrossEntropy.LeastRows * weight.shape[0]);
        int chunk = (int)Math.Max(1, asked / weight.shape[0]);
        double share = (double)vars[7];
        var sum = (Tensor?)vars[8];
        int count = offsets.Length - 1;
        ScalarType master = weight.dtype;
        using Tensor cast = weight.to_type(rows.dtype);                                                 // [V, D]
        using Tensor castBias = bias.to_type(rows.dtype);
        Tensor total = zeros(1, master, rows.device);
        Tensor rowGradient = wantsGradient ? zeros_like(rows) : total;
        Tensor weightGradient = sum ?? (wantsGradient ? zeros_like(weight) : total);
        Tensor biasGradient = wantsGradient ? zeros_like(bias) : total;
        for (int b = 0; b < count; b++)
        {
            int length = offsets[b + 1] - offsets[b];
            if (length == 0 || bags.Offsets[b + 1] == bags.Offsets[b])
            {
                continue;
            }
            using var scope = NewDisposeScope();
            Tensor text = rows.narrow(0, offsets[b], length);                                     // [n, D]
            (Tensor best, Tensor place, Tensor part) = Pool(text, cast, castBias, master, chunk); // 3 × [V]
            Tensor words = tensor(bags.Ids[bags.Offsets[b]..bags.Offsets[b + 1]]).to(rows.device);
            Tensor logProbability = best.log_softmax(0);
            total.SubtractInPlace(logProbability.index_select(0, words).sum().Times(bags.Weights[b]));
            if (!wantsGradient)
            {
                continue;
            }
            Tensor error = logProbability.exp().Times(bags.Weights[b] * words.shape[0]);          // [V]
            error.scatter_add_(0, words, ones_like(words, master).Times(-bags.Weights[b]));
            error.DivideInPlace(count / share);
            biasGradient.AddInPlace(error);
            Spread(text, rowGradient.narrow(0, offsets[b], length), weightGradient, cast, error, place, part, chunk);
        }
        if (wantsGradient)
        {
            EarlyGradients.Keep(ctx, rowGradient, sum is null ? weightGradient : null, biasGradient);
        }
        return total.DivideInPlace(Math.Max(1, count) / share).squeeze();
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient) => EarlyGradients.Scale(ctx, gradient, inputs: 9);

    // Highest logit of each vocabulary entry, the row within its chunk that holds it, and the number of that chunk.
    private static (Tensor Best, Tensor Place, Tensor Part) Pool(Tensor text, Tensor weight, Tensor bias, ScalarType master, int chunk)
    {
        Tensor? best = null, place = null, part = null;
        for (int start = 0, number = 0; start < text.shape[0]; start += chunk, number++)
        {
            using var scope = NewDisposeScope();        // a chunk's logits are gone before the next one's
            Tensor rows = text.narrow(0, start, Math.Min(chunk, text.shape[0] - start));
            (Tensor values, Tensor indexes) = nn.functional.linear(rows, weight, bias).to_type(master).max(dim: 0);
            if (best is null)
            {
                (best, place, part) = (values.MoveToOuterDisposeScope(), indexes.MoveToOuterDisposeScope(), zeros_like(indexes).MoveToOuterDisposeScope());
                continue;
            }
            Tensor better = values.gt(best);
            best.copy_(where(better, values, best));
            place!.copy_(where(better, indexes, place));
            part!.copy_(where(better, zeros_like(indexes).FillInPlace(number), part));
        }
        return (best!, place!, part!);
    }

    // The error of a vocabulary entry belongs to the one row that held its maximum.
    private static void Spread(Tensor text, Tensor rowGradient, Tensor weightGradient, Tensor weight, Tensor error, Tensor place, Tensor chunkOf, int chunk)
    {
        for (int start = 0, number = 0; start < text.shape[0]; start += chunk, number++)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(chunk, text.shape[0] - start);
            Tensor here = chunkOf.EqualTo(number);                                                   // [V]
            Tensor matrix = zeros([length, error.shape[0]], error.dtype, error.device);           // [c, V]
            matrix.scatter_(0, where(here, place, zeros_like(place)).unsqueeze(0), where(here, error, zeros_like(error)).unsqueeze(0));
            Tensor cheap = matrix.to_type(text.dtype);
            rowGradient.narrow(0, start, length).copy_(cheap.matmul(weight));
            VocabularyGradient.Add(weightGradient, cheap, text.narrow(0, start, length));
        }
    }
}

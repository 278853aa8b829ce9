// Cross-entropy over the vocabulary without the logits: linear layer, softmax, loss and all three gradients chunk by chunk.
//   L = −(1/N) Σ_n log softmax(W h_n + b)[t_n]        ∂L/∂logit = (softmax − onehot)/N
// Neither [N, V] logits nor their gradient ever exist whole: peak memory is one chunk of [chunk, V] in float32 (32 MB; 128 rows of a large vocabulary), plus the gradients, and in another compute type the vocabulary's vectors in it.
// The forward pass computes the gradients at once (they are needed exactly once), the backward pass scales them. The largest, the vocabulary's own, can go straight
// where all gradients of the weight are added up: with 250,002 words of 1,024 numbers each loss would otherwise clear, keep, scale and add a gigabyte of its own.

using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>How many tokens were named right, of how many.</summary>
public sealed class NamingScore
{
    /// <summary>Rows whose highest logit was the target.</summary>
    public long Correct { get; private set; }

    /// <summary>Rows seen.</summary>
    public long Count { get; private set; }

    /// <summary>Correct / Count, or 0.</summary>
    public double Accuracy => Count == 0 ? 0 : (double)Correct / Count;

    internal void Add(long correct, long count)
    {
        Correct += correct;
        Count += count;
    }
}

/// <summary>Linear layer and cross-entropy in one, in chunks.</summary>
public sealed class VocabularyCrossEntropy : OwnFunction<VocabularyCrossEntropy>
{
    /// <summary>Elements of one chunk of logits: 4 M floats are 16 MB.</summary>
    public const long ChunkElements = 4 << 20;

    /// <summary>Least rows of a chunk that nobody set: fewer would read a large vocabulary's weights too often.</summary>
    public const long LeastRows = 128;

    /// <inheritdoc/>
    public override string Name => nameof(VocabularyCrossEntropy);

    /// <param name="rows">[N, D] in the compute type.</param>
    /// <param name="weight">[V, D] in the master type.</param>
    /// <param name="bias">[V] in the master type.</param>
    /// <param name="targets">[N] ids.</param>
    /// <param name="score">Receives how many were named right.</param>
    /// <param name="chunkElements">Most logits at a time; 0 for 8 M, and with a large vocabulary for those of 128 rows: fewer would read the vocabulary's weights too often.</param>
    /// <param name="share">What the mean is multiplied with.</param>
    /// <param name="sum">[V, D] in the master type: the forward pass adds the gradient of the weight to it, and the result must then go into the sum that <c>backward</c> is
    /// called on with no other factor. Null gives the gradient to the graph, as for any operation.</param>
    /// <returns>Scalar: share · mean in nats; 0 when N is 0.</returns>
    public static Tensor Mean(Tensor rows, Tensor weight, Tensor bias, Tensor targets, NamingScore score, long chunkElements = 0, double share = 1, Tensor? sum = null)
        => apply(rows, weight, bias, targets, score, chunkElements, is_grad_enabled(), share, sum!);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var (rows, weight, bias, targets) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);
        var score = (NamingScore)vars[4];
        bool wantsGradient = (bool)vars[6] && (rows.requires_grad || weight.requires_grad);
        double share = (double)vars[7];
        var sum = (Tensor?)vars[8];
        long count = rows.shape[0];
        long vocabulary = weight.shape[0];
        long asked = (long)vars[5] > 0 ? (long)vars[5] : Math.Max(2 * ChunkElements, LeastRows * vocabulary);
        long chunk = Math.Max(1, Math.Min(count, asked / vocabulary));
        ScalarType master = weight.dtype;
        using Tensor cast = weight.to_type(rows.dtype);                                                 // [V, D]
        using Tensor castBias = bias.to_type(rows.dtype);
        Tensor total = zeros(1, master, rows.device);
        Tensor correct = zeros(1, ScalarType.Int64, rows.device);
        Tensor rowGradient = wantsGradient ? empty_like(rows) : total;
        Tensor weightGradient = sum ?? (wantsGradient ? zeros_like(weight) : total);
        Tensor biasGradient = wantsGradient ? zeros_like(bias) : total;
        for (long start = 0; start < count; start += chunk)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(chunk, count - start);
            Tensor part = rows.narrow(0, start, length);                                          // [c, D]
            Tensor target = targets.narrow(0, start, length).unsqueeze(1);                        // [c, 1]
            Tensor logits = nn.functional.linear(part, cast, castBias).to_type(master);           // [c, V]
            Tensor? error = Visit(logits, target, count / share, wantsGradient, total, correct);  // [c, V], (softmax − onehot) · share / N
            if (error is not null)
            {
                biasGradient.AddInPlace(error.sum(dim: 0));                                       // a bare 0 would be read as a ScalarType
                Tensor cheap = error.to_type(rows.dtype);
                rowGradient.narrow(0, start, length).copy_(cheap.matmul(cast));
                VocabularyGradient.Add(weightGradient, cheap, part);
            }
        }
        score.Add(correct.item<long>(), count);
        if (wantsGradient)
        {
            EarlyGradients.Keep(ctx, rowGradient, sum is null ? weightGradient : null, biasGradient);
        }
        return total.DivideInPlace(Math.Max(1, count) / share).squeeze();
    }

    // Adds loss and hits of some rows of logits to the totals, and makes their gradient of them; null when it is not wanted.
    private static Tensor? Visit(Tensor logits, Tensor target, double count, bool wantsGradient, Tensor total, Tensor correct)
    {
        if (LogitRows.Fits(logits))
        {
            (double loss, long hits) = LogitRows.Run(logits, target.data<long>().ToArray(), count, wantsGradient);
            total.AddInPlace(loss);
            correct.AddInPlace(tensor(new[] { hits }));
            return wantsGradient ? logits : null;
        }
        Tensor normalizer = logits.logsumexp(1, keepdim: true);                                   // [c, 1]
        total.AddInPlace(normalizer.Minus(logits.gather(1, target)).sum());
        correct.AddInPlace(logits.argmax(1, keepdim: true).eq(target).sum());
        if (!wantsGradient)
        {
            return null;
        }
        Tensor error = logits.SubtractInPlace(normalizer).exp_();                                 // softmax, in place
        error.scatter_add_(1, target, ones_like(target, logits.dtype).neg());
        return error.DivideInPlace(count);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient) => EarlyGradients.Scale(ctx, gradient, inputs: 9);
}

// One batch through the encoder in sub-batches of like length, so that texts of all lengths need no padding and a large batch needs no large memory.
//   1  encode each sub-batch; keep its graph (plain), or keep its outputs only (cached)
//   2  the loss sees all outputs as leaves and leaves ∂L/∂output in them
//   3  each sub-batch goes backward from its share of ∂L/∂output; cached: after a second forward with the same dropout       GradCache, Gao et al. 2021
// Over ranks: each encodes its share of the sub-batches, all outputs go to all ranks, each rank's loss is that of its own queries, ∂L/∂output is summed.
// The gradient is exact either way: that of the whole batch in one process. Cached needs the activations of one sub-batch instead of all, for one more forward; M3's split-batch with recomputation
// (M3-Embedding, appendix B.1) comes to the same computation and the same memory.

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Optimization;

/// <summary>Forward and backward of a batch in sub-batches.</summary>
/// <param name="encoder">The model.</param>
/// <param name="outputs">What the loss needs.</param>
/// <param name="subBatchTokens">Most padded tokens (texts × longest text) of a sub-batch; a longer text is one of its own.</param>
/// <param name="recompute">True keeps outputs only and computes each sub-batch twice.</param>
/// <param name="group">Ranks that share the batch; null for none.</param>
/// <param name="pieces">As in <see cref="Plan"/>; 0 for as many as there are ranks.</param>
public sealed class SplitEncoding(M3Encoder encoder, EmbeddingModes outputs, int subBatchTokens, bool recompute, IProcessGroup? group = null, int pieces = 0)
{
    private readonly IProcessGroup _group = group ?? LocalProcessGroup.Instance;

    /// <summary>Share of cells of the last batch that were padding, 0 to below 1.</summary>
    public double Padding { get; private set; }

    /// <summary>Encodes, calls the loss, and adds the gradients to the model's weights.</summary>
    /// <param name="sides">Batches whose texts are encoded together, for example queries and passages.</param>
    /// <param name="seed">Seed of the dropout of sub-batch k.</param>
    /// <param name="loss">Given each side's outputs as leaves, it must go backward into them; over ranks, with this rank's share of the loss.</param>
    public void Run(IReadOnlyList<TokenBatch> sides, Func<int, long> seed, Action<IReadOnlyList<M3Outputs>> loss)
    {
        using var scope = NewDisposeScope();
        int[][] texts = [.. sides.SelectMany(s => Enumerable.Range(0, s.Count).Select(i => s[i].ToArray()))];
        int[] lengths = [.. texts.Select(t => t.Length)];
        int[][] plan = Plan(lengths, subBatchTokens, WorkShare.Pieces(pieces, 1, _group.Size));
        Padding = PaddingOf(plan, lengths);
        int[] owners = WorkShare.Balanced(CostsOf(plan, lengths), _group.Size);
        int[] own = [.. Enumerable.Range(0, plan.Length).Where(k => owners[k] == _group.Rank)];
        var all = TokenBatch.Of(texts);
        // Outputs are gathered rank by rank.
        var places = new Places(all, plan, [.. Enumerable.Range(0, plan.Length).OrderBy(k => owners[k])]);
        TokenBatch[] batches = [.. own.Select(k => TokenBatch.Of([.. plan[k].Select(r => texts[r])]))];
        M3Outputs[] kept = [.. batches.Select((batch, i) => Encode(batch, seed(own[i]), keepGraph: !recompute))];
        M3Outputs form = kept.Length > 0 ? kept[0] : None();

        // Leaves of all texts in the order they came, then side by side.
        Tensor[] joined = [.. Enumerable.Range(0, form.Parts.Count).Select(part =>
            _group.Gather(kept.Length == 0 ? form.Parts[part] : cat([.. kept.Select(k => k.Parts[part].detach())], 0)).index_select(0, places.ToOrder(IsDense(part), encoder.Encoder.Weights.Compute.Device)))];
        var leaves = new List<M3Outputs>();
        for (int side = 0, first = 0; side < sides.Count; first += sides[side++].Count)
        {
            M3Outputs slice = (form.With(joined) with { Batch = all }).Texts(first, sides[side].Count);
            leaves.Add(slice.With([.. slice.Parts.Select(p => p.detach().clone().requires_grad_())]) with { Batch = sides[side] });
        }
        loss(leaves);

        Tensor[] gradients = [.. Enumerable.Range(0, form.Parts.Count).Select(part => cat([.. leaves.Select(l => l.Parts[part].grad ?? zeros_like(l.Parts[part]))], 0))];
        foreach (Tensor gradient in gradients)
        {
            _group.Sum(gradient);
        }
        for (int i = 0; i < own.Length; i++)
        {
            using var inner = NewDisposeScope();
            int k = own[i];
            M3Outputs output = recompute ? Encode(batches[i], seed(k), keepGraph: true) : kept[i];
            int[] used = [.. Enumerable.Range(0, output.Parts.Count).Where(part => output.Parts[part].requires_grad)];
            if (used.Length > 0)
            {
                autograd.backward([.. used.Select(part => output.Parts[part])],
                    [.. used.Select(part => gradients[part].index_select(0, places.Of(k, IsDense(part), encoder.Encoder.Weights.Compute.Device)))]);
            }
        }

        bool IsDense(int part) => part == 0 && outputs.HasFlag(EmbeddingModes.Dense);
    }

    // What a rank without a sub-batch brings.
    private M3Outputs None()
    {
        Compute compute = encoder.Encoder.Weights.Compute;
        Tensor Rows(params long[] shape) => zeros(shape, compute.MasterType, compute.Device);
        return new M3Outputs(TokenBatch.Of([]),
            outputs.HasFlag(EmbeddingModes.Dense) ? Rows(0, encoder.Encoder.Config.HiddenSize) : null,
            outputs.HasFlag(EmbeddingModes.Sparse) ? Rows(0) : null,
            outputs.HasFlag(EmbeddingModes.MultiVector) ? Rows(0, encoder.Heads!.VectorSize) : null);
    }

    private M3Outputs Encode(TokenBatch batch, long seed, bool keepGraph)
    {
        manual_seed(seed);
        if (keepGraph)
        {
            return encoder.Forward(batch, training: true, outputs);
        }
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        M3Outputs result = encoder.Forward(batch, training: true, outputs);
        return result.With([.. result.Parts.Select(p => p.MoveToOuterDisposeScope())]);
    }

    /// <summary>Which texts go together: longest first, so that a budget too large for the memory shows at once.</summary>
    /// <param name="lengths">In tokens.</param>
    /// <param name="budget">Most padded tokens of a sub-batch; a longer text is one of its own.</param>
    /// <param name="pieces">1 fills sub-batches to the budget. More: a multiple of so many, with nearly equal tokens, so that ranks have equal work; fewer where there are fewer texts.</param>
    public static int[][] Plan(int[] lengths, int budget, int pieces = 1)
    {
        // Ties by place: the plan must not depend on the sorting algorithm.
        int[] order = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i]).ThenBy(i => i)];
        int[][] filled = [.. Filled(order, lengths, budget)];
        if (pieces == 1)
        {
            return filled;
        }
        for (int count = (filled.Length + pieces - 1) / pieces * pieces; count < order.Length; count += pieces)
        {
            int[][] even = Even(order, lengths, count);
            if (even.All(p => p.Length == 1 || p.Length * (long)lengths[p[0]] <= budget))
            {
                return even;
            }
        }
        return [.. order.Select(text => new[] { text })];
    }

    /// <summary>Tokens of each sub-batch: what computing it costs.</summary>
    public static long[] CostsOf(int[][] plan, int[] lengths) => [.. plan.Select(rows => rows.Sum(r => (long)lengths[r]))];

    private static IEnumerable<int[]> Filled(int[] order, int[] lengths, int budget)
    {
        for (int start = 0; start < order.Length;)
        {
            int count = Math.Clamp(budget / lengths[order[start]], 1, order.Length - start);
            yield return order[start..(start + count)];
            start += count;
        }
    }

    // So many sub-batches, each with its share of the tokens that are left.
    private static int[][] Even(int[] order, int[] lengths, int pieces)
    {
        var plan = new int[pieces][];
        long left = lengths.Sum(l => (long)l);
        for (int piece = 0, start = 0; piece < pieces; piece++)
        {
            long share = left / (pieces - piece), taken = 0;
            int end = start, last = order.Length - (pieces - piece - 1);      // a text for each piece to come
            while (end < last && (end == start || taken + (lengths[order[end]] / 2) < share || piece == pieces - 1))
            {
                taken += lengths[order[end++]];
            }
            plan[piece] = order[start..end];
            left -= taken;
            start = end;
        }
        return plan;
    }

    /// <summary>Share of a plan's cells that are padding.</summary>
    public static double PaddingOf(int[][] plan, int[] lengths)
        => 1 - (lengths.Sum(l => (double)l) / Math.Max(1, plan.Sum(p => (double)p.Length * p.Max(t => lengths[t]))));

    // Rows of the sub-batches' outputs in the order of the texts, and back; a dense output has a row a text, the others a row a token.
    private sealed class Places(TokenBatch all, int[][] plan, int[] gathered)
    {
        public Tensor ToOrder(bool dense, Device device)
        {
            var rows = new long[dense ? all.Count : all.TokenCount];
            long next = 0;
            foreach (int text in gathered.SelectMany(k => plan[k]))
            {
                if (dense)
                {
                    rows[text] = next++;
                    continue;
                }
                for (int token = all.Offsets[text]; token < all.Offsets[text + 1]; token++)
                {
                    rows[token] = next++;
                }
            }
            return tensor(rows).to(device);
        }

        public Tensor Of(int k, bool dense, Device device)
            => tensor(dense ? [.. plan[k].Select(t => (long)t)] : plan[k].SelectMany(t => Enumerable.Range(all.Offsets[t], all.LengthOf(t)).Select(i => (long)i)).ToArray()).to(device);
    }
}

// One batch through the encoder in sub-batches of like length, so that texts of all lengths need no padding and a large batch needs no large memory.
//   1  encode each sub-batch; keep its graph (plain), or keep its outputs only (cached)
//   2  the loss sees all outputs as leaves and leaves ∂L/∂output in them
//   3  each sub-batch goes backward from its share of ∂L/∂output; cached: after a second forward with the same dropout       GradCache, Gao et al. 2021
//      (all but the first, whose graph is kept: it is encoded last and goes backward first, so no two graphs are there at once)
// Over ranks: each encodes its share of the sub-batches, all outputs go to all ranks, each rank's loss is that of its own queries, ∂L/∂output is summed.
// The gradient is exact either way: that of the whole batch in one process. Cached needs the activations of one sub-batch instead of all, for one more forward; M3's split-batch with recomputation
// (M3-Embedding, appendix B.1) comes to the same computation and the same memory; layers may be recomputed within a sub-batch as well, for long texts.

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
/// <param name="tokenGroups">
/// Parts of a batch (<see cref="WorkShare.Parts"/>) that no sub-batch crosses, ranges of nearly as many queries with their passages. Where they are a multiple of the ranks, each rank encodes whole parts and keeps
/// their outputs by token for itself: the loss of its queries must not look at others'.
/// </param>
public sealed class SplitEncoding(M3Encoder encoder, EmbeddingModes outputs, int subBatchTokens, bool recompute, IProcessGroup? group = null, int pieces = 0, int tokenGroups = 1)
{
    // A sub-batch with enough tokens to keep the machine busy ends where more of it would be padding than this.
    private const double MostPadding = 0.05;
    private const int EnoughTokens = 512;

    private readonly IProcessGroup _group = group ?? LocalProcessGroup.Instance;

    /// <summary>False leaves dropout out.</summary>
    public bool Training { get; init; } = true;

    /// <summary>True computes each layer again in the backward pass, so that of a sub-batch too the input of each layer is kept and the rest for one layer at a time.</summary>
    public bool RecomputeLayers { get; init; }

    /// <summary>As in <see cref="Plan"/>; what keeps the device busy unless set.</summary>
    public int Enough { get; init; } = EnoughOn(encoder.Encoder.Weights.Compute.Device);

    /// <summary>Share of cells of the last batch that were padding, 0 to below 1.</summary>
    public double Padding { get; private set; }

    // One rank keeps everything anyway.
    private bool KeepsTokens(int parts) => parts > 1 && _group.Size > 1 && parts % _group.Size == 0;

    /// <summary>The queries whose loss is this rank's to compute.</summary>
    /// <param name="queries">Of the batch.</param>
    public (int Start, int Count) OwnOf(int queries)
    {
        int parts = WorkShare.Parts(tokenGroups, queries);
        if (!KeepsTokens(parts))
        {
            return _group.RangeOf(queries);
        }
        int each = parts / _group.Size;
        int start = WorkShare.Range(queries, parts, _group.Rank * each).Start;
        (int last, int count) = WorkShare.Range(queries, parts, ((_group.Rank + 1) * each) - 1);
        return (start, last + count - start);
    }

    /// <summary>Encodes, calls the loss, and adds the gradients to the model's weights.</summary>
    /// <param name="sides">Batches whose texts are encoded together, for example queries and passages. With several token groups each has the first one's number of texts or a multiple.</param>
    /// <param name="seed">Seed of the dropout of sub-batch k.</param>
    /// <param name="loss">Given each side's outputs as leaves, it must go backward into them; over ranks, with this rank's share of the loss.</param>
    public void Run(IReadOnlyList<TokenBatch> sides, Func<int, long> seed, Action<IReadOnlyList<M3Outputs>> loss)
    {
        using var scope = NewDisposeScope();
        Device device = encoder.Encoder.Weights.Compute.Device;
        int[][] texts = [.. sides.SelectMany(s => Enumerable.Range(0, s.Count).Select(i => s[i].ToArray()))];
        int[] lengths = [.. texts.Select(t => t.Length)];
        int parts = WorkShare.Parts(tokenGroups, sides[0].Count);
        bool apart = KeepsTokens(parts);
        (int[][] plan, int[] owners) = Share(sides, lengths, parts);
        Padding = PaddingOf(plan, lengths);
        int[] own = [.. Enumerable.Range(0, plan.Length).Where(k => owners[k] == _group.Rank)];
        // Outputs are gathered rank by rank.
        int[] gathered = [.. Enumerable.Range(0, plan.Length).OrderBy(k => owners[k]).SelectMany(k => plan[k])], kept = [.. own.SelectMany(k => plan[k])];
        Places[] places = [new([.. lengths.Select(_ => 1)], gathered), new(lengths, apart ? kept : gathered)];
        TokenBatch[] batches = [.. own.Select(k => TokenBatch.Of([.. plan[k].Select(r => texts[r])]))];
        var encoded = new M3Outputs[own.Length];
        for (int i = own.Length - 1; i >= 0; i--)
        {
            encoded[i] = Encode(batches[i], seed(own[i]), keepGraph: !recompute || i == 0);
        }
        M3Outputs form = encoded.Length > 0 ? encoded[0] : None();

        // Leaves of all texts in the order they came, then side by side.
        Tensor[] joined = [.. Enumerable.Range(0, form.Parts.Count).Select(part =>
        {
            Tensor rows = encoded.Length == 0 ? form.Parts[part] : cat([.. encoded.Select(k => k.Parts[part].detach())], 0);
            return (Shared(part) ? _group.Gather(rows) : rows).index_select(0, Place(part).ToOrder().to(device));
        })];
        var leaves = new List<M3Outputs>();
        for (int side = 0, first = 0; side < sides.Count; first += sides[side++].Count)
        {
            int start = first, end = first + sides[side].Count;
            leaves.Add(form.With([.. joined.Select((rows, part) => Place(part).Cut(rows, start, end).detach().clone().requires_grad_())]) with
            {
                Batch = sides[side],
                FirstToken = places[1].Missing(start, end),
            });
        }
        loss(leaves);

        Tensor[] gradients = [.. Enumerable.Range(0, form.Parts.Count).Select(part => cat([.. leaves.Select(l => l.Parts[part].grad ?? zeros_like(l.Parts[part]))], 0))];
        for (int part = 0; part < gradients.Length; part++)
        {
            if (Shared(part))
            {
                _group.Sum(gradients[part]);
            }
        }
        for (int i = 0; i < own.Length; i++)
        {
            using var inner = NewDisposeScope();
            int k = own[i];
            M3Outputs output = recompute && i > 0 ? Encode(batches[i], seed(k), keepGraph: true) : encoded[i];
            int[] used = [.. Enumerable.Range(0, output.Parts.Count).Where(part => output.Parts[part].requires_grad)];
            if (used.Length > 0)
            {
                BackwardPass.Run([.. used.Select(part => output.Parts[part])], [.. used.Select(part => gradients[part].index_select(0, Place(part).Of(plan[k]).to(device)))]);
            }
        }

        Places Place(int part) => places[IsDense(part) ? 0 : 1];
        bool Shared(int part) => IsDense(part) || !apart;
        bool IsDense(int part) => part == 0 && outputs.HasFlag(EmbeddingModes.Dense);
    }

    // Sub-batches and the rank of each.
    private (int[][] Plan, int[] Owners) Share(IReadOnlyList<TokenBatch> sides, int[] lengths, int parts)
    {
        int whole = WorkShare.Pieces(pieces, 1, _group.Size);
        if (parts == 1)
        {
            int[][] all = Plan(lengths, subBatchTokens, whole, Enough);
            return (all, WorkShare.Balanced(CostsOf(all, lengths), _group.Size));
        }
        var plan = new List<int[]>();
        var owners = new List<int>();
        for (int part = 0; part < parts; part++)
        {
            int[] texts = [.. TextsOf(sides, parts, part)];
            foreach (int[] piece in Plan([.. texts.Select(t => lengths[t])], subBatchTokens, (whole + parts - 1) / parts, Enough))
            {
                plan.Add([.. piece.Select(i => texts[i])]);
                owners.Add(part / Math.Max(1, parts / _group.Size));
            }
        }
        return ([.. plan], KeepsTokens(parts) ? [.. owners] : WorkShare.Balanced(CostsOf([.. plan], lengths), _group.Size));
    }

    /// <summary>Tokens that keep a device busy: a GPU wants whole budgets.</summary>
    public static int EnoughOn(Device device) => device.type == TorchSharp.DeviceType.CUDA ? int.MaxValue : EnoughTokens;

    // The queries of a part and everything that belongs to them, as numbers among all texts.
    private static IEnumerable<int> TextsOf(IReadOnlyList<TokenBatch> sides, int parts, int part)
    {
        (int start, int count) = WorkShare.Range(sides[0].Count, parts, part);
        int first = 0;
        foreach (TokenBatch side in sides)
        {
            int each = side.Count / Math.Max(1, sides[0].Count);
            for (int text = start * each; text < (start + count) * each; text++)
            {
                yield return first + text;
            }
            first += side.Count;
        }
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
            return encoder.Forward(batch, Training, outputs, RecomputeLayers);
        }
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        M3Outputs result = encoder.Forward(batch, Training, outputs, RecomputeLayers);
        return result.With([.. result.Parts.Select(p => p.MoveToOuterDisposeScope())]);
    }

    /// <summary>Which texts go together: longest first, so that a budget too large for the memory shows in the first step.</summary>
    /// <param name="lengths">In tokens.</param>
    /// <param name="budget">Most padded tokens of a sub-batch; a longer text is one of its own.</param>
    /// <param name="pieces">1 fills sub-batches to the budget. More: a multiple of so many, with nearly equal tokens, so that ranks have equal work; fewer where there are fewer texts.</param>
    /// <param name="enough">A sub-batch with so many tokens ends where more than 5 % of it would be padding.</param>
    public static int[][] Plan(int[] lengths, int budget, int pieces = 1, int enough = EnoughTokens)
    {
        // Ties by place: the plan must not depend on the sorting algorithm.
        int[] order = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i]).ThenBy(i => i)];
        int[][] filled = [.. Filled(order, lengths, budget, enough)];
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

    private static IEnumerable<int[]> Filled(int[] order, int[] lengths, int budget, int enough)
    {
        for (int start = 0; start < order.Length;)
        {
            int end = start;
            for (long tokens = 0, longest = lengths[order[start]]; end < order.Length && (end == start || (end + 1 - start) * longest <= budget); end++)
            {
                long with = tokens + lengths[order[end]];
                if (tokens >= enough && with < (1 - MostPadding) * (end + 1 - start) * longest)
                {
                    break;
                }
                tokens = with;
            }
            yield return order[start..end];
            start = end;
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

    // Rows of an output in the order of the texts: a dense output has a row a text, the others a row a token. Some texts may have none here.
    private sealed class Places
    {
        private readonly int[] _rows, _came;
        private readonly long[] _starts;
        private readonly bool[] _there;

        /// <param name="rows">Of each text.</param>
        /// <param name="came">Texts that have rows here, in the order in which the rows come.</param>
        public Places(int[] rows, int[] came)
        {
            (_rows, _came) = (rows, came);
            (_starts, _there) = (new long[rows.Length + 1], new bool[rows.Length]);
            foreach (int text in came)
            {
                _there[text] = true;
            }
            for (int text = 0; text < rows.Length; text++)
            {
                _starts[text + 1] = _starts[text] + (_there[text] ? rows[text] : 0);
            }
        }

        /// <summary>Where the rows come from, in the order of the texts.</summary>
        public Tensor ToOrder()
        {
            var from = new long[_starts[^1]];
            long next = 0;
            foreach (int text in _came)
            {
                for (long row = _starts[text]; row < _starts[text + 1]; row++)
                {
                    from[row] = next++;
                }
            }
            return tensor(from);
        }

        /// <summary>Rows of some texts, in their order.</summary>
        public Tensor Of(int[] texts) => tensor(texts.SelectMany(t => Enumerable.Range(0, _rows[t]).Select(i => _starts[t] + i)).ToArray());

        /// <summary>Rows of the texts [start, end) that are there.</summary>
        public Tensor Cut(Tensor ordered, int start, int end) => ordered.narrow(0, _starts[start], _starts[end] - _starts[start]);

        /// <summary>Rows of [start, end) that would stand before the first one that is there.</summary>
        public int Missing(int start, int end)
        {
            int missing = 0;
            for (int text = start; text < end && !_there[text]; text++)
            {
                missing += _rows[text];
            }
            return missing;
        }
    }
}

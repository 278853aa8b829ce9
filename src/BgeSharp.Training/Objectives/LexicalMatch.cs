// Scores of the sparse head, query by passage, from token weights: s = Σ_{id in both} max_{t: id} w_q(t) · max_{t: id} w_p(t).
// The public computation scatters weights into [B, L, V] and multiplies [B, V] matrices. Here the batch's own ids make an inverted index: memory is the
// tokens and the scores, whatever the vocabulary, and work is the pairs of occurrences that really meet.

using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>Sparse scores with gradients to the token weights.</summary>
public sealed class LexicalMatch : OwnFunction<LexicalMatch>
{
    /// <inheritdoc/>
    public override string Name => nameof(LexicalMatch);

    /// <param name="queryWeights">[Tq], one weight a token.</param>
    /// <param name="queries">Q texts.</param>
    /// <param name="passageWeights">[Tp].</param>
    /// <param name="passages">P texts.</param>
    /// <param name="without">Ids that do not count.</param>
    /// <param name="ownGroupOnly">True scores query i with its own P/Q passages only.</param>
    /// <returns>[Q, P], or [Q, P/Q].</returns>
    public static Tensor Scores(Tensor queryWeights, TokenBatch queries, Tensor passageWeights, TokenBatch passages, IReadOnlySet<int> without, bool ownGroupOnly)
        => apply(queryWeights, passageWeights, queries, passages, without, ownGroupOnly);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var (queryWeights, passageWeights) = ((Tensor)vars[0], (Tensor)vars[1]);
        var without = (IReadOnlySet<int>)vars[4];
        Side queries = Side.Of((TokenBatch)vars[2], Numbers(queryWeights), without);
        Side passages = Side.Of((TokenBatch)vars[3], Numbers(passageWeights), without);
        int group = (bool)vars[5] ? passages.Count / queries.Count : 0;
        var scores = new double[queries.Count * (long)(group > 0 ? group : passages.Count)];
        long width = scores.Length / Math.Max(1, queries.Count);
        Parallel.For(0, queries.Count, q =>
        {
            foreach (Entry term in queries.Entries[q])
            {
                foreach (Posting other in passages.Of(term.Id, group > 0 ? q * group : 0, group > 0 ? (q + 1) * group : passages.Count))
                {
                    scores[(q * width) + other.Text - (group > 0 ? q * group : 0)] += term.Weight * other.Weight;
                }
            }
        });
        ctx.save_data("sides", (queries, passages, group));
        return tensor(scores).view(queries.Count, width).to_type(queryWeights.dtype).to(queryWeights.device);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        var (queries, passages, group) = ((Side, Side, int))ctx.get_data("sides");
        double[] ofScores = Numbers(gradient);
        long width = ofScores.Length / Math.Max(1, queries.Count);
        double At(int q, int p) => ofScores[(q * width) + p - (group > 0 ? q * group : 0)];
        var ofQueries = new double[queries.TokenCount];
        Parallel.For(0, queries.Count, q =>
        {
            foreach (Entry term in queries.Entries[q])
            {
                foreach (Posting other in passages.Of(term.Id, group > 0 ? q * group : 0, group > 0 ? (q + 1) * group : passages.Count))
                {
                    ofQueries[term.Token] += At(q, other.Text) * other.Weight;
                }
            }
        });
        var ofPassages = new double[passages.TokenCount];
        Parallel.For(0, passages.Count, p =>
        {
            foreach (Entry term in passages.Entries[p])
            {
                foreach (Posting other in queries.Of(term.Id, group > 0 ? p / group : 0, group > 0 ? (p / group) + 1 : queries.Count))
                {
                    ofPassages[term.Token] += At(other.Text, p) * other.Weight;
                }
            }
        });
        return [Back(ofQueries), Back(ofPassages), null!, null!, null!, null!];

        Tensor Back(double[] values) => tensor(values).to_type(gradient.dtype).to(gradient.device);
    }

    private static double[] Numbers(Tensor values) => values.detach().reshape(-1).to_type(ScalarType.Float64).cpu().data<double>().ToArray();

    private readonly record struct Entry(int Id, int Token, double Weight);

    private readonly record struct Posting(int Text, double Weight);

    // One side's distinct terms of weight above 0, text by text and term by term.
    private sealed record Side(int Count, int TokenCount, Entry[][] Entries, Dictionary<int, List<Posting>> Postings)
    {
        public static Side Of(TokenBatch batch, double[] weights, IReadOnlySet<int> without)
        {
            var entries = new Entry[batch.Count][];
            var postings = new Dictionary<int, List<Posting>>();
            for (int text = 0; text < batch.Count; text++)
            {
                var best = new Dictionary<int, Entry>();
                for (int token = batch.Offsets[text]; token < batch.Offsets[text + 1]; token++)
                {
                    int id = batch.Ids[token];
                    if (weights[token] > (best.TryGetValue(id, out Entry known) ? known.Weight : 0) && !without.Contains(id))
                    {
                        best[id] = new Entry(id, token, weights[token]);
                    }
                }
                entries[text] = [.. best.Values];
                foreach (Entry entry in entries[text])
                {
                    if (!postings.TryGetValue(entry.Id, out List<Posting>? list))
                    {
                        postings.Add(entry.Id, list = []);
                    }
                    list.Add(new Posting(text, entry.Weight));
                }
            }
            return new Side(batch.Count, batch.TokenCount, entries, postings);
        }

        // Postings of an id in texts [first, end): lists are in the order of texts.
        public ReadOnlySpan<Posting> Of(int id, int first, int end)
        {
            if (!Postings.TryGetValue(id, out List<Posting>? list))
            {
                return [];
            }
            ReadOnlySpan<Posting> all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(list);
            return first == 0 && end == Count ? all : all[Lower(all, first)..Lower(all, end)];
        }

        private static int Lower(ReadOnlySpan<Posting> list, int text)
        {
            int low = 0, high = list.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                (low, high) = list[middle].Text < text ? (middle + 1, high) : (low, middle);
            }
            return low;
        }
    }
}

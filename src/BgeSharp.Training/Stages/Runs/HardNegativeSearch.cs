// Hard negatives for a stage: passages that the model, as it is now, ranks high for a query though they are not its answer.
// Ranks at the very top are left out (many are unmarked answers), and so is every candidate nearly as good as the positive itself.
// Memory: the vectors of all distinct passages, 4·D bytes each, and one block of queries.

using System.Numerics.Tensors;
using BgeSharp.Embeddings;
using BgeSharp.Retrieval;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Data.Negatives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Mines negatives over the passages of a pair store.</summary>
internal static class HardNegativeSearch
{
    // A cross-encoder takes minutes for so many queries: with one, blocks are smaller, so that all ranks have some and meet often.
    private const int QueryBlock = 1024, JudgedBlock = 128;

    // Batches of each rank between two meetings: a batch takes up to seconds, a meeting is one small message.
    private const int BatchesApart = 8;

    /// <summary>Rows of the negatives of each example.</summary>
    /// <param name="store">Queries, passages, positives.</param>
    /// <param name="encoder">The model as it is now.</param>
    /// <param name="options">Ranks, number and margins.</param>
    /// <param name="seed">Seed of the draw within the rank range.</param>
    /// <param name="work">Its ranks share the work; each gets the whole result.</param>
    /// <param name="veto">Asked about candidates that would be taken; null for nobody.</param>
    /// <exception cref="StopRequested">A rank was asked to stop.</exception>
    public static int[][] Find(PairStore store, IEncoder encoder, HardNegativeOptions options, long seed, WatchedWork work, TeacherVeto? veto = null)
    {
        IProcessGroup group = work.Group;
        if ((long)store.Passages.Count * encoder.Dimension > Array.MaxLength)
        {
            throw new BadInput($"{store.Passages.Count} distinct passages of {encoder.Dimension} numbers are more than a stage can mine negatives among (2^31 numbers); mine them beforehand with \"bge mine negatives\", which searches block by block.");
        }
        float[] passages = Encode(store.Passages, 0, store.Passages.Count, encoder, group, work, (batch, done) =>
        {
            if (batch % (BatchesApart * group.Size) == 0)
            {
                work.Meet();
            }
            work.Tell($"encoded {done} of {store.Passages.Count} passages");
        });
        work.Meet();
        var index = new DenseIndex(group.Total(passages), encoder.Dimension);
        NegativeRules rules = Rules(options);
        int block = veto is null ? QueryBlock : JudgedBlock;
        var own = new List<int[]>();
        // Blocks of queries go over the ranks in turn; in the last round some ranks may have none, and meet the others all the same.
        for (int round = 0; round < store.Count; round += group.Size * block)
        {
            int start = round + (group.Rank * block);
            if (start < store.Count)
            {
                own.AddRange(OfBlock(start, Math.Min(block, store.Count - start)));
            }
            work.Meet();
            work.Tell($"searched for the negatives of {Math.Min(round + (group.Size * block), store.Count)} of {store.Count} queries");
        }
        return Join(group.Collect(PackedRows.Pack(own)), store.Count, block, store.Passages.Count, group.Size);

        // Nothing where this rank is to stop: then no rank looks at it.
        IReadOnlyList<int[]> OfBlock(int start, int count)
        {
            var allowed = new List<IEnumerable<int>>(count);
            float[] queries = Encode(store.Queries, start, count, encoder, LocalProcessGroup.Instance, work);
            if (work.Stopping)
            {
                return [];
            }
            SearchHit[][] hits = index.SearchAll(queries, options.ToRank);
            // Examples of one query have one list of answers: what is found out about a candidate holds for all of them.
            var judged = new Dictionary<(int[] Answers, int Row), bool>();
            for (int i = 0; i < count; i++)
            {
                int example = start + i;
                int[] positives = store.Rows[example].Positives, answers = store.AnswersOf(example);
                ReadOnlySpan<float> query = queries.AsSpan(i * encoder.Dimension, encoder.Dimension);
                float best = float.MinValue;
                foreach (int row in positives)
                {
                    best = Math.Max(best, TensorPrimitives.Dot(query, index[row]));
                }
                allowed.Add(NegativeChoice.Allowed(
                    [.. hits[i].Select(h => new Candidate(h.Row, h.Score))], best, row => IsAnswer(row) || store.Plain.Passages[row].SequenceEqual(store.Plain.Queries[example]), rules, HashCodes.Of(seed, example, 4)));

                bool IsAnswer(int row) => judged.TryGetValue((answers, row), out bool known) ? known : judged[(answers, row)] = HardNegativeSearch.IsAnswer(row, answers, store.OwnTextOf(example), index, rules);
            }
            if (veto is null)
            {
                return [.. allowed.Select(rows => rows.Take(rules.PerQuery).ToArray())];
            }
            try
            {
                return veto.Choose(start, allowed, rules.PerQuery, () =>
                {
                    if (work.Stopping)
                    {
                        throw new OperationCanceledException();
                    }
                });
            }
            catch (OperationCanceledException) when (work.Stopping)
            {
                return [];
            }
        }
    }

    // Block by block from the rank that has it.
    private static int[][] Join(IReadOnlyList<byte[]> parts, int count, int block, int passages, int ranks)
    {
        var blocks = new List<int>[ranks];
        for (int i = 0; i < count; i++)
        {
            (blocks[i / block % ranks] ??= []).Add(i);
        }
        var joined = new int[count][];
        for (int rank = 0; rank < ranks && blocks[rank] is { } examples; rank++)
        {
            int[][] rows = PackedRows.Unpack(parts[rank], examples.Count, passages, $"rank {rank}");
            for (int i = 0; i < rows.Length; i++)
            {
                joined[examples[i]] = rows[i];
            }
        }
        return joined;
    }

    /// <summary>The rules of options.</summary>
    public static NegativeRules Rules(HardNegativeOptions options) => new()
    {
        FromRank = options.FromRank,
        ToRank = options.ToRank,
        PerQuery = options.PerQuery,
        RelativeMargin = options.RelativeMargin,
        AbsoluteMargin = options.AbsoluteMargin,
        DuplicateCosine = options.DuplicateCosine,
    };

    // A positive of this query in any example, or a near-duplicate of one; the query's own text itself, but what is near to that may well be a negative.
    private static bool IsAnswer(int row, int[] answers, int own, DenseIndex index, NegativeRules rules)
        => Array.IndexOf(answers, row) >= 0
            || (rules.DuplicateCosine < 1 && Array.Exists(answers, p => p != own && TensorPrimitives.Dot(index[row], index[p]) > rules.DuplicateCosine));

    // Length-sorted batches under a token budget, back in order. Batches go over the ranks in turn: rows that another rank encodes are 0, and all from when this rank is to stop.
    // Before each batch, whoever encodes it, every rank calls next with its number and the texts before it.
    private static float[] Encode(TokenStore store, int first, int count, IEncoder encoder, IProcessGroup group, WatchedWork work, Action<int, int>? next = null)
    {
        const int budget = 8192;
        var vectors = new float[checked(count * encoder.Dimension)];
        int[] order = [.. Enumerable.Range(first, count).OrderByDescending(store.LengthOf).ThenBy(r => r)];
        for (int start = 0, batch = 0; start < count; batch++)
        {
            next?.Invoke(batch, start);
            int texts = Math.Min(Math.Max(1, budget / store.LengthOf(order[start])), count - start);
            int[] rows = order[start..(start + texts)];
            start += texts;
            if (work.Stopping || batch % group.Size != group.Rank)
            {
                continue;
            }
            M3Embedding[] embeddings = encoder.Encode(TokenBatch.Of([.. rows.Select(r => store[r].ToArray())]));
            for (int i = 0; i < texts; i++)
            {
                embeddings[i].Dense!.CopyTo(vectors, (rows[i] - first) * encoder.Dimension);
            }
        }
        return vectors;
    }
}

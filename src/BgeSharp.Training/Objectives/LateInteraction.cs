// Late interaction of all queries with all passages:  s_qp = (1/n_q) Σ_i max_j q_i·p_j                    Khattab and Zaharia 2020; M3-Embedding, 3.2
// Passages are taken in chunks of like length, so [query tokens, passage tokens] never exists whole; what is kept for the gradient is the place of each
// maximum. Queries are cut only where one passage by all of them is too much: cutting both sides always made the small products slow (docs/log.md). Padding never takes part (in the public code zero columns do, and win where all similarities are below 0).

using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>Multi-vector scores with gradients.</summary>
public sealed class LateInteraction : OwnFunction<LateInteraction>
{
    // Similarities of one chunk: 2 M are 8 MB in float32. One passage by all queries may be more, up to 128 MB.
    private const long ChunkElements = 2 << 20, MostElements = 32 << 20;

    /// <inheritdoc/>
    public override string Name => nameof(LateInteraction);

    /// <param name="queries">[Tq, C], token vectors, packed.</param>
    /// <param name="queryOffsets">[Q+1].</param>
    /// <param name="passages">[Tp, C].</param>
    /// <param name="passageOffsets">[P+1].</param>
    /// <param name="skip">Tokens at the start of each text that take no part: 1, the first token.</param>
    /// <param name="ownGroupOnly">True scores query i with its own P/Q passages only.</param>
    /// <param name="products">Type of the similarities; sums are in the type of the vectors.</param>
    /// <param name="chunkElements">Similarities that a chunk of several passages has at most.</param>
    /// <param name="mostElements">Similarities above which queries are cut too. One query by one passage is always whole.</param>
    /// <returns>[Q, P], or [Q, P/Q]; 0 where a side has no vectors.</returns>
    public static Tensor Scores(Tensor queries, int[] queryOffsets, Tensor passages, int[] passageOffsets, int skip, bool ownGroupOnly, ScalarType products,
        long chunkElements = ChunkElements, long mostElements = MostElements)
        => apply(queries, passages, queryOffsets, passageOffsets, skip, ownGroupOnly, products, chunkElements, mostElements);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var (queries, passages) = ((Tensor)vars[0], (Tensor)vars[1]);
        var (queryOffsets, passageOffsets, skip, products) = ((int[])vars[2], (int[])vars[3], (int)vars[4], (ScalarType)vars[6]);
        var (queryCount, passageCount) = (queryOffsets.Length - 1, passageOffsets.Length - 1);
        bool own = (bool)vars[5];
        (long chunkElements, long mostElements) = ((long)vars[7], (long)vars[8]);
        int group = own ? passageCount / queryCount : passageCount;
        int together = own ? 1 : Together(queryOffsets, passageOffsets, skip, mostElements);
        Tensor scores = zeros(queryCount, group, queries.dtype, queries.device);
        var chunks = new List<Chunk>();
        for (int first = 0; first < queryCount; first += together)
        {
            int[] rows = [.. Enumerable.Range(first, Math.Min(together, queryCount - first))];
            int[] columns = [.. Enumerable.Range(own ? first * group : 0, group).OrderBy(p => Length(passageOffsets, p, skip))];
            var asked = Cells.Of(queryOffsets, rows, skip, queries.device);
            for (int start = 0; start < columns.Length;)
            {
                int end = start + 1;
                while (end < columns.Length && (end + 1 - start) * (long)Math.Max(1, Length(passageOffsets, columns[end], skip)) * Math.Max(1, asked.Count) <= chunkElements)
                {
                    end++;
                }
                var answers = Cells.Of(passageOffsets, columns[start..end], skip, passages.device);
                int[] places = [.. columns[start..end].Select(p => own ? p - (first * group) : p)];
                if (asked.Length > 0 && answers.Length > 0)
                {
                    chunks.Add(Score(queries, passages, new Chunk(first, asked, answers, places), scores, products));
                }
                start = end;
            }
        }
        ctx.save_for_backward([queries, passages]);
        ctx.save_data("chunks", (chunks, products));
        return scores;
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        var (chunks, products) = ((List<Chunk>, ScalarType))ctx.get_data("chunks");
        Tensor ofQueries = zeros_like(saved[0]), ofPassages = zeros_like(saved[1]);
        foreach (Chunk chunk in chunks)
        {
            using var scope = NewDisposeScope();
            (Cells asked, Cells answers) = (chunk.Queries, chunk.Passages);
            Tensor columns = tensor(chunk.Places.Select(p => (long)p).ToArray()).to(gradient.device);
            Tensor ofScores = gradient.narrow(0, chunk.First, asked.Texts).index_select(1, columns) / asked.Counts;              // [Q, p]
            ofScores = answers.Empty is null ? ofScores : ofScores.Masked(answers.Empty.unsqueeze(0), 0);
            Tensor spread = ofScores.unsqueeze(1).expand(asked.Texts, asked.Length, answers.Texts);                                // [Q, L, p]
            spread = (asked.Padding is null ? spread : spread.Masked(asked.Padding.unsqueeze(2), 0)).reshape(-1, answers.Texts, 1); // [Q·L, p, 1]
            Tensor similarities = zeros([asked.Count, answers.Texts, answers.Length], products, gradient.device);
            similarities.scatter_(2, chunk.Best!.to_type(ScalarType.Int64).unsqueeze(2), spread.to_type(products));
            Tensor flat = similarities.view(asked.Count, answers.Count);                                                            // [Q·L, p·l]
            asked.AddTo(ofQueries, flat.matmul(answers.Take(saved[1]).to_type(products)).to_type(ofQueries.dtype));
            answers.AddTo(ofPassages, flat.t().matmul(asked.Take(saved[0]).to_type(products)).to_type(ofPassages.dtype));
        }
        return [ofQueries, ofPassages, null!, null!, null!, null!, null!, null!, null!];
    }

    // Queries that meet a passage at once: all of them unless that is too much for the longest passage.
    private static int Together(int[] queryOffsets, int[] passageOffsets, int skip, long mostElements)
    {
        int queries = queryOffsets.Length - 1;
        long cells = Math.Max(1, (long)Longest(queryOffsets) * Longest(passageOffsets));
        return (int)Math.Clamp(mostElements / cells, 1, Math.Max(1, queries));

        int Longest(int[] offsets) => Enumerable.Range(0, offsets.Length - 1).Select(t => Length(offsets, t, skip)).DefaultIfEmpty().Max();
    }

    private static Chunk Score(Tensor queries, Tensor passages, Chunk chunk, Tensor scores, ScalarType products)
    {
        using var scope = NewDisposeScope();
        (Cells asked, Cells answers) = (chunk.Queries, chunk.Passages);
        Tensor similarities = asked.Take(queries).to_type(products).matmul(answers.Take(passages).to_type(products).t())
            .view(asked.Count, answers.Texts, answers.Length);                                                                      // [Q·L, p, l]
        if (answers.Padding is not null)
        {
            similarities.MaskInPlace(answers.Padding.view(1, answers.Texts, answers.Length), -1e4);
        }
        (Tensor best, Tensor place) = similarities.max(2);                                                                          // [Q·L, p]
        Tensor wide = best.to_type(scores.dtype).view(asked.Texts, asked.Length, answers.Texts);
        Tensor mean = (asked.Padding is null ? wide : wide.Masked(asked.Padding.unsqueeze(2), 0)).sum(1) / asked.Counts;            // [Q, p]
        if (answers.Empty is not null)
        {
            mean = mean.Masked(answers.Empty.unsqueeze(0), 0);
        }
        scores.narrow(0, chunk.First, asked.Texts).index_copy_(1, tensor(chunk.Places.Select(p => (long)p).ToArray()).to(scores.device), mean);
        return chunk with { Best = place.to_type(ScalarType.Int32).MoveToOuterDisposeScope() };
    }

    private static int Length(int[] offsets, int text, int skip) => Math.Max(0, offsets[text + 1] - offsets[text] - skip);

    private sealed record Chunk(int First, Cells Queries, Cells Passages, int[] Places)
    {
        public Tensor? Best { get; init; }
    }

    // Texts of a side as padded cells [texts, length]: where each cell's row is, and which cells are padding.
    private sealed record Cells(int Texts, int Length, Tensor Rows, Tensor? Padding, Tensor Counts, Tensor? Empty)
    {
        public int Count => Texts * Length;

        public static Cells Of(int[] offsets, int[] texts, int skip, Device device)
        {
            int length = texts.Max(t => LateInteraction.Length(offsets, t, skip));
            var rows = new long[texts.Length * length];
            var padding = new bool[rows.Length];
            var counts = new long[texts.Length];
            for (int i = 0; i < texts.Length; i++)
            {
                int own = LateInteraction.Length(offsets, texts[i], skip);
                counts[i] = Math.Max(1, own);
                for (int j = 0; j < length; j++)
                {
                    rows[(i * length) + j] = j < own ? offsets[texts[i]] + skip + j : 0;
                    padding[(i * length) + j] = j >= own;
                }
            }
            bool[] empty = [.. texts.Select(t => LateInteraction.Length(offsets, t, skip) == 0)];
            return new Cells(texts.Length, length, tensor(rows).to(device), padding.Contains(true) ? tensor(padding).view(texts.Length, length).to(device) : null,
                tensor(counts).view(-1, 1).to(device), empty.Contains(true) ? tensor(empty).to(device) : null);
        }

        // [Count, C]; padding repeats the first row and is masked where it could be seen.
        public Tensor Take(Tensor vectors) => vectors.index_select(0, Rows);

        // Every row but those of padding stands in one cell only, so rows are added without collisions that matter.
        public void AddTo(Tensor vectors, Tensor cells)
        {
            if (Padding is not null)
            {
                cells = cells.Masked(Padding.view(-1, 1), 0);
            }
            vectors.scatter_add_(0, Rows.unsqueeze(1).expand(cells.shape), cells);
        }
    }
}

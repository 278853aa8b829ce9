// Late interaction of all queries with all passages:  s_qp = (1/n_q) Σ_i max_j q_i·p_j                    Khattab and Zaharia 2020; M3-Embedding, 3.2
// Both sides are cut into blocks of like length, so [query tokens, passage tokens] never exists whole: a chunk is one block by another, ChunkElements similarities
// at most, made of no more numbers than that a side. A query too long for a block is cut into pieces; a passage is not, since its maximum is one, and may be more by itself.
// What is kept for the gradient is the place of each maximum. Padding never takes part (in the public code zero columns do, and win where all similarities are below 0).

using BgeSharp.Training.Modeling;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Objectives;

/// <summary>Multi-vector scores with gradients.</summary>
public sealed class LateInteraction : OwnFunction<LateInteraction>
{
    // Similarities of one chunk: 2 M are 8 MB in float32.
    private const long ChunkElements = 2 << 20;

    /// <inheritdoc/>
    public override string Name => nameof(LateInteraction);

    /// <param name="queries">[Tq, C], token vectors, packed.</param>
    /// <param name="queryOffsets">[Q+1].</param>
    /// <param name="passages">[Tp, C].</param>
    /// <param name="passageOffsets">[P+1].</param>
    /// <param name="skip">Tokens at the start of each text that take no part: 1, the first token.</param>
    /// <param name="ownGroupOnly">True scores query i with its own P/Q passages only.</param>
    /// <param name="products">Type of the similarities; sums are in the type of the vectors.</param>
    /// <returns>[Q, P], or [Q, P/Q]; 0 where a side has no vectors.</returns>
    public static Tensor Scores(Tensor queries, int[] queryOffsets, Tensor passages, int[] passageOffsets, int skip, bool ownGroupOnly, ScalarType products)
        => Scores(queries, queryOffsets, passages, passageOffsets, skip, ownGroupOnly, products, ChunkElements);

    /// <summary>The same with chunks of another size.</summary>
    internal static Tensor Scores(Tensor queries, int[] queryOffsets, Tensor passages, int[] passageOffsets, int skip, bool ownGroupOnly, ScalarType products, long chunkElements)
        => apply(queries, passages, queryOffsets, passageOffsets, skip, ownGroupOnly, products, chunkElements);

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var (queries, passages) = ((Tensor)vars[0], (Tensor)vars[1]);
        var (queryOffsets, passageOffsets, skip, own) = ((int[])vars[2], (int[])vars[3], (int)vars[4], (bool)vars[5]);
        var (products, chunkElements) = ((ScalarType)vars[6], (long)vars[7]);
        var (queryCount, passageCount) = (queryOffsets.Length - 1, passageOffsets.Length - 1);
        int group = own ? passageCount / queryCount : passageCount;
        long size = queries.shape[1];
        Tensor scores = zeros(queryCount, group, queries.dtype, queries.device);
        var chunks = new List<Chunk>();
        for (int first = 0; first < queryCount; first += own ? 1 : queryCount)
        {
            int column = own ? first * group : 0;
            (List<Piece[]> asked, List<Piece[]> answers) = Blocks(Texts(queryOffsets, first, own ? 1 : queryCount, skip), Texts(passageOffsets, column, group, skip), chunkElements, size);
            Cells[] sides = [.. asked.Select(block => Cells.Of(block, query => (long)query * group, queries.device))];
            foreach (Piece[] block in answers)
            {
                var answer = Cells.Of(block, passage => passage - column, passages.device);
                chunks.AddRange(sides.Select(side => Score(queries, passages, new Chunk(side, answer), scores, products)));
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
        using Tensor whole = gradient.reshape(-1);
        foreach (Chunk chunk in chunks)
        {
            using var scope = NewDisposeScope();
            (Cells asked, Cells answers) = (chunk.Queries, chunk.Passages);
            Tensor ofScores = whole.index_select(0, Places(chunk)).view(asked.Texts, answers.Texts) / asked.Counts;               // [q, p]
            Tensor spread = ofScores.unsqueeze(1).expand(asked.Texts, asked.Length, answers.Texts);                                // [q, L, p]
            spread = (asked.Padding is null ? spread : spread.Masked(asked.Padding.unsqueeze(2), 0)).reshape(-1, answers.Texts, 1); // [q·L, p, 1]
            Tensor similarities = zeros([asked.Count, answers.Texts, answers.Length], products, gradient.device);
            similarities.scatter_(2, chunk.Best!.to_type(ScalarType.Int64).unsqueeze(2), spread.to_type(products));
            Tensor flat = similarities.view(asked.Count, answers.Count);                                                            // [q·L, p·l]
            asked.AddTo(ofQueries, flat.matmul(answers.Take(saved[1]).to_type(products)).to_type(ofQueries.dtype));
            answers.AddTo(ofPassages, flat.t().matmul(asked.Take(saved[0]).to_type(products)).to_type(ofPassages.dtype));
        }
        return [ofQueries, ofPassages, null!, null!, null!, null!, null!, null!];
    }

    /// <summary>Texts that have tokens to take part with, by length.</summary>
    /// <param name="offsets">Where each text starts.</param>
    /// <param name="first">First text.</param>
    /// <param name="count">How many.</param>
    /// <param name="skip">Tokens at the start of each that take no part.</param>
    internal static List<Piece> Texts(int[] offsets, int first, int count, int skip)
        => [.. Enumerable.Range(first, count).Select(t => (Text: t, Length: offsets[t + 1] - offsets[t] - skip)).Where(t => t.Length > 0).OrderBy(t => t.Length)
            .Select(t => new Piece(t.Text, offsets[t.Text] + skip, t.Length, t.Length))];

    /// <summary>Cuts both sides so that a block of the one by a block of the other is a chunk: every query's tokens are in one or more pieces, every passage is whole.</summary>
    /// <param name="queries">By length.</param>
    /// <param name="passages">By length.</param>
    /// <param name="chunkElements">Most similarities of a chunk, and most numbers of a block's vectors; one token of a query by one passage may be more.</param>
    /// <param name="size">C.</param>
    internal static (List<Piece[]> Queries, List<Piece[]> Passages) Blocks(List<Piece> queries, List<Piece> passages, long chunkElements, long size)
    {
        if (queries.Count == 0 || passages.Count == 0)
        {
            return ([], []);
        }
        int room = (int)Math.Clamp(chunkElements / Math.Max(passages[^1].Length, size), 1, int.MaxValue);
        List<Piece[]> asked = Pack([.. queries.SelectMany(q => q.Cut(room)).OrderBy(p => p.Length)], room);
        return (asked, Pack(passages, chunkElements / Math.Max(asked.Max(b => b.Length * (long)b[^1].Length), size)));
    }

    // As many pieces a block as there is room for their cells, padding included; one at least.
    private static List<Piece[]> Pack(List<Piece> pieces, long room)
    {
        var blocks = new List<Piece[]>();
        for (int start = 0; start < pieces.Count;)
        {
            int end = start + 1;
            while (end < pieces.Count && (end + 1L - start) * pieces[end].Length <= room)
            {
                end++;
            }
            blocks.Add([.. pieces.GetRange(start, end - start)]);
            start = end;
        }
        return blocks;
    }

    // No place comes twice, and sums have one order: pieces of one query are in different blocks, since all but the last fill theirs.
    private static Tensor Places(Chunk chunk) => chunk.Queries.Places.unsqueeze(1).Plus(chunk.Passages.Places).reshape(-1);          // [q·p], into all scores in a row

    private static Chunk Score(Tensor queries, Tensor passages, Chunk chunk, Tensor scores, ScalarType products)
    {
        using var scope = NewDisposeScope();
        (Cells asked, Cells answers) = (chunk.Queries, chunk.Passages);
        Tensor similarities = asked.Take(queries).to_type(products).matmul(answers.Take(passages).to_type(products).t())
            .view(asked.Count, answers.Texts, answers.Length);                                                                      // [q·L, p, l]
        if (answers.Padding is not null)
        {
            similarities.MaskInPlace(answers.Padding.view(1, answers.Texts, answers.Length), -1e4);
        }
        (Tensor best, Tensor place) = similarities.max(2);                                                                          // [q·L, p]
        Tensor wide = best.to_type(scores.dtype).view(asked.Texts, asked.Length, answers.Texts);
        Tensor mean = (asked.Padding is null ? wide : wide.Masked(asked.Padding.unsqueeze(2), 0)).sum(1) / asked.Counts;            // [q, p]
        scores.view(-1).AddRowsInPlace(Places(chunk), mean.reshape(-1));
        return chunk with { Best = place.to_type(ScalarType.Int32).MoveToOuterDisposeScope() };
    }

    /// <summary>Tokens of a text that stand in one block.</summary>
    /// <param name="Text">Number of the text.</param>
    /// <param name="Row">First row.</param>
    /// <param name="Length">Rows, 1 at least.</param>
    /// <param name="Of">Rows of the whole text.</param>
    internal sealed record Piece(int Text, int Row, int Length, int Of)
    {
        /// <summary>The same tokens in pieces of a length, the last one of what is left.</summary>
        public IEnumerable<Piece> Cut(int length)
        {
            for (long start = 0; start < Length; start += length)
            {
                yield return this with { Row = Row + (int)start, Length = Math.Min(length, Length - (int)start) };
            }
        }
    }

    private sealed record Chunk(Cells Queries, Cells Passages)
    {
        public Tensor? Best { get; init; }
    }

    // Pieces of a side as padded cells [texts, length]: where each cell's row is, which cells are padding, what sums are divided by, and the part of a score's place that this side gives.
    private sealed record Cells(int Texts, int Length, Tensor Rows, Tensor? Padding, Tensor Counts, Tensor Places)
    {
        public int Count => Texts * Length;

        public static Cells Of(Piece[] pieces, Func<int, long> place, Device device)
        {
            int length = pieces[^1].Length;
            var rows = new long[pieces.Length * length];
            var padding = new bool[rows.Length];
            for (int i = 0; i < rows.Length; i++)
            {
                (Piece piece, int token) = (pieces[i / length], i % length);
                padding[i] = token >= piece.Length;
                rows[i] = padding[i] ? 0 : piece.Row + token;
            }
            return new Cells(pieces.Length, length, tensor(rows).to(device), padding.Contains(true) ? tensor(padding).view(pieces.Length, length).to(device) : null,
                tensor(pieces.Select(p => (long)p.Of).ToArray()).view(-1, 1).to(device), tensor(pieces.Select(p => place(p.Text)).ToArray()).to(device));
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

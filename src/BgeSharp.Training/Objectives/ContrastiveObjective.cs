// The whole loss of a contrastive batch, for a block of its queries: scores of each output, masks, teacher, self-distillation, and the terms beyond
// query → passage. Called block by block with the same representations it gives the same gradient as called once, in the memory of one block.
//   token groups: a batch in parts; sparse, multi-vector and ensemble scores have the columns of the query's part, dense scores all            (see cluster.md)
//   both directions: (L + mean_i CE(p_i·q_j/τ; j = i)) / 2     query-query, passage-passage: more columns in the softmax (GTE 2023, section 3.2)
//   Matryoshka: the dense loss is the mean over its full length and its first d numbers, scaled anew        Kusupati et al. 2022

using BgeSharp.Embeddings;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Objectives;

/// <summary>How teacher scores are used.</summary>
public enum TeacherUse
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary><see cref="Distillation.KlDivergence"/>.</summary>
    KlDivergence,

    /// <summary><see cref="Distillation.Ordered"/>.</summary>
    Ordered,

    /// <summary><see cref="Distillation.MarginMse"/>, plus InfoNCE.</summary>
    MarginMse,
}

/// <summary>What a batch says beside its texts.</summary>
/// <param name="Group">G, passages per query; the positive of query i is passage i·G.</param>
/// <param name="Hidden">Passages that must not count against a query; null for none.</param>
/// <param name="TeacherScores">[Q, G]; null without a teacher.</param>
public sealed record ContrastiveTargets(int Group, HiddenPassages? Hidden, Tensor? TeacherScores);

/// <summary>The loss of a contrastive stage.</summary>
public sealed record ContrastiveObjective
{
    /// <summary>Temperature and kind of negatives.</summary>
    public InfoNce Contrast { get; init; } = new();

    /// <summary>Outputs that are trained.</summary>
    public EmbeddingModes Outputs { get; init; } = EmbeddingModes.Dense;

    /// <summary>Weights of the outputs.</summary>
    public M3Unified Unified { get; init; } = M3Unified.Published;

    /// <summary>Whether each output learns the ensemble's distribution.</summary>
    public bool SelfDistill { get; init; }

    /// <summary>Parts of a batch, ranges of nearly as many queries (<see cref="WorkShare.Parts"/>, <see cref="WorkShare.Range"/>): negatives of the outputs by token and of the ensemble are those of a query's part.</summary>
    public int TokenGroups { get; init; } = 1;

    /// <summary>How teacher scores are used.</summary>
    public TeacherUse Teacher { get; init; }

    /// <summary>Teacher scores are divided by this.</summary>
    public double TeacherTemperature { get; init; } = 1;

    /// <summary>Dense, with in-batch negatives: passages look for their query too.</summary>
    public bool BothDirections { get; init; }

    /// <summary>Dense, with in-batch negatives: other queries are negatives of a query.</summary>
    public bool QueryQuery { get; init; }

    /// <summary>Dense, with in-batch negatives: other positives are negatives of a positive.</summary>
    public bool PassagePassage { get; init; }

    /// <summary>Dense: lengths below the full one that must be good embeddings too.</summary>
    public IReadOnlyList<int> MatryoshkaDimensions { get; init; } = [];

    /// <summary>Cosine by which a negative may exceed the positive before it is taken for a hidden positive; null takes none.</summary>
    public double? FalseNegativeMargin { get; init; }

    /// <summary>Ids without sparse weight.</summary>
    public IReadOnlySet<int> WithoutWeight { get; init; } = new HashSet<int>();

    /// <summary>Type of the similarities of late interaction.</summary>
    public ScalarType Products { get; init; } = ScalarType.Float32;

    /// <summary>Loss of queries [start, start + count), averaged over them.</summary>
    /// <param name="queries">All queries of the batch; outputs by token may be those of the block's part alone.</param>
    /// <param name="passages">All passages of the batch; likewise.</param>
    /// <param name="targets">What belongs together.</param>
    /// <param name="start">First query of the block.</param>
    /// <param name="count">Queries of the block, all of one part (<see cref="TokenGroups"/>).</param>
    /// <param name="figures">Receives detached scalars by name: losses of the parts, "in_batch_accuracy", "positive_cosine".</param>
    public Tensor Loss(M3Outputs queries, M3Outputs passages, ContrastiveTargets targets, int start, int count, Dictionary<string, Tensor> figures)
    {
        int group = targets.Group;
        M3Outputs asked = queries.Texts(start, count);
        M3Outputs answers = Contrast.InBatchNegatives ? passages : passages.Texts(start * group, count * group);
        Tensor? dense = Outputs.HasFlag(EmbeddingModes.Dense) ? Contrast.Scores(asked.Dense!, answers.Dense!) : null;
        (int partStart, int partCount) = Contrast.InBatchNegatives ? PartOf(queries.Batch.Count, start, count) : (0, 0);
        bool parted = partCount < queries.Batch.Count && Contrast.InBatchNegatives;
        M3Scores scores = Scores(asked, parted ? passages.Texts(partStart * group, partCount * group) : answers, parted ? dense?.narrow(1, partStart * group, partCount * group) : dense);
        Tensor first = dense ?? scores.Sparse ?? scores.MultiVector!;
        Tensor? teacher = Teacher == TeacherUse.None ? null : targets.TeacherScores!.narrow(0, start, count).to_type(first.dtype).Over(TeacherTemperature);
        Columns near = Of(scores.Dense ?? first, parted ? partStart : 0), whole = parted && dense is not null ? Of(dense, 0) : near;
        Note(figures, first, whole.Positives);

        M3Loss loss = Unified.Loss(scores, s => ReferenceEquals(s, scores.Dense) ? Task(dense!, whole, asked) : Task(s, near, null), SelfDistill, near.Hidden);
        foreach ((string name, Tensor value) in loss.Each)
        {
            figures[name] = value.detach();
        }
        return loss.Total;

        // What the columns of a score matrix are when they begin with the passages of a query.
        Columns Of(Tensor s, int query)
        {
            Tensor positives = Contrast.Positives(s, group, start - query);                                   // [block]
            return new Columns(start - query, positives, Hidden(targets, s, positives, start, count, query * group));
        }

        Tensor Task(Tensor s, Columns columns, M3Outputs? vectors)
        {
            Tensor plain = Judge(s, columns, vectors);
            if (vectors is null)
            {
                return plain;
            }
            plain = Both(plain, x => x);
            if (MatryoshkaDimensions.Count == 0)
            {
                return plain;
            }
            foreach (int size in MatryoshkaDimensions)
            {
                plain = plain.Plus(Both(Judge(Contrast.Scores(Shorten(asked.Dense!, size), Shorten(answers.Dense!, size)), columns, null), x => Shorten(x, size)));
            }
            return plain.Over(MatryoshkaDimensions.Count + 1);
        }

        // The dense output's loss in both directions, at one length of the vectors.
        Tensor Both(Tensor forward, Func<Tensor, Tensor> cut) => BothDirections && Contrast.InBatchNegatives ? forward.Plus(Backward(cut)).Over(2) : forward;

        Tensor Judge(Tensor s, Columns columns, M3Outputs? vectors)
        {
            var distillation = new Distillation(Contrast);
            return Teacher switch
            {
                TeacherUse.KlDivergence => distillation.KlDivergence(s, teacher!.softmax(1), columns.Start, columns.Hidden),
                TeacherUse.Ordered => distillation.Ordered(s, teacher!.softmax(1), columns.Start, columns.Hidden),
                TeacherUse.MarginMse => distillation.MarginMse(s, teacher!, columns.Start).Plus(Contrast.Loss(s, columns.Hidden, columns.Positives)),
                _ => vectors is not null && Contrast.InBatchNegatives && (QueryQuery || PassagePassage) ? Widened(s, columns) : Contrast.Loss(s, columns.Hidden, columns.Positives),
            };
        }

        // Other queries and other positives as further columns; those that belong together are hidden there as well.
        Tensor Widened(Tensor s, Columns own)
        {
            var columns = new List<Tensor> { own.Hidden is null ? s : s.Masked(own.Hidden, float.MinValue) };
            Tensor same = Same(), positive = s.detach().gather(1, own.Positives.unsqueeze(1));
            if (QueryQuery)
            {
                Add(asked.Dense!, queries.Dense!);
            }
            if (PassagePassage)
            {
                Tensor all = Firsts();
                Add(all.narrow(0, start, count), all);
            }

            void Add(Tensor rows, Tensor all)
            {
                Tensor more = rows.matmul(all.t()).Over(Contrast.Temperature);
                columns.Add(more.Masked(TooNear(more, positive) is { } near ? same.logical_or(near) : same, float.MinValue));
            }
            return nn.functional.cross_entropy(cat(columns, 1), own.Positives);
        }

        Tensor Backward(Func<Tensor, Tensor> cut)
        {
            Tensor own = TensorArithmetic.CountTo(count, first.device).Plus((long)start);
            Tensor Scored(Func<Tensor, Tensor> of) => of(Firsts().narrow(0, start, count)).matmul(of(queries.Dense!).t()).Over(Contrast.Temperature);     // [block, Q]
            Tensor back = Scored(cut), others = Same();
            // Who is a positive in disguise is a matter of whole vectors, at every length, as in the other direction.
            Tensor judged = FalseNegativeMargin is null ? back : Scored(x => x.detach());
            if (TooNear(judged, judged.detach().gather(1, own.unsqueeze(1))) is { } near)
            {
                others = others.logical_or(near);
            }
            others = others.scatter(1, own.unsqueeze(1), zeros([count, 1], ScalarType.Bool, first.device));
            return nn.functional.cross_entropy(back.Masked(others, float.MinValue), own);
        }

        Tensor Firsts() => passages.Dense!.view(queries.Batch.Count, group, -1).select(1, 0);                       // [Q, D]

        // [block, Q]: itself, and queries whose positive is this query's as well.
        Tensor Same()
        {
            int all = queries.Batch.Count;
            Tensor own = TensorArithmetic.CountTo(count, first.device).Plus((long)start).unsqueeze(1);
            Tensor same = targets.Hidden?.Together(start, count, group, first.device) ?? zeros([count, all], ScalarType.Bool, first.device);
            return same.scatter(1, own, ones([count, 1], ScalarType.Bool, first.device));
        }
    }

    // The part of the batch that a block of queries lies in.
    private (int Start, int Count) PartOf(int queries, int start, int count)
    {
        int parts = WorkShare.Parts(TokenGroups, queries);
        for (int part = 0; part < parts; part++)
        {
            (int first, int length) = WorkShare.Range(queries, parts, part);
            if (start < first + length)
            {
                return start + count <= first + length ? (first, length) : throw new ArgumentException($"queries {start} to {start + count - 1} are of more than one part of the batch", nameof(count));
            }
        }
        throw new ArgumentOutOfRangeException(nameof(start));
    }

    private M3Scores Scores(M3Outputs asked, M3Outputs answers, Tensor? dense)
    {
        bool own = !Contrast.InBatchNegatives;
        return new M3Scores(
            dense,
            Outputs.HasFlag(EmbeddingModes.Sparse)
                ? LexicalMatch.Scores(asked.TokenWeights!, asked.Batch, answers.TokenWeights!, answers.Batch, WithoutWeight, own).Over(Contrast.Temperature) : null,
            Outputs.HasFlag(EmbeddingModes.MultiVector)
                ? LateInteraction.Scores(asked.TokenVectors!, asked.Batch.Offsets, answers.TokenVectors!, answers.Batch.Offsets, 1, own, Products).Over(Contrast.Temperature) : null);
    }

    private Tensor? Hidden(ContrastiveTargets targets, Tensor scores, Tensor positives, int start, int count, int firstColumn)
    {
        Tensor? hidden = targets.Hidden?.Rows(start, count, scores.device);
        hidden = hidden is null ? null : Contrast.InBatchNegatives ? hidden.narrow(1, firstColumn, scores.shape[1]) : OwnColumns(hidden, targets.Group, start);
        if (FalseNegativeMargin is null)
        {
            return hidden;
        }
        Tensor column = positives.unsqueeze(1);
        Tensor above = TooNear(scores, scores.detach().gather(1, column))!.scatter(1, column, zeros_like(column, ScalarType.Bool));
        return hidden is null ? above : hidden.logical_or(above);
    }

    // Columns so far above the positive that they are taken for positives in disguise; null where none are.
    private Tensor? TooNear(Tensor scores, Tensor positive) => FalseNegativeMargin is double margin ? scores.detach().gt(positive.Plus(margin / Contrast.Temperature)) : null;

    /// <summary>Of each query's row the columns of its own group.</summary>
    /// <param name="rows">[block, Q·G].</param>
    /// <param name="group">G.</param>
    /// <param name="start">First query of the block.</param>
    /// <returns>[block, G].</returns>
    public static Tensor OwnColumns(Tensor rows, int group, long start)
    {
        long count = rows.shape[0];
        Tensor first = TensorArithmetic.CountTo(count, rows.device).Plus(start).Times(group).unsqueeze(1);          // [block, 1]
        return rows.gather(1, first.Plus(TensorArithmetic.CountTo(group, rows.device).unsqueeze(0)));
    }

    private void Note(Dictionary<string, Tensor> figures, Tensor scores, Tensor positives)
    {
        using var noGrad = no_grad();
        Tensor own = scores.detach();
        figures["in_batch_accuracy"] = own.argmax(1).eq(positives).to_type(ScalarType.Float32).mean();
        figures["positive_cosine"] = own.gather(1, positives.unsqueeze(1)).mean().Times(Contrast.Temperature);
    }

    /// <param name="Start">The block's first query, counted from the query whose passages are the first columns.</param>
    /// <param name="Positives">[block], each query's column.</param>
    /// <param name="Hidden">[block, columns]; null for none.</param>
    private sealed record Columns(int Start, Tensor Positives, Tensor? Hidden);

    private static Tensor Shorten(Tensor vectors, int size) => vectors.narrow(1, 0, size).ToUnitLength(vectors.dtype);
}

// The whole loss of a contrastive batch, for a block of its queries: scores of each output, masks, teacher, self-distillation, and the terms beyond
// query → passage. Called block by block with the same representations it gives the same gradient as called once, in the memory of one block.
//   both directions: (L + mean_i CE(p_i·q_j/τ; j = i)) / 2     query-query, passage-passage: more columns in the softmax (GTE 2023, section 3.2)
//   Matryoshka: the dense loss is the mean over its full length and its first d numbers, scaled anew        Kusupati et al. 2022

using BgeSharp.Embeddings;
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
/// <param name="Hidden">[Q, Q·G], true where a passage must not count against a query; null for none.</param>
/// <param name="TeacherScores">[Q, G]; null without a teacher.</param>
public sealed record ContrastiveTargets(int Group, Tensor? Hidden, Tensor? TeacherScores);

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

    /// <summary>How teacher scores are used.</summary>
    public TeacherUse Teacher { get; init; }

    /// <summary>Teacher scores are divided by this.</summary>
    public double TeacherTemperature { get; init; } = 1;

    /// <summary>Dense: passages look for their query too.</summary>
    public bool BothDirections { get; init; }

    /// <summary>Dense: other queries are negatives of a query.</summary>
    public bool QueryQuery { get; init; }

    /// <summary>Dense: other positives are negatives of a positive.</summary>
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
    /// <param name="queries">All queries of the batch.</param>
    /// <param name="passages">All passages of the batch.</param>
    /// <param name="targets">What belongs together.</param>
    /// <param name="start">First query of the block.</param>
    /// <param name="count">Queries of the block.</param>
    /// <param name="figures">Receives detached scalars by name: losses of the parts, "in_batch_accuracy", "positive_cosine".</param>
    public Tensor Loss(M3Outputs queries, M3Outputs passages, ContrastiveTargets targets, int start, int count, Dictionary<string, Tensor> figures)
    {
        int group = targets.Group;
        M3Outputs asked = queries.Texts(start, count);
        M3Outputs answers = Contrast.InBatchNegatives ? passages : passages.Texts(start * group, count * group);
        M3Scores scores = Scores(asked, answers);
        Tensor first = scores.Dense ?? scores.Sparse ?? scores.MultiVector!;
        Tensor positives = Contrast.Positives(first, group, start);                                           // [block]
        Tensor? hidden = Hidden(targets, first, positives, start, count);
        Tensor? teacher = Teacher == TeacherUse.None ? null : targets.TeacherScores!.narrow(0, start, count).to_type(first.dtype).Over(TeacherTemperature);
        Note(figures, first, positives);

        M3Loss loss = Unified.Loss(scores, s => Task(s, ReferenceEquals(s, scores.Dense) ? asked : null), SelfDistill, hidden);
        foreach ((string name, Tensor value) in loss.Each)
        {
            figures[name] = value.detach();
        }
        Tensor total = loss.Total;
        if (BothDirections && scores.Dense is not null)
        {
            total = total.Plus(Backward()).Over(2);
        }
        return total;

        Tensor Task(Tensor s, M3Outputs? dense)
        {
            Tensor plain = Judge(s, dense);
            if (dense is null || MatryoshkaDimensions.Count == 0)
            {
                return plain;
            }
            foreach (int size in MatryoshkaDimensions)
            {
                plain = plain.Plus(Judge(Contrast.Scores(Shorten(asked.Dense!, size), Shorten(answers.Dense!, size)), null));
            }
            return plain.Over(MatryoshkaDimensions.Count + 1);
        }

        Tensor Judge(Tensor s, M3Outputs? dense)
        {
            var distillation = new Distillation(Contrast);
            return Teacher switch
            {
                TeacherUse.KlDivergence => distillation.KlDivergence(s, teacher!.softmax(1), start, hidden),
                TeacherUse.Ordered => distillation.Ordered(s, teacher!.softmax(1), start, hidden),
                TeacherUse.MarginMse => distillation.MarginMse(s, teacher!, start).Plus(Contrast.Loss(s, hidden, positives)),
                _ => dense is not null && (QueryQuery || PassagePassage) ? Widened(s) : Contrast.Loss(s, hidden, positives),
            };
        }

        // Other queries and other positives as further columns; those that belong together are hidden there as well.
        Tensor Widened(Tensor s)
        {
            var columns = new List<Tensor> { hidden is null ? s : s.Masked(hidden, float.MinValue) };
            Tensor same = Same();
            if (QueryQuery)
            {
                columns.Add(asked.Dense!.matmul(queries.Dense!.t()).Over(Contrast.Temperature).Masked(same, float.MinValue));
            }
            if (PassagePassage)
            {
                Tensor all = Firsts();
                columns.Add(all.narrow(0, start, count).matmul(all.t()).Over(Contrast.Temperature).Masked(same, float.MinValue));
            }
            return nn.functional.cross_entropy(cat(columns, 1), positives);
        }

        Tensor Backward()
        {
            Tensor own = TensorArithmetic.CountTo(count, first.device).Plus((long)start);
            Tensor back = Firsts().narrow(0, start, count).matmul(queries.Dense!.t()).Over(Contrast.Temperature);   // [block, Q]
            Tensor others = Same().scatter(1, own.unsqueeze(1), zeros([count, 1], ScalarType.Bool, first.device));
            return nn.functional.cross_entropy(back.Masked(others, float.MinValue), own);
        }

        Tensor Firsts() => passages.Dense!.view(queries.Batch.Count, group, -1).select(1, 0);                       // [Q, D]

        // [block, Q]: itself, and queries whose positive is this query's as well.
        Tensor Same()
        {
            int all = queries.Batch.Count;
            Tensor own = TensorArithmetic.CountTo(count, first.device).Plus((long)start).unsqueeze(1);
            Tensor same = targets.Hidden is null ? zeros([count, all], ScalarType.Bool, first.device)
                : targets.Hidden.view(all, all, group).select(2, 0).logical_or(targets.Hidden.view(all, all, group).select(2, 0).t()).narrow(0, start, count);
            return same.scatter(1, own, ones([count, 1], ScalarType.Bool, first.device));
        }
    }

    private M3Scores Scores(M3Outputs asked, M3Outputs answers)
    {
        bool own = !Contrast.InBatchNegatives;
        return new M3Scores(
            Outputs.HasFlag(EmbeddingModes.Dense) ? Contrast.Scores(asked.Dense!, answers.Dense!) : null,
            Outputs.HasFlag(EmbeddingModes.Sparse)
                ? LexicalMatch.Scores(asked.TokenWeights!, asked.Batch, answers.TokenWeights!, answers.Batch, WithoutWeight, own).Over(Contrast.Temperature) : null,
            Outputs.HasFlag(EmbeddingModes.MultiVector)
                ? LateInteraction.Scores(asked.TokenVectors!, asked.Batch.Offsets, answers.TokenVectors!, answers.Batch.Offsets, 1, own, Products).Over(Contrast.Temperature) : null);
    }

    private Tensor? Hidden(ContrastiveTargets targets, Tensor scores, Tensor positives, int start, int count)
    {
        Tensor? hidden = !Contrast.InBatchNegatives || targets.Hidden is null ? null : targets.Hidden.narrow(0, start, count);
        if (FalseNegativeMargin is not double margin)
        {
            return hidden;
        }
        using var noGrad = no_grad();
        Tensor column = positives.unsqueeze(1);
        Tensor above = scores.detach().gt(scores.detach().gather(1, column).Plus(margin / Contrast.Temperature));
        above = above.scatter(1, column, zeros_like(column, ScalarType.Bool));
        return hidden is null ? above : hidden.logical_or(above);
    }

    private void Note(Dictionary<string, Tensor> figures, Tensor scores, Tensor positives)
    {
        using var noGrad = no_grad();
        Tensor own = scores.detach();
        figures["in_batch_accuracy"] = own.argmax(1).eq(positives).to_type(ScalarType.Float32).mean();
        figures["positive_cosine"] = own.gather(1, positives.unsqueeze(1)).mean().Times(Contrast.Temperature);
    }

    private static Tensor Shorten(Tensor vectors, int size) => vectors.narrow(1, 0, size).ToUnitLength(vectors.dtype);
}

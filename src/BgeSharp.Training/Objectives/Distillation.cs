// Knowledge distillation from teacher scores of each query's own group.
//   kl_div:     −mean_q Σ_g t_qg log softmax(s_q, own group)_g  +  InfoNCE       FlagEmbedding; a cross-entropy: the teacher's entropy is not subtracted
//   m3_kd:      Σ_g mean_q t_qg · CE(s_q with own columns 0..g−1 hidden; target own column g)     BGE-M3, over all in-batch passages
//   margin_mse: mean_q,g>0 ((s_q0 − s_qg) − (r_q0 − r_qg))²                       Hofstätter et al. 2020; s and r on the scale of logits
// m3_kd depends on the order inside a group; BGE-M3's own training sorted the negatives by teacher score, so the batches are drawn sorted for it.

namespace BgeSharp.Training.Objectives;

/// <summary>Loss against teacher scores.</summary>
/// <param name="Contrast">Scores and temperature of the student.</param>
public sealed record Distillation(InfoNce Contrast)
{
    /// <summary>Teacher scores as a distribution over the group.</summary>
    /// <param name="teacherScores">[Q, G], raw scores.</param>
    /// <param name="temperature">Above 0; the public code uses 1.</param>
    public static Tensor Targets(Tensor teacherScores, double temperature = 1) => teacherScores.Over(temperature).softmax(1);

    /// <param name="scores">[Q, P] or [Q, G], see <see cref="InfoNce.Scores"/>.</param>
    /// <param name="targets">[Q, G], see <see cref="Targets"/>.</param>
    /// <param name="start">First query, when the scores are those of a block.</param>
    /// <param name="hidden">Columns that do not count in the InfoNCE part, see <see cref="InfoNce.Loss"/>.</param>
    /// <returns>Scalar, in nats.</returns>
    public Tensor KlDivergence(Tensor scores, Tensor targets, long start = 0, Tensor? hidden = null)
    {
        Tensor contrast = Contrast.Loss(scores, hidden, Contrast.Positives(scores, targets.shape[1], start));
        return contrast.Plus(Divergence(scores, targets, start));
    }

    /// <summary>The teacher's part of <see cref="KlDivergence"/>.</summary>
    /// <param name="scores">[Q, P] or [Q, G], see <see cref="InfoNce.Scores"/>.</param>
    /// <param name="targets">[Q, G], see <see cref="Targets"/>.</param>
    /// <param name="start">First query, when the scores are those of a block.</param>
    /// <returns>Scalar, in nats.</returns>
    public Tensor Divergence(Tensor scores, Tensor targets, long start = 0)
        => (targets * OwnGroup(scores, targets.shape[1], start).log_softmax(1)).sum(1).mean().neg();

    /// <param name="scores">[Q, P] or [Q, G], see <see cref="InfoNce.Scores"/>.</param>
    /// <param name="targets">[Q, G], see <see cref="Targets"/>.</param>
    /// <param name="start">First query, when the scores are those of a block.</param>
    /// <param name="alsoHidden">Columns outside the own group that do not count; null for none.</param>
    /// <returns>Scalar, in nats.</returns>
    public Tensor Ordered(Tensor scores, Tensor targets, long start = 0, Tensor? alsoHidden = null)
    {
        long count = targets.shape[0];
        long group = targets.shape[1];
        Tensor columns = OwnColumns(scores, group, start);                                                   // [Q, G]
        Tensor own = scores.gather(1, columns);                                                              // [Q, G]
        // All sums have the columns outside the own group in common; those within it are the teacher's to judge, so nothing else hides one. Once for all: a softmax for each g would be G tables as large.
        Tensor others = (alsoHidden ?? zeros_like(scores, ScalarType.Bool)).scatter(1, columns, ones_like(columns, ScalarType.Bool));
        Tensor rest = scores.Masked(others, float.MinValue).logsumexp(1, keepdim: true);                     // [Q, 1]
        Tensor loss = zeros(1, scores.dtype, scores.device);
        for (long g = 0; g < group; g++)
        {
            Tensor sum = cat([rest, own.narrow(1, g, group - g)], 1).logsumexp(1, keepdim: true);            // [Q, 1]
            loss = loss.Minus((targets.narrow(1, g, 1) * own.narrow(1, g, 1).Minus(sum)).sum().Over(count));
        }
        return loss.squeeze();
    }

    /// <param name="scores">[Q, P] or [Q, G], see <see cref="InfoNce.Scores"/>.</param>
    /// <param name="teacherScores">[Q, G], raw scores divided by the teacher's temperature; with G = 1 there is no margin, and the loss is 0. NaN where the teacher does not know a passage: its difference counts 0.</param>
    /// <param name="start">First query, when the scores are those of a block.</param>
    /// <returns>Scalar.</returns>
    public Tensor MarginMse(Tensor scores, Tensor teacherScores, long start = 0)
    {
        long group = teacherScores.shape[1];
        if (group == 1)
        {
            return scores.sum().Times(0);       // no margin; still a part of the graph
        }
        Tensor own = OwnGroup(scores, group, start);                                                         // [Q, G]
        Tensor difference = Margins(own).Minus(Margins(teacherScores));
        difference = where(difference.isnan(), zeros_like(difference), difference);
        return (difference * difference).mean();

        Tensor Margins(Tensor s) => s.narrow(1, 0, 1).Minus(s.narrow(1, 1, group - 1));                      // [Q, G − 1]
    }

    private Tensor OwnGroup(Tensor scores, long group, long start) => Contrast.InBatchNegatives ? scores.gather(1, OwnColumns(scores, group, start)) : scores;

    private Tensor OwnColumns(Tensor scores, long group, long start)
        => Contrast.Positives(scores, group, start).unsqueeze(1).Plus(TensorArithmetic.CountTo(group, scores.device).unsqueeze(0));
}

// The unified loss of BGE-M3: every output learns its own task and that of the ensemble.                 M3-Embedding 2024, section 3.3; FlagEmbedding's code
//   s_e = w₁ s_dense + w₂ s_sparse + w₃ s_multi           w = 1, 0.3, 1
//   L   = ( λ₁ L_dense + λ₂ L_sparse + λ₃ L_multi + L_e ) / 4                 λ = 1, 0.1, 1
//   with self-distillation, t = softmax(s_e) without gradient:  L' = ( λ₁ L'_dense + λ₂ L'_sparse + λ₃ L'_multi ) / 3,   L ← (L + L') / 2
// With a subset of outputs the divisors are the number of terms there are; with one output alone there is no ensemble and L is its own loss.

namespace BgeSharp.Training.Objectives;

/// <summary>Scores of the outputs, divided by the temperature; null for an output that is not trained.</summary>
/// <param name="Dense">[Q, P] or [Q, G].</param>
/// <param name="Sparse">The same shape.</param>
/// <param name="MultiVector">The same shape.</param>
public sealed record M3Scores(Tensor? Dense, Tensor? Sparse, Tensor? MultiVector);

/// <summary>A weight for each output.</summary>
/// <param name="Dense">Of the dense output.</param>
/// <param name="Sparse">Of the sparse output.</param>
/// <param name="MultiVector">Of the multi-vector output.</param>
public sealed record OutputWeights(double Dense, double Sparse, double MultiVector);

/// <summary>What the unified loss is made of.</summary>
/// <param name="Total">Scalar to go backward from.</param>
/// <param name="Each">"loss_dense", "loss_sparse", "loss_multi", "loss_ensemble", "self_distill_dense" ...: scalars.</param>
public sealed record M3Loss(Tensor Total, IReadOnlyDictionary<string, Tensor> Each);

/// <summary>Joins the losses of several outputs.</summary>
/// <param name="Ensemble">w.</param>
/// <param name="Losses">λ.</param>
public sealed record M3Unified(OutputWeights Ensemble, OutputWeights Losses)
{
    /// <summary>The paper's and the code's weights: 1, 0.3, 1 and 1, 0.1, 1.</summary>
    public static M3Unified Published { get; } = new(new OutputWeights(1, 0.3, 1), new OutputWeights(1, 0.1, 1));

    /// <summary>s_e: the weighted sum of the scores that are there.</summary>
    public Tensor EnsembleScores(M3Scores scores)
    {
        Tensor? sum = null;
        foreach ((_, Tensor score, double weight, _) in Parts(scores))
        {
            Tensor part = score.Times(weight);
            sum = sum is null ? part : sum.Plus(part);
        }
        return sum ?? throw new ArgumentException("at least one output is needed", nameof(scores));
    }

    /// <param name="scores">Scores of each output.</param>
    /// <param name="task">Loss of one score matrix: InfoNCE or a distillation from a teacher.</param>
    /// <param name="selfDistill">True lets each output learn the ensemble's distribution too.</param>
    /// <param name="hidden">Columns that the self-distillation leaves out; null for none.</param>
    public M3Loss Loss(M3Scores scores, Func<Tensor, Tensor> task, bool selfDistill, Tensor? hidden = null)
    {
        (string Name, Tensor Score, double Ensemble, double Loss)[] parts = [.. Parts(scores)];
        Tensor ensemble = EnsembleScores(scores);
        var each = new Dictionary<string, Tensor>();
        if (parts.Length == 1)
        {
            Tensor alone = task(parts[0].Score);
            each["loss_" + parts[0].Name] = alone;
            return new M3Loss(alone, each);
        }
        Tensor total = each["loss_ensemble"] = task(ensemble);
        foreach ((string name, Tensor score, _, double weight) in parts)
        {
            Tensor loss = each["loss_" + name] = task(score);
            total = total.Plus(loss.Times(weight));
        }
        total = total.Over(parts.Length + 1);
        if (selfDistill)
        {
            Tensor Visible(Tensor s) => hidden is null ? s : s.Masked(hidden, -1e9);
            Tensor target = Visible(ensemble.detach()).softmax(1);
            Tensor sum = zeros_like(total);
            foreach ((string name, Tensor score, _, double weight) in parts)
            {
                Tensor loss = each["self_distill_" + name] = (target * Visible(score).log_softmax(1)).sum(1).mean().neg();
                sum = sum.Plus(loss.Times(weight));
            }
            total = total.Plus(sum.Over(parts.Length)).Over(2);
        }
        return new M3Loss(total, each);
    }

    private IEnumerable<(string Name, Tensor Score, double Ensemble, double Loss)> Parts(M3Scores scores)
    {
        if (scores.Dense is not null)
        {
            yield return ("dense", scores.Dense, Ensemble.Dense, Losses.Dense);
        }
        if (scores.Sparse is not null)
        {
            yield return ("sparse", scores.Sparse, Ensemble.Sparse, Losses.Sparse);
        }
        if (scores.MultiVector is not null)
        {
            yield return ("multi", scores.MultiVector, Ensemble.MultiVector, Losses.MultiVector);
        }
    }
}

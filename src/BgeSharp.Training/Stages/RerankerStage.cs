// Training of a cross-encoder: of a query's group the positive must score highest.
//   L = mean_q −log softmax(logits of the group)_positive                                             FlagEmbedding's reranker; Nogueira and Cho 2019
// With another's scores t_qg the loss gets as well
//   kl_div:     −mean_q Σ_g softmax(t_q / T)_g log softmax(logits of the group)_g                       FlagEmbedding's reranker
//   margin_mse: mean_q,g>0 ((s_q0 − s_qg) − (t_q0 − t_qg) / T)²                                        Hofstätter et al. 2020
// Queries do not meet each other in this loss, so a batch goes forward and backward in sub-batches of whole groups and needs the memory of one.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Training on queries with positives and negatives, read together.</summary>
public sealed class RerankerStage : ITrainableStage, IDisposable
{
    // A cross-encoder's logits are no cosines: no temperature, and a query meets its own group only.
    private static readonly Distillation OwnGroups = new(new InfoNce(1, InBatchNegatives: false));

    private readonly RerankerStageOptions _options;
    private readonly CrossEncoder _model;
    private readonly long _seed;
    private readonly IProcessGroup _group;
    private readonly BatchCursor<ContrastiveBatch> _batches;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds encoder and head.</param>
    /// <param name="model">The model over these weights.</param>
    /// <param name="store">Tokenised pairs.</param>
    /// <param name="seed">Seed of order, draws and dropout.</param>
    /// <param name="position">Position in the order of batches to begin with, in steps.</param>
    /// <param name="group">Ranks that share each step; null for none.</param>
    public RerankerStage(RerankerStageOptions options, Weights weights, CrossEncoder model, PairStore store, long seed, long position, IProcessGroup? group = null)
    {
        (_options, Weights, _model, _seed, _group) = (options, weights, model, seed, group ?? LocalProcessGroup.Instance);
        var order = new PairOrder(seed, [.. store.Rows.Select(r => r.Source)], options.BatchPairs);
        TotalSteps = options.StepsOver(order.BatchesPerEpoch);
        RerankerDistillationOptions? taught = options.Distillation;
        var draw = new GroupDraw(options.GroupSize, WithTeacher: taught is not null, Plain: true)
        {
            NeverAlone = true,
            TeacherIsOptional = taught?.IsNamed() == false,
            MarksUnknown = taught?.Loss == "margin_mse",
            TeacherTemperature = taught?.Temperature ?? 1,
        };
        _batches = new BatchCursor<ContrastiveBatch>(order.From, (rows, number) => ContrastiveBatch.Draw(store, rows, draw, seed, number), options.Accumulate, position);
    }

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        double loss = 0, accuracy = 0, distilled = 0;
        long tokens = 0;
        int negatives = int.MaxValue;
        var trace = new BatchTrace();
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            (int[] rows, ContrastiveBatch batch, int queries) = _batches.Next();
            negatives = Math.Min(negatives, batch.Group - 1);
            int group = batch.Group, count = batch.Queries.Count;
            int[][] pairs = [.. Enumerable.Range(0, count * group).Select(i => _model.Join(Cut(batch.Queries[i / group]), batch.Passages[i], _options.MaxLength))];
            if (_group.Leads())
            {
                trace.Add(rows, batch.Queries, batch.Passages);
                tokens += pairs.Sum(p => p.Length);
            }
            else
            {
                trace.AddRows(rows);
            }
            // A query with its whole group is one item of the plan.
            int[] sizes = [.. Enumerable.Range(0, count).Select(q => group * pairs.AsSpan(q * group, group).ToArray().Max(p => p.Length))];
            int[][] plan = SplitEncoding.Plan(sizes, _options.SubBatchTokens, WorkShare.Pieces(_options.Pieces, _options.Accumulate, _group.Size), SplitEncoding.EnoughOn(Weights.Compute.Device));
            int[] owners = WorkShare.Balanced(SplitEncoding.CostsOf(plan, sizes), _group.Size);
            for (int k = 0; k < plan.Length; k++)
            {
                // Micro-batches go over the ranks in turn, so that each has work where a micro-batch is one piece.
                if ((owners[k] + micro) % _group.Size != _group.Rank)
                {
                    continue;
                }
                using var scope = NewDisposeScope();
                manual_seed((long)(HashCodes.Of(_seed, step, (micro * 1_000_003L) + k) >> 1));
                Tensor given = _model.Logits([.. plan[k].SelectMany(q => pairs[(q * group)..((q + 1) * group)])], training: true, _options.Recompute).view(plan[k].Length, group), logits = given;
                if (batch.Hidden is { } hidden)
                {
                    // An answer that stands in the group for want of anything else.
                    bool[] own = [.. plan[k].SelectMany(q => Enumerable.Range(0, group).Select(g => Array.BinarySearch(hidden, ((((long)q * count) + q) * group) + g) >= 0))];
                    logits = logits.Masked(tensor(own).view(plan[k].Length, group).to(logits.device), float.MinValue);
                }
                Tensor target = zeros(plan[k].Length, ScalarType.Int64, logits.device);
                double share = plan[k].Length / (double)queries;
                Tensor part = nn.functional.cross_entropy(logits, target).Times(share);
                if (batch.Teacher is { } teacher)
                {
                    Tensor scores = tensor(plan[k].SelectMany(q => teacher[(q * group)..((q + 1) * group)]).ToArray()).view(plan[k].Length, group).to(logits.device);
                    Tensor learnt = Taught(given, scores.to_type(logits.dtype)).Times(share);
                    distilled += learnt.to_type(ScalarType.Float32).item<float>();
                    part = part.Plus(learnt);
                }
                BackwardPass.Run(part);
                loss += part.to_type(ScalarType.Float32).item<float>();
                accuracy += logits.detach().argmax(1).eq(target).to_type(ScalarType.Float32).mean().item<float>() * share;
            }
        }
        var figures = new Dictionary<string, double> { ["group_accuracy"] = accuracy };
        if (_options.Distillation is not null)
        {
            figures["distillation"] = distilled;
        }
        return new StepFigures(loss, tokens, figures) { Batch = trace, Negatives = negatives };
    }

    // The whole group is the teacher's to judge, an answer that stands in it too.
    private Tensor Taught(Tensor logits, Tensor teacher)
        => _options.Distillation!.Loss == "margin_mse" ? OwnGroups.MarginMse(logits, teacher.Over(_options.Distillation.Temperature))
            : OwnGroups.Divergence(logits, Distillation.Targets(teacher, _options.Distillation.Temperature));

    /// <inheritdoc/>
    public void GoTo(long position) => _batches.GoTo(position);

    /// <summary>The loss on other pairs without dropout or teacher: the first positive of each example against its negatives. Nothing is learnt.</summary>
    /// <param name="pairs">At least one.</param>
    /// <returns>Nats a query.</returns>
    public double HeldOutLoss(PairStore pairs)
    {
        using var noGrad = no_grad();
        double sum = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            using var scope = NewDisposeScope();
            int[] query = Cut(pairs.Plain.Queries[i]);
            PairRows rows = pairs.Rows[i];
            Tensor logits = _model.Logits([.. rows.Negatives.Prepend(rows.Positives[0]).Select(row => _model.Join(query, pairs.Plain.Passages[row], _options.MaxLength))], training: false);
            sum += (logits.logsumexp(dim: 0) - logits[0]).to_type(ScalarType.Float32).item<float>();
        }
        return sum / pairs.Count;
    }

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    // The query keeps its own limit, its end token with it.
    private int[] Cut(ReadOnlySpan<int> query)
        => query.Length <= _options.QueryMaxLength ? query.ToArray() : [.. query[..(_options.QueryMaxLength - 1)], query[^1]];
}

// Contrastive learning and fine-tuning: one stage, other data. Both sides go through the same encoder, in sub-batches of like length;
// the loss sees all outputs of the batch, block by block of queries.

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Training on pairs.</summary>
public sealed class ContrastiveStage : ITrainableStage, IDisposable
{
    private readonly ContrastiveStageOptions _options;
    private readonly M3Encoder _encoder;
    private readonly SplitEncoding _encoding;
    private readonly ContrastiveObjective _objective;
    private readonly BatchCursor<ContrastiveBatch> _batches;
    private readonly long _seed;
    private readonly Action<int, int>? _refresh;
    private readonly IProcessGroup _group;
    private int _refreshedAt;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds every weight of an encoder without prefix, and the heads of <see cref="ContrastiveStageOptions.Outputs"/>.</param>
    /// <param name="encoder">The model over these weights.</param>
    /// <param name="store">Tokenised pairs.</param>
    /// <param name="seed">Seed of order, draws and dropout.</param>
    /// <param name="position">Position in the order of batches to begin with, in steps.</param>
    /// <param name="refresh">Gives the store the negatives of a step that is a multiple of refreshSteps, told the step that the weights are of; null for never.</param>
    /// <param name="group">Ranks that share each step; null for none.</param>
    public ContrastiveStage(ContrastiveStageOptions options, Weights weights, M3Encoder encoder, PairStore store, long seed, long position, Action<int, int>? refresh = null, IProcessGroup? group = null)
    {
        _options = options;
        _encoder = encoder;
        _seed = seed;
        _group = group ?? LocalProcessGroup.Instance;
        _refresh = options.HardNegatives is { RefreshSteps: > 0 } ? refresh : null;
        Weights = weights;
        _objective = ContrastiveSettings.Objective(options, encoder);
        _encoding = new SplitEncoding(encoder, _objective.Outputs, options.SubBatchTokens, options.Memory == "cached", _group, options.Pieces, options.TokenGroups) { RecomputeLayers = options.Recompute };
        GroupDraw draw = ContrastiveSettings.Draw(options);
        PairOrder order = ContrastiveSettings.Order(options, store, seed);
        _batches = new BatchCursor<ContrastiveBatch>(order.From, (rows, number) => ContrastiveBatch.Draw(store, rows, draw, seed, number), options.Accumulate, position);
        TotalSteps = options.StepsOver(order.BatchesPerEpoch);
    }

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        if (_refresh is not null && step / _options.HardNegatives!.RefreshSteps * _options.HardNegatives.RefreshSteps is int due && due != _refreshedAt)
        {
            // Batches made ahead hold the old negatives.
            _batches.Forget();
            _refresh(due, step);
            _refreshedAt = due;
        }
        var figures = new Dictionary<string, double>();
        double loss = 0;
        long tokens = 0;
        int negatives = int.MaxValue;
        var trace = new BatchTrace();
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            // A step is the mean over all its queries, however they are cut into micro-batches.
            (int[] rows, ContrastiveBatch batch, int queries) = _batches.Next();
            if (_group.Leads())
            {
                trace.Add(rows, batch.Queries, batch.Passages);       // the whole batch is known to every rank: one counts it
                tokens += batch.Queries.TokenCount + batch.Passages.TokenCount;
            }
            else
            {
                trace.AddRows(rows);
            }
            negatives = Math.Min(negatives, (_options.InBatchNegatives && !batch.OwnGroupOnly ? batch.Passages.Count : batch.Group) - 1);
            _encoding.Run([batch.Queries, batch.Passages], k => (long)(HashCodes.Of(_seed, step, (micro * 1_000_003L) + k) >> 1), sides => loss += Backward(sides[0], sides[1], batch, queries, step, figures));
            if (_group.Leads())
            {
                Add(figures, "padding", _encoding.Padding / _options.Accumulate);
            }
        }
        return new StepFigures(loss, tokens, figures) { Batch = trace, Negatives = _options.Objective == "contrastive" ? negatives : null };
    }

    /// <inheritdoc/>
    public void GoTo(long position) => _batches.GoTo(position);

    /// <summary>The contrastive loss on other pairs, without dropout, teacher, self-distillation or margin: each query's positive against those of its batch of nearly batchPairs, two at least. Nothing is learnt.</summary>
    /// <param name="pairs">At least two, of one source.</param>
    /// <returns>Nats a query.</returns>
    public double HeldOutLoss(PairStore pairs)
    {
        using var noGrad = no_grad();
        var encoding = new SplitEncoding(_encoder, _objective.Outputs, _options.SubBatchTokens, recompute: false) { Training = false };
        ContrastiveObjective objective = _objective with { Contrast = _objective.Contrast with { InBatchNegatives = true }, Teacher = TeacherUse.None, SelfDistill = false, TokenGroups = 1, FalseNegativeMargin = null };
        // Batches of one size: a smaller one would have fewer negatives and a lower loss.
        int batches = Math.Max(1, Math.Min((pairs.Count + _options.BatchPairs - 1) / _options.BatchPairs, pairs.Count / 2));
        double sum = 0;
        for (int b = 0; b < batches; b++)
        {
            (int first, int count) = WorkShare.Range(pairs.Count, batches, b);
            ContrastiveBatch batch = ContrastiveBatch.Draw(pairs, [.. Enumerable.Range(first, count)], 1, 0, 0);
            encoding.Run([batch.Queries, batch.Passages], _ => 0, sides =>
            {
                var targets = new ContrastiveTargets(1, Hidden(batch), null);
                for (int start = 0; start < count; start += _options.ScoreBlock)
                {
                    using var scope = NewDisposeScope();
                    int block = Math.Min(_options.ScoreBlock, count - start);
                    sum += objective.Loss(sides[0], sides[1], targets, start, block, []).to_type(ScalarType.Float32).item<float>() * block;
                }
            });
        }
        return sum / pairs.Count;
    }

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    private double Backward(M3Outputs queries, M3Outputs passages, ContrastiveBatch batch, int whole, int step, Dictionary<string, double> figures)
    {
        int count = batch.Queries.Count;
        Device device = Weights.Compute.Device;
        if (_options.Objective != "contrastive")
        {
            return _group.Leads() ? Graded(queries, passages, batch, count / (double)whole) : 0;       // compares every pair with every other: one number a pair, not worth sharing
        }
        var targets = new ContrastiveTargets(batch.Group,
            Hidden(batch),
            batch.Teacher is null ? null : tensor(batch.Teacher).view(count, batch.Group).to(device));
        ContrastiveObjective objective = _objective with
        {
            Contrast = _objective.Contrast with { InBatchNegatives = _options.InBatchNegatives && !batch.OwnGroupOnly },
            SelfDistill = _options.SelfDistillation && step > _options.SelfDistillationStart,
            Teacher = batch.Teacher is null ? TeacherUse.None : _objective.Teacher,
        };
        double sum = 0;
        foreach ((int start, int block) in Blocks(count))
        {
            using var scope = NewDisposeScope();
            double share = block / (double)whole;
            var parts = new Dictionary<string, Tensor>();
            Tensor loss = objective.Loss(queries, passages, targets, start, block, parts);
            BackwardPass.Run(loss.Times(share));
            sum += loss.to_type(ScalarType.Float32).item<float>() * share;
            foreach ((string name, Tensor value) in parts)
            {
                Add(figures, name, value.to_type(ScalarType.Float32).item<float>() * share);
            }
        }
        return sum;
    }

    private static HiddenPassages? Hidden(ContrastiveBatch batch) => batch.Hidden is null ? null : new HiddenPassages(batch.Hidden, batch.Passages.Count);

    // This rank's queries in blocks that lie within one part of the batch each.
    private IEnumerable<(int Start, int Count)> Blocks(int queries)
    {
        (int first, int own) = _encoding.OwnOf(queries);
        int parts = WorkShare.Parts(_options.TokenGroups, queries);
        for (int part = 0; part < parts; part++)
        {
            (int begin, int length) = WorkShare.Range(queries, parts, part);
            int end = Math.Min(begin + length, first + own);
            for (int start = Math.Max(begin, first); start < end; start += _options.ScoreBlock)
            {
                yield return (start, Math.Min(_options.ScoreBlock, end - start));
            }
        }
    }

    // Sentence pairs: the grade of a pair stands where a teacher's score would.
    private double Graded(M3Outputs queries, M3Outputs passages, ContrastiveBatch batch, double share)
    {
        if (batch.Group != 1)
        {
            throw new BadInput($"stage \"{_options.Label}\": the objective \"{_options.Objective}\" compares one pair at a time, but a source has the type of groups of {batch.Group} (only_1neg); take the type out of its lines.");
        }
        Tensor cosines = (queries.Dense! * passages.Dense!).sum(1);
        Tensor grades = tensor(batch.Teacher!).to_type(cosines.dtype).to(cosines.device);
        Tensor loss = (_options.Objective == "cosent" ? SentencePairs.CoSent(cosines, grades, _options.Temperature) : SentencePairs.Cosine(cosines, grades)).Times(share);
        BackwardPass.Run(loss);
        return loss.to_type(ScalarType.Float32).item<float>();
    }

    private static void Add(Dictionary<string, double> figures, string name, double value) => figures[name] = figures.GetValueOrDefault(name) + value;
}

// Contrastive learning and fine-tuning: one stage, other data. Both sides go through the same encoder, every passage of a batch is every query's negative.

using BgeSharp.Formats;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Training on pairs.</summary>
public sealed class ContrastiveStage : ITrainableStage, IDisposable
{
    private readonly ContrastiveStageOptions _options;
    private readonly ModelConfig _config;
    private readonly Encoder _encoder;
    private readonly Pooling _pooling;
    private readonly InfoNce _objective;
    private readonly long _seed;
    private readonly PairStore _store;
    private readonly PairOrder _order;
    private IEnumerator<(int[] Rows, ContrastiveBatch Batch)> _batches;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds every weight of an encoder without prefix.</param>
    /// <param name="config">Sizes of the model.</param>
    /// <param name="pooling">How hidden vectors become one.</param>
    /// <param name="store">Tokenised pairs.</param>
    /// <param name="seed">Seed of order, draws and dropout.</param>
    /// <param name="firstStep">Position in the order of batches to begin with, in steps.</param>
    public ContrastiveStage(ContrastiveStageOptions options, Weights weights, ModelConfig config, Pooling pooling, PairStore store, long seed, long firstStep)
    {
        _options = options;
        _config = config;
        _pooling = pooling;
        _seed = seed;
        Weights = weights;
        _encoder = new Encoder(weights, "", config);
        _objective = new InfoNce(options.Temperature);
        _store = store;
        _order = new PairOrder(seed, [.. store.Rows.Select(r => r.Source)], options.BatchPairs);
        TotalSteps = options.Steps > 0 ? options.Steps : Math.Max(1, (int)Math.Ceiling(_order.BatchesPerEpoch() * options.Epochs / options.Accumulate));
        _batches = From(firstStep);
    }

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        double lossSum = 0, accuracy = 0, positive = 0;
        long tokens = 0;
        int negatives = int.MaxValue;
        var trace = new BatchTrace();
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            using var scope = NewDisposeScope();
            manual_seed((long)(HashCodes.Of(_seed, step, micro) >> 1));
            _batches.MoveNext();
            (int[] rows, ContrastiveBatch batch) = _batches.Current;
            trace.Add(rows, batch.Queries, batch.Passages);
            Tensor queries = Embed(batch.Queries);                                       // [Q, D]
            Tensor passages = Embed(batch.Passages);                                     // [Q·G, D]
            Tensor scores = _objective.Scores(queries, passages);                        // [Q, Q·G]
            Tensor? hidden = batch.Hidden is null ? null : tensor(batch.Hidden).view(scores.shape).to(scores.device);
            Tensor loss = _objective.Loss(scores, hidden);
            loss.Over(_options.Accumulate).backward();
            lossSum += loss.item<float>() / _options.Accumulate;
            using (no_grad())
            {
                Tensor target = _objective.Positives(scores);
                accuracy += scores.argmax(1).eq(target).to_type(ScalarType.Float32).mean().item<float>() / _options.Accumulate;
                positive += scores.gather(1, target.unsqueeze(1)).mean().item<float>() * _options.Temperature / _options.Accumulate;
            }
            negatives = Math.Min(negatives, (int)scores.shape[1] - 1);
            tokens += batch.Queries.TokenCount + batch.Passages.TokenCount;
        }
        return new StepFigures(lossSum, tokens, new Dictionary<string, double>
        {
            ["in_batch_accuracy"] = accuracy,
            ["positive_cosine"] = positive,
        })
        { Batch = trace, Negatives = negatives };
    }

    /// <inheritdoc/>
    public void GoTo(long position)
    {
        _batches.Dispose();
        _batches = From(position);
    }

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    // Batches are made on another thread; each depends on its number and the seed alone.
    private IEnumerator<(int[] Rows, ContrastiveBatch Batch)> From(long position)
    {
        long first = position * _options.Accumulate;
        return Prefetch.Ahead(_order.From(first).Select((rows, i) => (rows, ContrastiveBatch.Draw(_store, rows, _options.GroupSize, _seed, first + i)))).GetEnumerator();
    }

    private Tensor Embed(Text.TokenBatch batch)
    {
        var text = new PackedText(batch, _config, Weights.Compute.Device);
        return _pooling.Pool(text, _encoder.Forward(text, training: true)).ToUnitLength(Weights.Compute.MasterType);
    }
}

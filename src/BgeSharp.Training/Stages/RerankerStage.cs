// Training of a cross-encoder: of a query's group the positive must score highest.
//   L = mean_q −log softmax(logits of the group)_positive                                             FlagEmbedding's reranker; Nogueira and Cho 2019
// Queries do not meet each other in this loss, so a batch goes forward and backward in sub-batches of whole groups and needs the memory of one.

using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Training on queries with positives and negatives, read together.</summary>
public sealed class RerankerStage : ITrainableStage, IDisposable
{
    private readonly RerankerStageOptions _options;
    private readonly CrossEncoder _model;
    private readonly long _seed;
    private readonly BatchCursor<ContrastiveBatch> _batches;

    /// <param name="options">Validated options.</param>
    /// <param name="weights">Holds encoder and head.</param>
    /// <param name="model">The model over these weights.</param>
    /// <param name="store">Tokenised pairs.</param>
    /// <param name="seed">Seed of order, draws and dropout.</param>
    /// <param name="position">Position in the order of batches to begin with, in steps.</param>
    public RerankerStage(RerankerStageOptions options, Weights weights, CrossEncoder model, PairStore store, long seed, long position)
    {
        (_options, Weights, _model, _seed) = (options, weights, model, seed);
        var order = new PairOrder(seed, [.. store.Rows.Select(r => r.Source)], options.BatchPairs);
        TotalSteps = options.StepsOver(order.BatchesPerEpoch);
        _batches = new BatchCursor<ContrastiveBatch>(order.From, (rows, number) => ContrastiveBatch.Draw(store, rows, options.GroupSize, seed, number), options.Accumulate, position);
    }

    /// <inheritdoc/>
    public Weights Weights { get; }

    /// <inheritdoc/>
    public int TotalSteps { get; }

    /// <inheritdoc/>
    public StepFigures ForwardBackward(int step)
    {
        double loss = 0, accuracy = 0;
        long tokens = 0;
        int negatives = int.MaxValue;
        var trace = new BatchTrace();
        for (int micro = 0; micro < _options.Accumulate; micro++)
        {
            (int[] rows, ContrastiveBatch batch) = _batches.Next();
            trace.Add(rows, batch.Queries, batch.Passages);
            negatives = Math.Min(negatives, batch.Group - 1);
            int group = batch.Group, count = batch.Queries.Count;
            int[][] pairs = [.. Enumerable.Range(0, count * group).Select(i => _model.Join(Cut(batch.Queries[i / group]), batch.Passages[i], _options.MaxLength))];
            int[] longest = [.. Enumerable.Range(0, count).Select(q => pairs.AsSpan(q * group, group).ToArray().Max(p => p.Length))];
            int[] order = [.. Enumerable.Range(0, count).OrderByDescending(q => longest[q]).ThenBy(q => q)];
            for (int start = 0, k = 0; start < count; k++)
            {
                using var scope = NewDisposeScope();
                manual_seed((long)(HashCodes.Of(_seed, step, (micro * 1_000_003L) + k) >> 1));
                int queries = Math.Clamp(_options.SubBatchTokens / (longest[order[start]] * group), 1, count - start);
                Tensor logits = _model.Logits([.. order[start..(start + queries)].SelectMany(q => pairs[(q * group)..((q + 1) * group)])], training: true).view(queries, group);
                Tensor target = zeros(queries, ScalarType.Int64, logits.device);
                double share = queries / (double)count / _options.Accumulate;
                Tensor part = nn.functional.cross_entropy(logits, target).Times(share);
                part.backward();
                loss += part.to_type(ScalarType.Float32).item<float>();
                accuracy += logits.detach().argmax(1).eq(target).to_type(ScalarType.Float32).mean().item<float>() * share;
                start += queries;
            }
            tokens += pairs.Sum(p => p.Length);
        }
        return new StepFigures(loss, tokens, new Dictionary<string, double> { ["group_accuracy"] = accuracy }) { Batch = trace, Negatives = negatives };
    }

    /// <inheritdoc/>
    public void GoTo(long position) => _batches.GoTo(position);

    /// <inheritdoc/>
    public void Dispose() => _batches.Dispose();

    // The query keeps its own limit, its end token with it.
    private int[] Cut(ReadOnlySpan<int> query)
        => query.Length <= _options.QueryMaxLength ? query.ToArray() : [.. query[..(_options.QueryMaxLength - 1)], query[^1]];
}

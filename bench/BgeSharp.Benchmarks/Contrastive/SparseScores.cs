// Pair: sparse scores by scattering token weights into [B, L, V] and multiplying [B, V] matrices, as the public code does, against LexicalMatch's inverted
// index of the batch's own ids. Why: the scattered tensor grows with the vocabulary, which is 250,002 for BGE-M3; ours does not know it.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Text;
using BgeSharp.Training.Objectives;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>16 queries of up to 32 tokens against 32 passages of up to 128, forward and backward.</summary>
public class SparseScores
{
    private static readonly HashSet<int> s_special = [0, 1, 2, 3];
    private TokenBatch _queries = null!;
    private TokenBatch _passages = null!;
    private Tensor _ofQueries = null!;
    private Tensor _ofPassages = null!;

    /// <summary>V.</summary>
    [Params(8000, 32000)] public int Vocabulary { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _queries = ContrastiveInputs.Texts(16, 32, 1);
        _passages = ContrastiveInputs.Texts(32, 128, 2);
        manual_seed(3);
        _ofQueries = rand(_queries.TokenCount);
        _ofPassages = rand(_passages.TokenCount);
        Workload.Is(typeof(SparseScores), 16 * 32, "scores", Vocabulary);
        Agreement.Require("the scores", Scattered(), Indexed(), 1e-4);
    }

    [Benchmark(Baseline = true, Description = "[B, L, V] scattered")]
    public double Scattered() => Run((q, p) => Wide(q, _queries).matmul(Wide(p, _passages).t()));

    [Benchmark(Description = "LexicalMatch")]
    public double Indexed() => Run((q, p) => LexicalMatch.Scores(q, _queries, p, _passages, s_special, ownGroupOnly: false));

    private double Run(Func<Tensor, Tensor, Tensor> scores)
    {
        using var scope = NewDisposeScope();
        Tensor sum = scores(_ofQueries.detach().requires_grad_(), _ofPassages.detach().requires_grad_()).sum();
        sum.backward();
        return sum.item<float>();
    }

    private Tensor Wide(Tensor weights, TokenBatch batch)
    {
        var rows = new long[batch.TokenCount];
        for (int i = 0; i < batch.Count; i++)
        {
            for (int token = batch.Offsets[i]; token < batch.Offsets[i + 1]; token++)
            {
                rows[token] = (((long)i * batch.MaxLength) + token - batch.Offsets[i]) * Vocabulary + batch.Ids[token];
            }
        }
        Tensor cells = zeros(batch.Count * (long)batch.MaxLength * Vocabulary).scatter(0, tensor(rows), weights);
        return cells.view(batch.Count, batch.MaxLength, Vocabulary).amax([1]);
    }
}

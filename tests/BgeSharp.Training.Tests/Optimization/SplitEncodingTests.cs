using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Optimization;

/// <summary>A batch in sub-batches, cached or not, and a loss in blocks give the gradient of the batch in one piece.</summary>
public sealed class SplitEncodingTests
{
    private static readonly ModelConfig Config = TinyModel.Config with { HiddenDropout = 0.1, AttentionDropout = 0.1 };
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    [Theory, InlineData(EmbeddingModes.Dense), InlineData(EmbeddingModes.All), InlineData(EmbeddingModes.Sparse | EmbeddingModes.MultiVector)]
    public void Cached_gradients_are_those_of_the_plain_step_with_dropout(EmbeddingModes outputs)
        => AssertClose(Gradient(outputs, 128, recompute: false, block: 12), Gradient(outputs, 128, recompute: true, block: 5), 1e-6);

    [Fact]
    public void Sub_batches_give_the_gradient_of_the_whole_batch()
        => AssertClose(Gradient(EmbeddingModes.All, 1 << 20, recompute: false, block: 12, dropout: false), Gradient(EmbeddingModes.All, 64, recompute: true, block: 1, dropout: false), 1e-5);

    [Theory, InlineData(false), InlineData(true)]
    public void Cached_encodes_every_sub_batch_but_the_first_once_more_after_the_loss(bool recompute)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Model();
        // A sub-batch asks for its seed whenever it is encoded.
        var encoded = new List<int>();
        int before = 0;
        Encoding(weights, EmbeddingModes.Dense, 128, recompute, Config).Run([Texts(12, 1), Texts(24, 2)], k =>
        {
            encoded.Add(k);
            return 100 + k;
        }, sides =>
        {
            before = encoded.Count;
            sides[0].Dense!.matmul(sides[1].Dense!.t()).sum().backward();
        });
        Assert.True(before > 3);
        Assert.Equal(Enumerable.Range(0, before).Reverse(), encoded.Take(before));
        Assert.Equal(recompute ? Enumerable.Range(1, before - 1) : [], encoded.Skip(before));
    }

    [Fact]
    public void Sub_batches_hold_texts_of_like_length()
    {
        // Queries and passages of 8,192 pairs with lengths as they come, under the default budget.
        var random = new SeededRandom(4);
        int[] lengths = [.. Enumerable.Range(0, 16384).Select(i => i % 2 == 0 ? 8 + random.Next(57) : 40 + random.Next(217))];
        int[][] plan = SplitEncoding.Plan(lengths, 8192);
        Assert.Equal(Enumerable.Range(0, lengths.Length), plan.SelectMany(p => p).Order());
        Assert.InRange(SplitEncoding.PaddingOf(plan, lengths), 0, 0.05);
    }

    [Theory, InlineData(64, 0.08), InlineData(256, 0.06)]
    public void A_small_batch_has_little_padding_too_and_no_sub_batch_is_small_without_need(int pairs, double most)
    {
        var random = new SeededRandom(4);
        int[] lengths = [.. Enumerable.Range(0, 2 * pairs).Select(i => i % 2 == 0 ? 8 + random.Next(57) : 40 + random.Next(217))];
        int[][] plan = SplitEncoding.Plan(lengths, 8192), whole = SplitEncoding.Plan(lengths, 8192, enough: int.MaxValue);
        Assert.Equal(Enumerable.Range(0, lengths.Length), plan.SelectMany(p => p).Order());
        Assert.InRange(SplitEncoding.PaddingOf(plan, lengths), 0, most);
        Assert.True(SplitEncoding.PaddingOf(whole, lengths) > 1.5 * SplitEncoding.PaddingOf(plan, lengths));
        Assert.All(plan.SkipLast(1), p => Assert.InRange(p.Sum(t => lengths[t]), 512, 8192));
    }

    [Theory, InlineData(2, 8192), InlineData(3, 8192), InlineData(4, 1024), InlineData(2, 100)]
    public void Pieces_for_ranks_have_nearly_equal_tokens_within_the_budget(int pieces, int budget)
    {
        // 64 short queries and 64 long passages: filled to the budget, the first sub-batch would have nearly all tokens.
        var random = new SeededRandom(4);
        int[] lengths = [.. Enumerable.Range(0, 128).Select(i => i < 64 ? 8 + random.Next(12) : 100 + random.Next(13))];
        int[][] plan = SplitEncoding.Plan(lengths, budget, pieces);
        Assert.Equal(Enumerable.Range(0, lengths.Length), plan.SelectMany(p => p).Order());
        Assert.All(plan, p => Assert.True(p.Length == 1 || p.Length * p.Max(t => lengths[t]) <= budget));
        var loads = new long[pieces];
        long[] costs = SplitEncoding.CostsOf(plan, lengths);
        int[] owners = WorkShare.Balanced(costs, pieces);
        for (int i = 0; i < costs.Length; i++)
        {
            loads[owners[i]] += costs[i];
        }
        Assert.InRange(loads.Max() / (double)loads.Min(), 1, 1.1);
    }

    [Fact]
    public void More_pieces_than_texts_are_one_a_text() => Assert.Equal([[1], [0]], SplitEncoding.Plan([3, 5], 8192, 4));

    private float[] Gradient(EmbeddingModes outputs, int subBatchTokens, bool recompute, int block, bool dropout = true)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Model();
        ModelConfig config = dropout ? Config : TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
        TokenBatch queries = Texts(12, 1), passages = Texts(24, 2);
        var objective = new ContrastiveObjective { Outputs = outputs, SelfDistill = outputs != EmbeddingModes.Dense, BothDirections = outputs == EmbeddingModes.Dense, QueryQuery = outputs == EmbeddingModes.Dense, PassagePassage = outputs == EmbeddingModes.Dense, Contrast = new InfoNce(0.2) };
        Encoding(weights, outputs, subBatchTokens, recompute, config).Run([queries, passages], k => 100 + k, sides =>
        {
            for (int start = 0; start < 12; start += block)
            {
                int count = Math.Min(block, 12 - start);
                (objective.Loss(sides[0], sides[1], new ContrastiveTargets(2, null, null), start, count, []) * (count / 12.0)).backward();
            }
        });
        return weights.Gradients.data<float>().ToArray();
    }

    private static SplitEncoding Encoding(Weights weights, EmbeddingModes outputs, int subBatchTokens, bool recompute, ModelConfig config)
        => new(new M3Encoder(new Encoder(weights, "", config), Pooling.Mean, new M3Heads(weights, [0, 1, 2, 3])), outputs, subBatchTokens, recompute);

    private static Weights Model()
    {
        var weights = new Weights(Encoder.Shapes("", Config).Concat(M3Heads.Shapes(Config, EmbeddingModes.All, 8)), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        return weights;
    }

    private TokenBatch Texts(int count, int seed)
        => TokenBatch.Of([.. Enumerable.Range(0, count).Select(i => _tokenizer.EncodeWithSpecial(TinyModel.Text(2 + ((i * 7) % 11), (seed * 100) + i), 40))]);

    private static void AssertClose(float[] expected, float[] actual, double relative)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }
        Assert.True(size > 0);
        Assert.True(Math.Sqrt(difference / size) <= relative, $"off by {Math.Sqrt(difference / size):g3} of the gradient's length, {relative:g3} allowed");
    }
}

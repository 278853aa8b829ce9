using BgeSharp.Embeddings;
using BgeSharp.Text;
using CsCheck;

namespace BgeSharp.Tests.Embeddings;

public class ShortenedEncoderTests
{
    /// <summary>Gives the same three outputs for every text.</summary>
    private sealed class ConstantEncoder(float[] dense) : IEncoder
    {
        public int Dimension => dense.Length;
        public int MaxLength => 10;
        public EmbeddingModes Modes => EmbeddingModes.All;
        public M3Embedding[] Encode(TokenBatch batch) => Encode(batch, EmbeddingModes.Dense);

        public M3Embedding[] Encode(TokenBatch batch, EmbeddingModes modes) => [.. Enumerable.Range(0, batch.Count).Select(_ => new M3Embedding(
            modes.HasFlag(EmbeddingModes.Dense) ? dense : null,
            modes.HasFlag(EmbeddingModes.Sparse) ? new Dictionary<int, float> { [7] = 2 } : null,
            modes.HasFlag(EmbeddingModes.MultiVector) ? [[1, 0, 0, 0]] : null))];
    }

    private static readonly TokenBatch One = TokenBatch.Of([[0, 5, 2]]);

    [Fact]
    public void A_shorter_vector_is_the_first_numbers_at_unit_length()
    {
        IEncoder shorter = ShortenedEncoder.Of(new ConstantEncoder([0.3f, -0.4f, 0.5f, 0.707f]), 2);
        Assert.Equal((2, 10, EmbeddingModes.All), (shorter.Dimension, shorter.MaxLength, shorter.Modes));
        float[] dense = Assert.Single(shorter.Encode(One)).Dense!;
        Assert.Equal(2, dense.Length);
        Assert.Equal(0.6, dense[0], 1e-6);
        Assert.Equal(-0.8, dense[1], 1e-6);
    }

    [Fact]
    public void Sparse_and_multi_vectors_stay_and_what_is_not_asked_for_is_not_there()
    {
        IEncoder shorter = ShortenedEncoder.Of(new ConstantEncoder([0, 1, 0, 0]), 3);
        M3Embedding all = Assert.Single(shorter.Encode(One, EmbeddingModes.All));
        Assert.Equal([0, 1, 0], all.Dense!);
        Assert.Equal(2, all.LexicalWeights![7]);
        Assert.Equal([1, 0, 0, 0], Assert.Single(all.MultiVector!));
        Assert.Null(Assert.Single(shorter.Encode(One, EmbeddingModes.Sparse)).Dense);
    }

    [Fact]
    public void Scores_of_shorter_vectors_are_the_cosines_of_the_first_numbers() => Gen.Select(Gen.Float[-1, 1].Array[6], Gen.Float[-1, 1].Array[6], Gen.Int[1, 6]).Sample((a, b, n) =>
    {
        double dot = 0, first = 0, second = 0;
        for (int i = 0; i < n; i++)
        {
            dot += (double)a[i] * b[i];
            first += (double)a[i] * a[i];
            second += (double)b[i] * b[i];
        }
        if (first < 1e-6 || second < 1e-6)
        {
            return;
        }
        double score = EmbeddingScores.Dense(new M3Embedding(ShortenedEncoder.Shorten(a, n)), new M3Embedding(ShortenedEncoder.Shorten(b, n)));
        Assert.Equal(dot / Math.Sqrt(first * second), score, 1e-5);
    });

    [Fact]
    public void All_numbers_are_the_encoder_itself_more_are_refused_and_zeros_stay_zeros()
    {
        var whole = new ConstantEncoder([0, 0, 1, 0]);
        Assert.Same(whole, ShortenedEncoder.Of(whole, 0));
        Assert.Same(whole, ShortenedEncoder.Of(whole, 4));
        Assert.Contains("5 numbers are asked for, and the model's have 4", Assert.Throws<BadInput>(() => ShortenedEncoder.Of(whole, 5)).Message, StringComparison.Ordinal);
        Assert.Throws<BadInput>(() => ShortenedEncoder.Of(whole, -1));
        Assert.Equal([0, 0], ShortenedEncoder.Of(whole, 2).Encode(One)[0].Dense!);
    }
}

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Tests.Modeling;

public sealed class MultiClsTests : IDisposable
{
    private readonly Weights _weights = TinyModel.Encoder(Compute.Float32);

    public void Dispose() => _weights.Dispose();

    private Encoder Network => new(_weights, "", TinyModel.Config);

    [Fact]
    public void Every_stretch_begins_with_its_own_CLS()
    {
        (TokenBatch spread, long[] places, int[] counts) = new MultiClsEncoder(Network, 2, 3).Spread(TokenBatch.Of([[2, 10, 11, 12, 13, 14, 15, 16, 3], [2, 10, 11, 12, 3], [2, 3]]));
        Assert.Equal([2, 10, 11, 12, 2, 13, 14, 15, 2, 16, 3], spread[0].ToArray());
        Assert.Equal([2, 10, 11, 12, 3], spread[1].ToArray());
        Assert.Equal([0, 4, 8, 11, 16], places);
        Assert.Equal([3, 1, 1], counts);
    }

    [Fact]
    public void A_text_of_one_stretch_has_its_CLS_embedding_and_a_longer_one_the_mean_of_several()
    {
        int[] text = [2, .. Enumerable.Range(10, 9), 3];
        TokenBatch batch = TokenBatch.Of([text, [2, 12, 3]]);
        float[] cls = new TorchEncoder(Network, Pooling.Cls).EncodeDense(batch);
        M3Embedding[] one = new MultiClsEncoder(Network, 2, 9).Encode(batch), several = new MultiClsEncoder(Network, 2, 4).Encode(batch);
        Assert.All(cls.Zip(one.SelectMany(e => e.Dense!)), p => Assert.Equal(p.First, p.Second, 1e-5f));
        Assert.Contains(cls[..16].Zip(several[0].Dense!), p => Math.Abs(p.First - p.Second) > 1e-3f);
        Assert.Equal(1, several[0].Dense!.Sum(x => x * x), 1e-5f);
    }

    [Theory, InlineData(1), InlineData(4), InlineData(1000)]
    public void The_longest_text_fits_with_what_is_put_in(int every)
    {
        var encoder = new MultiClsEncoder(Network, 2, every);
        int[] text = [2, .. Enumerable.Repeat(10, encoder.MaxLength - 2), 3];
        Assert.InRange(encoder.Spread(TokenBatch.Of([text])).Spread.MaxLength, 2, TinyModel.Config.MaxLength);
        Assert.Single(encoder.Encode(TokenBatch.Of([text])));
    }
}

using BgeSharp.Training.Modeling;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

public sealed class DropoutTests
{
    [Theory, InlineData(0.1, 40_000), InlineData(0.5, 300_001), InlineData(0.9, 17), InlineData(0.1, 1)]
    public void What_is_left_is_scaled_and_the_gradient_is_dropped_and_scaled_alike(double share, int count)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        Tensor x = rand([count], ScalarType.Float32).add_(1).requires_grad_(), factors = randn([count], ScalarType.Float32);
        Tensor left = Dropout.Of(x, share);
        left.mul(factors).sum().backward();
        float[] before = x.detach().data<float>().ToArray(), after = left.detach().data<float>().ToArray(), by = factors.data<float>().ToArray(), gradient = x.grad!.data<float>().ToArray();
        int kept = 0;
        double scale = 65536 / (65536 - Math.Round(share * 65536));
        for (int i = 0; i < count; i++)
        {
            bool stays = after[i] != 0;
            kept += stays ? 1 : 0;
            Assert.Equal(stays ? before[i] * scale : 0, after[i], 1e-5 * scale);
            Assert.Equal(stays ? by[i] * scale : 0, gradient[i], 1e-5 * scale);
        }
        // Five standard deviations of a fair draw.
        Assert.InRange(kept, (count * (1 - share)) - (5 * Math.Sqrt(count * share * (1 - share))) - 1, (count * (1 - share)) + (5 * Math.Sqrt(count * share * (1 - share))) + 1);
    }

    [Fact]
    public void Draws_of_neighbours_and_of_blocks_know_nothing_of_each_other()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        const int count = 1 << 18;
        bool[] kept = [.. Dropout.Of(ones(count), 0.5).data<float>().ToArray().Select(v => v != 0)];
        // Shares of equal neighbours at many distances, a block's length among them: a half each.
        Assert.All([1, 2, 4, 8, 16, 17, 64, 16 << 10], distance =>
            Assert.InRange(Enumerable.Range(0, count - distance).Count(i => kept[i] == kept[i + distance]) / (double)(count - distance), 0.495, 0.505));
    }

    [Fact]
    public void The_seed_of_torch_decides_and_not_the_threads()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(1 << 19);
        float[] Draw(int seed, int threads)
        {
            int before = get_num_threads();
            set_num_threads(threads);
            manual_seed(seed);
            float[] drawn = Dropout.Of(x, 0.3).data<float>().ToArray();
            set_num_threads(before);
            return drawn;
        }
        Assert.Equal(Draw(1, 1), Draw(1, 4));
        Assert.NotEqual(Draw(1, 1), Draw(2, 1));
    }

    [Fact]
    public void The_product_with_dropped_weights_is_dropout_and_a_product()
    {
        using var scope = NewDisposeScope();
        (float[], float[], float[]) Of(Func<Tensor, Tensor, Tensor> product)
        {
            manual_seed(7);
            Tensor weights = rand([3, 2, 40, 50], ScalarType.Float32).requires_grad_(), values = randn([3, 2, 50, 8], ScalarType.Float32).requires_grad_();
            Tensor factors = randn([3, 2, 40, 8], ScalarType.Float32);
            Tensor result = product(weights, values);
            result.mul(factors).sum().backward();
            return (result.detach().data<float>().ToArray(), weights.grad!.data<float>().ToArray(), values.grad!.data<float>().ToArray());
        }
        var one = Of((w, v) => DroppedProduct.Of(w, v, 0.2));
        var two = Of((w, v) => Dropout.Of(w, 0.2).matmul(v));
        Assert.All(new[] { (one.Item1, two.Item1), (one.Item2, two.Item2), (one.Item3, two.Item3) }, pair =>
            Assert.InRange(pair.Item1.Zip(pair.Item2, (x, y) => Math.Abs(x - y)).Max(), 0, 1e-5));
    }

    [Fact]
    public void Without_a_share_nothing_is_drawn()
    {
        using var scope = NewDisposeScope();
        Tensor x = rand(10);
        byte[] before = get_rng_state().bytes.ToArray();
        Assert.Same(x, Dropout.Of(x, 0));
        Assert.Equal(before, get_rng_state().bytes.ToArray());
    }

    [Fact]
    public void Other_types_have_libtorchs_dropout()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        Tensor left = Dropout.Of(ones(10_000, ScalarType.Float64), 0.25);
        Assert.Equal(ScalarType.Float64, left.dtype);
        Assert.InRange(left.ne(0).sum().item<long>(), 7200, 7800);
    }

    [Theory, InlineData(0.1), InlineData(0.37)]
    public void Numbers_of_bfloat16_are_dropped_as_those_of_float32_and_rounded_to_the_nearest(double share)
    {
        using var scope = NewDisposeScope();
        manual_seed(9);
        Tensor x = cat([randn([70_003], ScalarType.Float32), tensor(new[] { 3e38f, float.PositiveInfinity, 0f, -0f, 1e-40f })]).to_type(ScalarType.BFloat16), gradient = randn([70_008], ScalarType.BFloat16);
        (Tensor Left, Tensor Gradient) Of(ScalarType type)
        {
            manual_seed(10);
            Tensor leaf = x.to_type(type).detach().requires_grad_(), left = Dropout.Of(leaf, share);
            left.backward([gradient.to_type(type)]);
            return (left.detach().to_type(ScalarType.BFloat16), leaf.grad!.to_type(ScalarType.BFloat16));
        }
        (Tensor Left, Tensor Gradient) wide = Of(ScalarType.Float32), narrow = Of(ScalarType.BFloat16);
        Assert.Equal(wide.Left.bytes.ToArray(), narrow.Left.bytes.ToArray());
        Assert.Equal(wide.Gradient.bytes.ToArray(), narrow.Gradient.bytes.ToArray());
        Tensor none = Dropout.Of(full(100, float.NaN, ScalarType.BFloat16), share);
        Assert.Equal(100, (none.isnan().sum() + none.eq(0).sum()).item<long>());
    }
}

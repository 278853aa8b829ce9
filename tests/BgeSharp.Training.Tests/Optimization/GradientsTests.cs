using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Optimization;

public sealed class GradientsTests : IDisposable
{
    public void Dispose() => _weights.Dispose();

    private readonly Weights _weights = new([new WeightShape("a", [2], WeightStart.Normal), new WeightShape("b", [1], WeightStart.Zero)], Compute.Float64);

    [Fact]
    public void The_norm_is_that_of_all_gradients_together_and_clipping_scales_it_down()
    {
        Fill(3, 0, 4);
        Assert.Equal(5, _weights.Norm(), 1e-12);
        _weights.ClipTo(5, 1);
        Assert.Equal(1, _weights.Norm(), 1e-6);
        Assert.Equal(0.8, _weights.GradientOf("b").item<double>(), 1e-6);
    }

    [Fact]
    public void Small_gradients_are_left_as_they_are()
    {
        Fill(0.3, 0, 0.4);
        _weights.ClipTo(_weights.Norm(), 1);
        Assert.Equal([0.3, 0, 0.4], _weights.Gradients.data<double>().ToArray());
    }

    [Fact]
    public void Frozen_weights_have_no_gradients_no_moments_and_no_part_in_a_step()
    {
        WeightShape[] shapes = [new("a", [2, 3], WeightStart.Normal), new("b", [5], WeightStart.One), new("c", [4], WeightStart.Normal)];
        using var weights = new Weights(shapes, Compute.Float64, name => name != "c");
        weights.Initialize(1, 1);
        using var optimizer = new AdamW(weights, 0.01);
        Assert.Equal((15, 4, 4, 4), (weights.Count, weights.Gradients.numel(), optimizer.FirstMoment.numel(), optimizer.SecondMoment.numel()));
        double[] before = weights.Values.data<double>().ToArray();
        weights.Gradients.copy_(ones(4, ScalarType.Float64));
        optimizer.Step(0.1);
        Assert.Equal(before[4..], weights.Values.data<double>().ToArray()[4..]);
        Assert.All(before[..4].Zip(weights.Values.data<double>().ToArray()), p => Assert.NotEqual(p.First, p.Second));
        // An earlier version kept moments of all weights: those of the trained ones stand first.
        optimizer.SetMoments(arange(15, ScalarType.Float64), arange(15, ScalarType.Float64));
        Assert.Equal([0.0, 1, 2, 3], optimizer.FirstMoment.data<double>().ToArray());
        using var used = new Weights(shapes, Compute.Float64, _ => true);
        Assert.Equal(0, used.Gradients.numel());
        Assert.Equal(0, used.Norm());
    }

    [Fact]
    public void One_bad_number_makes_the_norm_bad()
    {
        Fill(1, double.NaN, 0);
        Assert.True(double.IsNaN(_weights.Norm()));
        Fill(1, double.PositiveInfinity, 0);
        Assert.Equal(double.PositiveInfinity, _weights.Norm());
    }

    [Fact]
    public void Scaled_and_zeroed_gradients_are_those_autograd_adds_to()
    {
        Fill(2, 4, 6);
        _weights.Scale(0.5);
        Assert.Equal([1.0, 2, 3], _weights.Gradients.data<double>().ToArray());
        _weights.Zero();
        (_weights["a"].sum() * 7).backward();
        (_weights["a"].sum() * 7).backward();
        Assert.Equal([14.0, 14, 0], _weights.Gradients.data<double>().ToArray());
    }

    private void Fill(params double[] values) => _weights.Gradients.copy_(tensor(values));
}

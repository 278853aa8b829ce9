using BgeSharp.Training.Modeling;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

/// <summary>Looking rows up by a function of our own changes no value and no gradient.</summary>
public sealed class EmbeddingRowsTests
{
    private static readonly WeightShape[] Shapes = [new("other", [3, 2], WeightStart.Normal), new("table", [7, 4], WeightStart.Normal)];

    [Fact]
    public void The_gradient_is_that_of_plain_indexing_added_to_what_is_there()
    {
        using var scope = NewDisposeScope();
        using var weights = new Weights(Shapes, Compute.Float64);
        weights.Initialize(1, 1);
        Tensor ids = tensor(new long[] { 2, 0, 2, 6, 2 }), factor = randn([5, 4], ScalarType.Float64);
        Tensor plain = weights["table"].detach().clone().requires_grad_();
        for (int time = 0; time < 2; time++)
        {
            Tensor rows = EmbeddingRows.Of(weights, "table", ids), expected = plain.index_select(0, ids);
            Assert.True(rows.requires_grad);
            Assert.Equal(expected.data<double>().ToArray(), rows.data<double>().ToArray());
            (rows * factor).tanh().sum().backward();
            (expected * factor).tanh().sum().backward();
            // The table is used in another way too, as the masked language head uses it.
            (weights["table"] * weights["table"]).sum().backward();
            (plain * plain).sum().backward();
        }
        using Tensor gradient = weights.GradientOf("table");
        Assert.True((gradient - plain.grad!).abs().max().item<double>() < 1e-12);
        using Tensor other = weights.GradientOf("other");
        Assert.Equal(0, other.abs().max().item<double>());
    }

    [Fact]
    public void A_frozen_table_and_a_pass_without_gradients_make_no_node()
    {
        using var scope = NewDisposeScope();
        using var frozen = new Weights(Shapes, Compute.Float32, name => name == "table");
        Assert.False(EmbeddingRows.Of(frozen, "table", tensor(new long[] { 1 })).requires_grad);
        using var weights = new Weights(Shapes, Compute.Float32);
        using (no_grad())
        {
            Assert.False(EmbeddingRows.Of(weights, "table", tensor(new long[] { 1 })).requires_grad);
        }
    }
}

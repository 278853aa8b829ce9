using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Training.Tests.Modeling;

public sealed class WeightStartTests
{
    [Fact]
    public void Sines_turn_with_the_position_spread_as_other_weights_and_decay_as_they_do()
    {
        var model = new ModelOptions { HiddenSize = 16, Layers = 1, Heads = 2, MaxLength = 40, PositionStart = "sines", InitializerRange = 0.05 };
        BgeSharp.Formats.ModelConfig config = RunModel.Config(model, TinyModel.Tokenizer());
        using Weights weights = RunModel.Create(Encoder.Shapes("", config), "", config, Compute.Float32, 1, null);
        const string name = "embeddings.position_embeddings.weight";
        float[] table = weights[name].data<float>().ToArray();
        Assert.True(weights.Shapes.Single(s => s.Name == name).Decays);
        // Whatever the position, each pair (sine, cosine) has the same length, and between two positions the products depend on their distance alone.
        double Product(int p, int q) => Enumerable.Range(0, 16).Sum(i => (double)table[(p * 16) + i] * table[(q * 16) + i]);
        Assert.Equal(16 * 0.05 * 0.05, Product(0, 0), 1e-7);
        Assert.Equal(Product(3, 0), Product(39, 36), 1e-7);
        Assert.Equal(Product(7, 0), Product(20, 27), 1e-7);
        Assert.Equal(Math.Sqrt(2) * 0.05 * Math.Sin(5), table[5 * 16], 1e-7);
        Assert.Equal(Math.Sqrt(2) * 0.05 * Math.Cos(5), table[(5 * 16) + 8], 1e-7);

        // Nothing else differs from the usual start, and the usual start is BERT's.
        BgeSharp.Formats.ModelConfig usual = RunModel.Config(model with { PositionStart = "normal" }, TinyModel.Tokenizer());
        Assert.False(RunModel.Config(new ModelOptions(), TinyModel.Tokenizer()).StartsWithSines);
        using Weights drawn = RunModel.Create(Encoder.Shapes("", usual), "", usual, Compute.Float32, 1, null);
        Assert.All(weights.Shapes, shape => Assert.Equal(shape.Name != name, weights[shape.Name].data<float>().ToArray().SequenceEqual(drawn[shape.Name].data<float>().ToArray())));
    }

    [Fact]
    public void A_table_that_is_filled_in_parts_is_drawn_and_set_as_a_whole()
    {
        const int rows = 2049, size = 2048;      // one row more than is carried at a time
        static Weights Table(int rows)
        {
            var weights = new Weights([new WeightShape("t", [rows, size], WeightStart.Normal)], Compute.Float32);
            weights.Initialize(0.02, 5);
            return weights;
        }
        using Weights whole = Table(rows), part = Table(100);
        float[] drawn = whole.Values.data<float>().ToArray();
        Assert.Equal(part.Values.data<float>().ToArray(), drawn[..(100 * size)]);
        Assert.NotEqual(drawn[..size], drawn[^size..]);
        Assert.Equal(0.02, Math.Sqrt(drawn[^size..].Average(x => (double)x * x)), 0.002);

        whole.Values.zero_();
        whole.Set("t", drawn);
        Assert.Equal(drawn, whole.Values.data<float>().ToArray());
        Assert.Throws<ArgumentException>(() => whole.Set("t", drawn.AsSpan(1)));
    }
}

// Low-rank adapters as a stage makes them, by hand:  y = W x + b + (α/r) B A x  in a layer, and  W + (α/r) B A  for W in a whole model and in its file.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Stages.Contrastive;

public sealed class AdapterTests : IDisposable
{
    private static readonly ModelConfig s_config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0, InitializerRange = 0.3 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(3, 7.0), InlineData(4, 1.0), InlineData(1, 0.5)]
    public void A_layer_adds_alpha_over_r_times_B_A_x(int rank, double alpha)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Adapted(rank, alpha);
        string[] layers = [.. Layers(weights)];
        Assert.Equal(3 * s_config.LayerCount, layers.Length);
        foreach (string layer in layers)
        {
            (double[] w, double[] b, double[] down, double[] up) = (Numbers(weights, layer + ".weight"), Numbers(weights, layer + ".bias"), Numbers(weights, layer + ".lora_a"), Numbers(weights, layer + ".lora_b"));
            int outputs = b.Length, inputs = w.Length / outputs;
            Assert.Equal([rank * inputs, outputs * rank], new[] { down.Length, up.Length });
            Tensor x = randn([4, inputs], ScalarType.Float64);
            double[] rows = x.data<double>().ToArray(), computed = weights.Linear(x, layer).detach().data<double>().ToArray();
            double largest = 0;
            for (int row = 0; row < 4; row++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    double plain = b[o], added = 0;
                    for (int i = 0; i < inputs; i++)
                    {
                        double input = rows[(row * inputs) + i];
                        plain += w[(o * inputs) + i] * input;
                        for (int k = 0; k < rank; k++)
                        {
                            added += up[(o * rank) + k] * down[(k * inputs) + i] * input;
                        }
                    }
                    Assert.Equal(plain + (alpha / rank * added), computed[(row * outputs) + o], 1e-10);
                    largest = Math.Max(largest, Math.Abs(added));
                }
            }
            Assert.True(largest > 0.1);
        }
    }

    [Theory, InlineData(3, 7.0), InlineData(4, 1.0)]
    public void A_model_computes_and_is_saved_as_one_of_the_merged_weights(int rank, double alpha)
    {
        using var scope = NewDisposeScope();
        using Weights weights = Adapted(rank, alpha);
        using var merged = new Weights(Encoder.Shapes("", s_config), Compute.Float64);
        using (no_grad())
        {
            foreach (WeightShape shape in merged.Shapes)
            {
                merged[shape.Name].copy_(tensor(Merged(weights, shape.Name, rank, alpha)).view(shape.Shape));
            }
        }
        TokenBatch batch = TokenBatch.Of([_tokenizer.EncodeWithSpecial("ab cd ef"), _tokenizer.EncodeWithSpecial("g")]);
        Tensor Rows(Weights of) => new Encoder(of, "", s_config).Forward(new PackedText(batch, s_config, CPU), training: false);
        Assert.InRange((Rows(weights) - Rows(merged)).abs().max().item<double>(), 0, 1e-10);

        string folder = Path.Combine(_folder.Path, "model");
        ModelFolder.Save(folder, weights, "", s_config, _tokenizer, new ModelCard());
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        Assert.Equal(merged.Shapes.Select(s => s.Name).Order(StringComparer.Ordinal), file.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (WeightShape shape in merged.Shapes)
        {
            Assert.InRange(Apart(Numbers(merged, shape.Name), file.ReadFloat32(shape.Name)), 0, 1e-5);
        }
        // Where there is an adapter, that is another weight than W; the files of the other layers have W itself.
        string[] adapted = [.. Layers(weights).Select(layer => layer + ".weight")];
        Assert.Equal(adapted.Order(StringComparer.Ordinal), merged.Shapes.Select(s => s.Name).Where(name => Apart(Numbers(weights, name), file.ReadFloat32(name)) > 1e-3).Order(StringComparer.Ordinal));
    }

    // B starts at 0: it is given numbers, as if it had been trained.
    private static Weights Adapted(int rank, double alpha)
    {
        var options = new ContrastiveStageOptions { Lora = new LoraOptions { Rank = rank, Alpha = alpha, Layers = ["query", "attention.output.dense", "intermediate.dense"] } };
        Weights weights = RunModel.Create(options, s_config, Compute.Float64, 1, null).Weights;
        manual_seed(5);
        using (no_grad())
        {
            foreach (WeightShape shape in weights.Shapes.Where(s => s.Name.EndsWith(LinearLayer.AdapterUp, StringComparison.Ordinal)))
            {
                using Tensor values = randn(shape.Shape, ScalarType.Float64);
                weights[shape.Name].copy_(values);
            }
        }
        return weights;
    }

    private static IEnumerable<string> Layers(Weights weights)
        => weights.Shapes.Where(s => s.Name.EndsWith(LinearLayer.AdapterDown, StringComparison.Ordinal)).Select(s => s.Name[..^LinearLayer.AdapterDown.Length]);

    // W + (α/r) B A where the layer has an adapter, the weight itself elsewhere.
    private static double[] Merged(Weights weights, string name, int rank, double alpha)
    {
        double[] values = Numbers(weights, name);
        if (Layers(weights).FirstOrDefault(l => l + ".weight" == name) is not { } layer)
        {
            return values;
        }
        (double[] down, double[] up) = (Numbers(weights, layer + ".lora_a"), Numbers(weights, layer + ".lora_b"));
        int inputs = down.Length / rank;
        for (int place = 0; place < values.Length; place++)
        {
            for (int k = 0; k < rank; k++)
            {
                values[place] += alpha / rank * up[(place / inputs * rank) + k] * down[(k * inputs) + (place % inputs)];
            }
        }
        return values;
    }

    private static double Apart(double[] one, float[] other) => one.Zip(other).Max(p => Math.Abs(p.First - p.Second));

    private static double[] Numbers(Weights weights, string name) => weights[name].data<double>().ToArray();
}

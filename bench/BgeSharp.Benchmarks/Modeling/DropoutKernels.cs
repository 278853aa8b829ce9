// Pair: libtorch's dropout, which draws, divides, multiplies and keeps a number for each number, against ours, which keeps a bit; forward and backward.
// Why: attention's weights are the largest tensors of a training step, and a tenth of them is dropped in every layer.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Benchmarks.Modeling;

/// <summary>Dropout of attention's weights with the product after it: 16 texts of 160 tokens, 4 heads of 64.</summary>
public class DropoutKernels
{
    private const int Texts = 16, Heads = 4, Length = 160, Size = 64;
    private const double Share = 0.1;
    private Tensor _weights = null!, _values = null!, _gradient = null!;

    /// <summary>Number type.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)] public ScalarType Type { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        manual_seed(3);
        _weights = randn([Texts, Heads, Length, Length], ScalarType.Float32).softmax(-1).to_type(Type);
        _values = randn([Texts, Heads, Length, Size], Type);
        _gradient = randn([Texts, Heads, Length, Size], Type);
        Workload.Is(typeof(DropoutKernels), _weights.numel(), "numbers", Type);
        // Draws differ, so only means can agree: of all results over many draws.
        Agreement.RequireDirection("the mean of many draws", Mean(Plain), Mean(Ours), 0.01);
    }

    [Benchmark(Baseline = true, Description = "dropout, matmul")]
    public void Libtorch() => Run(Plain);

    [Benchmark(Description = "DroppedProduct")]
    public void Bits() => Run(Ours);

    private static Tensor Plain(Tensor weights, Tensor values) => nn.functional.dropout(weights, Share, training: true).matmul(values);

    private static Tensor Ours(Tensor weights, Tensor values) => DroppedProduct.Of(weights, values, Share);

    private Tensor Mean(Func<Tensor, Tensor, Tensor> product)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor sum = zeros([Texts, Heads, Length, Size], ScalarType.Float32);
        for (int i = 0; i < 200; i++)
        {
            using var inner = NewDisposeScope();
            sum.add_(product(_weights, _values));
        }
        return sum.div_(200).MoveToOuterDisposeScope();
    }

    private void Run(Func<Tensor, Tensor, Tensor> product)
    {
        using var scope = NewDisposeScope();
        product(_weights.detach().requires_grad_(), _values.detach().requires_grad_()).backward([_gradient]);
    }
}

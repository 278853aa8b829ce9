// Pair: index_select with the gradient autograd has for it (index_add), against PadRows, whose gradient is the gather the other way.
// Why: every layer copies rows to padded cells; index_add is serial. Both sides run forward and backward over the rows of one layer.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Benchmarks.Modeling;

/// <summary>Copies between packed rows and padded cells, with their gradients; 32 texts of 16 to 128 tokens, rows as wide as the layers of a 256-wide encoder.</summary>
public class RowGathering
{
    private const int Size = 256;
    private PackedText _text = null!;
    private Tensor _rows = null!;           // [T, 3D], to be padded
    private Tensor _paddedGradient = null!; // [B, L, 3D], 0 for padding as attention's gradient is

    /// <summary>Number type of the rows.</summary>
    [Params(ScalarType.Float32, ScalarType.BFloat16)] public ScalarType Type { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _text = new PackedText(Batches.Texts(32, 128, Lengths.Mixed, 1000), Batches.Bert(Size, 1, 1000), CPU);
        manual_seed(3);
        using (no_grad())
        {
            _rows = randn(_text.TokenCount, 3 * Size, Type);
            _paddedGradient = randn([_text.Count, _text.Length, 3 * Size], Type).masked_fill_(_text.Padding.unsqueeze(2), 0);
        }
        Workload.Is(typeof(RowGathering), _text.TokenCount, "rows", Type);
        (Tensor expected, Tensor expectedGradient) = Outcome(PlainPad);
        (Tensor actual, Tensor actualGradient) = Outcome(OurPad);
        Agreement.Require("padding", expected, actual, 0);
        Agreement.Require("the gradient of padding", expectedGradient, actualGradient, 0);
    }

    [Benchmark(Baseline = true, Description = "index_select, its own gradient")]
    public void Pad_plainly() => Run(PlainPad);

    [Benchmark(Description = "PadRows")]
    public void Pad() => Run(OurPad);

    private Tensor PlainPad(Tensor rows) => rows.index_select(0, _text.ToPadded).view(_text.Count, _text.Length, -1);

    private Tensor OurPad(Tensor rows) => PadRows.Of(_text, rows);

    private void Run(Func<Tensor, Tensor> gather)
    {
        using var scope = NewDisposeScope();
        gather(_rows.detach().requires_grad_()).backward([_paddedGradient]);
    }

    private (Tensor Output, Tensor Gradient) Outcome(Func<Tensor, Tensor> gather)
    {
        Tensor leaf = _rows.detach().requires_grad_();
        Tensor output = gather(leaf);
        output.backward([_paddedGradient]);
        return (output.detach(), leaf.grad!);
    }
}

// AdamW over the flat buffers, with decoupled weight decay.                        Loshchilov and Hutter 2019, algorithm 2
//   p ← p (1 − η λ);  m ← β1 m + (1 − β1) g;  v ← β2 v + (1 − β2) g²;  p ← p − η (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + ε)
// Works block by block, so that the seven passes of a block stay in the processor's cache.

using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Optimization;

/// <summary>AdamW with state as flat as the weights.</summary>
public sealed class AdamW : IDisposable
{
    private const long Block = 1 << 18;
    private readonly Weights _weights;
    private readonly double _decay;
    private readonly bool _decayAll;

    /// <param name="weights">What to optimise.</param>
    /// <param name="weightDecay">λ; on matrices only, unless <paramref name="decayAll"/>.</param>
    /// <param name="decayAll">True decays biases and LayerNorms too.</param>
    public AdamW(Weights weights, double weightDecay, bool decayAll = false)
    {
        _weights = weights;
        _decay = weightDecay;
        _decayAll = decayAll;
        FirstMoment = zeros_like(weights.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(weights.Values).DetachFromDisposeScope();
    }

    /// <summary>β1.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, outside the square root.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>[N], m.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>[N], v.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>One step along the gradients.</summary>
    /// <param name="rate">η.</param>
    public void Step(double rate)
    {
        using var noGrad = no_grad();
        Steps++;
        double firstCorrection = 1 - Math.Pow(Beta1, Steps);
        double secondCorrection = 1 - Math.Pow(Beta2, Steps);
        long count = _weights.TrainableCount;      // frozen weights stand behind and stay as they are
        long decaying = _decayAll ? count : _weights.DecayingCount;
        for (long start = 0; start < count;)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(Block, (start < decaying ? decaying : count) - start);
            Tensor p = _weights.Values.narrow(0, start, length);
            Tensor g = _weights.Gradients.narrow(0, start, length);
            Tensor m = FirstMoment.narrow(0, start, length);
            Tensor v = SecondMoment.narrow(0, start, length);
            if (start < decaying && _decay > 0)
            {
                p.ScaleInPlace(1 - (rate * _decay));
            }
            m.ScaleInPlace(Beta1).AddInPlace(g, 1 - Beta1);
            v.ScaleInPlace(Beta2).AddProductInPlace(g, g, 1 - Beta2);
            Tensor denominator = v.sqrt().DivideInPlace(Math.Sqrt(secondCorrection)).AddInPlace(Epsilon);
            p.AddQuotientInPlace(m, denominator, -rate / firstCorrection);
            start += length;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}

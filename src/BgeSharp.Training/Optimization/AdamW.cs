// AdamW over the flat buffers, with decoupled weight decay.                        Loshchilov and Hutter 2019, algorithm 2
//   p ← p (1 − η λ);  m ← β1 m + (1 − β1) g;  v ← β2 v + (1 − β2) g²;  p ← p − η (m / (1 − β1^t)) / (√(v / (1 − β2^t)) + ε)
// Works block by block, so that the seven passes of a block stay in the processor's cache.
// Sharded over ranks, each keeps the moments of a slice, steps that slice and gets the others' weights (ZeRO stage 1, Rajbhandari et al. 2020).

using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Optimization;

/// <summary>AdamW with state as flat as the weights.</summary>
public sealed class AdamW : IDisposable
{
    private const long Block = 1 << 18, Exchanged = 1 << 24;
    private readonly Weights _weights;
    private readonly double _decay;
    private readonly bool _decayAll;
    private readonly IProcessGroup _shards;
    private readonly long[] _slices;

    /// <param name="weights">What to optimise.</param>
    /// <param name="weightDecay">λ; on matrices only, unless <paramref name="decayAll"/>.</param>
    /// <param name="decayAll">True decays biases and LayerNorms too.</param>
    /// <param name="shards">Ranks that share the moments; null keeps all of them here. With it, every member is called on all ranks.</param>
    public AdamW(Weights weights, double weightDecay, bool decayAll = false, IProcessGroup? shards = null)
    {
        _shards = shards ?? LocalProcessGroup.Instance;
        _slices = [.. Enumerable.Range(0, _shards.Size + 1).Select(rank => weights.TrainableCount * rank / _shards.Size)];
        _weights = weights;
        _decay = weightDecay;
        _decayAll = decayAll;
        long count = IsSharded ? _slices[_shards.Rank + 1] - Start : weights.TrainableCount;
        FirstMoment = zeros(count, weights.Values.dtype, weights.Values.device).DetachFromDisposeScope();
        SecondMoment = zeros_like(FirstMoment).DetachFromDisposeScope();
    }

    /// <summary>β1.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, outside the square root.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>[<see cref="Weights.TrainableCount"/>], m; sharded, of this rank's slice.</summary>
    public Tensor FirstMoment { get; }

    /// <summary>[<see cref="Weights.TrainableCount"/>], v; sharded, of this rank's slice.</summary>
    public Tensor SecondMoment { get; }

    /// <summary>True when other ranks hold a part of the moments.</summary>
    public bool IsSharded => _shards.Size > 1;

    // First weight whose moments are here.
    private long Start => IsSharded ? _slices[_shards.Rank] : 0;

    /// <summary>One step along the gradients.</summary>
    /// <param name="rate">η.</param>
    public void Step(double rate)
    {
        using var noGrad = no_grad();
        Steps++;
        double firstCorrection = 1 - Math.Pow(Beta1, Steps);
        double secondCorrection = 1 - Math.Pow(Beta2, Steps);
        long count = IsSharded ? _slices[_shards.Rank + 1] : _weights.TrainableCount;      // frozen weights stand behind and stay as they are
        long decaying = _decayAll ? count : _weights.DecayingCount;
        for (long start = Start; start < count;)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(Block, (start < decaying ? Math.Min(decaying, count) : count) - start);
            Tensor p = _weights.Values.narrow(0, start, length);
            Tensor g = _weights.Gradients.narrow(0, start, length);
            Tensor m = FirstMoment.narrow(0, start - Start, length);
            Tensor v = SecondMoment.narrow(0, start - Start, length);
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
        for (int rank = 0; IsSharded && rank < _shards.Size; rank++)
        {
            using Tensor slice = _weights.Values.narrow(0, _slices[rank], _slices[rank + 1] - _slices[rank]);
            _shards.Broadcast(slice, rank);
        }
    }

    /// <summary>Copies a whole moment, where moments are sharded block by block from the rank that has it: every rank must call it then.</summary>
    /// <param name="moment"><see cref="FirstMoment"/> or <see cref="SecondMoment"/>.</param>
    /// <param name="to">[<see cref="Weights.TrainableCount"/>]. Null on ranks that only give.</param>
    public void CopyWhole(Tensor moment, Tensor? to)
    {
        using var noGrad = no_grad();
        if (!IsSharded)
        {
            to?.copy_(moment);
            return;
        }
        for (int rank = 0; rank < _shards.Size; rank++)
        {
            for (long start = _slices[rank], end = _slices[rank + 1]; start < end; start += Exchanged)
            {
                using var scope = NewDisposeScope();
                long length = Math.Min(Exchanged, end - start);
                Tensor part = rank == _shards.Rank ? moment.narrow(0, start - Start, length) : empty(length, moment.dtype, moment.device);
                _shards.Broadcast(part, rank);
                to?.narrow(0, start, length).copy_(part);
            }
        }
    }

    /// <summary>Sets both moments from whole ones, of the weights that are trained or, as earlier versions kept them, of all.</summary>
    public void SetMoments(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        long trained = _weights.TrainableCount, all = _weights.Values.shape[0], found = first.shape[0];
        if ((found != trained && found != all) || second.shape[0] != found)
        {
            throw new BadInput($"the checkpoint has moments of {found} numbers, and the stage trains {trained} of {all}; it is of other options or of an earlier version. Begin in another folder.");
        }
        FirstMoment.copy_(first.narrow(0, Start, FirstMoment.shape[0]));
        SecondMoment.copy_(second.narrow(0, Start, SecondMoment.shape[0]));
    }

    /// <summary>As before the first step.</summary>
    public void Forget()
    {
        using var noGrad = no_grad();
        FirstMoment.zero_();
        SecondMoment.zero_();
        Steps = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}

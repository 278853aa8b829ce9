// Computes as the stage does, but one of its steps goes wrong.

using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;

namespace BgeSharp.Training.Tests.Faults;

/// <summary>What goes wrong.</summary>
public enum BackendFault
{
    /// <summary>The n-th step throws, with some gradients already written.</summary>
    Throws,

    /// <summary>libtorch finds no memory.</summary>
    NoMemory,

    /// <summary>The loss is not a number.</summary>
    LossIsNaN,

    /// <summary>One gradient is infinite although the loss is not.</summary>
    GradientIsInfinite,
}

/// <summary>Counts the steps of all stages of a run and spoils one.</summary>
internal sealed class FaultyBackend(int n, BackendFault fault)
{
    private int _steps;

    /// <summary>True once the step has come.</summary>
    public bool Fired => _steps >= n;

    public ITrainableStage Around(ITrainableStage stage) => new Stage(this, stage);

    private sealed class Stage(FaultyBackend backend, ITrainableStage inner) : ITrainableStage
    {
        public Weights Weights => inner.Weights;

        public int TotalSteps => inner.TotalSteps;

        public void GoTo(long position) => inner.GoTo(position);

        public JsonObject? Save() => inner.Save();

        public void Restore(JsonObject state) => inner.Restore(state);

        public StepFigures ForwardBackward(int step)
        {
            StepFigures figures = inner.ForwardBackward(step);
            if (++backend._steps != backend.N)
            {
                return figures;
            }
            if (backend.Fault == BackendFault.GradientIsInfinite)
            {
                Weights.Gradients.narrow(0, Weights.Gradients.numel() / 2, 1).fill_(float.PositiveInfinity);
            }
            return backend.Fault switch
            {
                BackendFault.Throws => throw new BackendGone(),
                BackendFault.NoMemory => throw NoMemory(),
                BackendFault.LossIsNaN => figures with { Loss = double.NaN },
                _ => figures,
            };
        }
    }

#pragma warning disable CA2201 // what TorchSharp makes of libtorch's complaints
    private static ExternalException NoMemory() => new("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.");
#pragma warning restore CA2201

    private int N => n;

    private BackendFault Fault => fault;
}

/// <summary>The backend broke down.</summary>
internal sealed class BackendGone() : Exception("the backend is gone");

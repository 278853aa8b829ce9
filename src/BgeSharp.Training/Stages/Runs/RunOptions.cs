using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Where and how a recipe runs; nothing here changes what is trained but device and precision.</summary>
/// <param name="Out">The run's folder.</param>
/// <param name="Compute">Device and precision.</param>
/// <param name="Observer">Told what happens.</param>
/// <param name="Time">Clock.</param>
/// <param name="Resume">True goes on with what the folder holds, finished or not; false goes on with an unfinished run of the same recipe and refuses any other.</param>
public sealed record RunOptions(string Out, Compute Compute, IRunObserver Observer, TimeProvider Time, bool Resume)
{
    /// <summary>True goes on although files the run reads have changed.</summary>
    public bool AllowChangedData { get; init; }

    /// <summary>Called when all stages are done and the model folder is there, before the run counts as finished: what is written here is written again after a kill.</summary>
    public Action<RunState> Conclude { get; init; } = _ => { };

    /// <summary>Stands between the loop and what computes its steps; tests put one in that fails.</summary>
    public Func<ITrainableStage, ITrainableStage> Backend { get; init; } = stage => stage;

    /// <summary>The ranks that do the run together. All start the same run; rank 0 writes its folder, the others read it.</summary>
    public IProcessGroup Group { get; init; } = LocalProcessGroup.Instance;

    /// <summary>What gradients are sent as between ranks: float32, or bfloat16 for half the bytes.</summary>
    public ScalarType Exchange { get; init; } = ScalarType.Float32;

    /// <summary>True keeps the moments of a weight on one rank only: 8 bytes a weight less on the others, for one more exchange of the weights each step.</summary>
    public bool ShardOptimizer { get; init; }

    /// <summary>Asks for a checkpoint now and then.</summary>
    public CheckpointRequest Checkpoint { get; init; } = new();

    /// <summary>Done with a stage at its start instead of training it; the stage then counts as stopped. Null trains.</summary>
    internal Action<ITrainableStage, AdamW>? Sweep { get; init; }
}

// What the trainer loop drives. It knows no stage, no file and no clock; what varies is behind these few names.

using System.Text.Json.Nodes;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Stages;

/// <summary>What one optimizer step did, or the share of one rank in it: shares of all ranks add up to the step's.</summary>
/// <param name="Loss">Mean loss of the step, in nats.</param>
/// <param name="Tokens">Tokens that went through the encoder.</param>
/// <param name="Figures">Named figures for the log, such as "decoder_accuracy".</param>
public sealed record StepFigures(double Loss, long Tokens, IReadOnlyDictionary<string, double> Figures)
{
    /// <summary>What the step trained on; null when the stage does not tell.</summary>
    public BatchTrace? Batch { get; init; }

    /// <summary>Fewest negatives of any query; null where the stage has none by nature.</summary>
    public int? Negatives { get; init; }
}

/// <summary>A stage as the loop sees it.</summary>
public interface ITrainableStage
{
    /// <summary>What is trained.</summary>
    Weights Weights { get; }

    /// <summary>Optimizer steps in all.</summary>
    int TotalSteps { get; }

    /// <summary>Forward and backward of one step: the gradients of this rank's share, weighted as in the whole step, are added to those in <see cref="Weights"/>.</summary>
    /// <param name="step">Steps done before, from 0. It seeds dropout; the batch is the next one of the order.</param>
    StepFigures ForwardBackward(int step);

    /// <summary>Moves in the order of batches.</summary>
    /// <param name="position">Number of steps whose batches have been drawn or passed over; the next step takes the one after them.</param>
    void GoTo(long position);

    /// <summary>What the stage carries from step to step beside weights, such as counters of a teacher; null for nothing.</summary>
    JsonObject? Save() => null;

    /// <summary>Takes back what <see cref="Save"/> gave.</summary>
    void Restore(JsonObject state)
    {
    }
}

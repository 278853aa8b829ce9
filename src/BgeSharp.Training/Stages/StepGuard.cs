// Looks at loss and gradients before the optimizer does. A bad step is one whose loss or gradient norm is not finite, or whose loss is a spike;
// figures that are finite but tell of a fault (no gradient, no negatives, a loss of exactly 0) are warned about, once a stage.

using System.Globalization;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>A step that the optimizer was not shown.</summary>
/// <param name="Stage">The stage's label.</param>
/// <param name="Step">Steps done before it.</param>
/// <param name="Fault">What is wrong with it.</param>
/// <param name="Action">"skip", "rollback" or "raise".</param>
/// <param name="Loss">Its loss.</param>
/// <param name="GradientNorm">Its gradient norm.</param>
/// <param name="Rows">Rows of its examples: pairs or texts of the stage, from 0 in reading order.</param>
public sealed record BadStep(string Stage, int Step, string Fault, string Action, double Loss, double GradientNorm, IReadOnlyList<int> Rows);

/// <summary>Training cannot go on as the recipe has it.</summary>
public sealed class TrainingDiverged(string message) : Exception(message);

/// <summary>Finds bad steps.</summary>
internal sealed class StepGuard(GuardOptions options, Action<string> warn)
{
    /// <summary>Good steps a spike is measured against.</summary>
    private const int Window = 32;

    /// <summary>Good steps before anything is called a spike.</summary>
    private const int Least = 8;

    /// <summary>What is wrong with a step, or null.</summary>
    public string? Fault(StepFigures figures, double norm, TrainerState state)
    {
        if (!double.IsFinite(figures.Loss))
        {
            return "the loss is not finite";
        }
        if (!double.IsFinite(norm))
        {
            return "the gradients are not finite";
        }
        if (options.SpikeFactor > 0 && state.Losses.Count >= Least && figures.Loss > options.SpikeFactor * state.Losses.Average())
        {
            return "the loss is a spike";
        }
        state.Losses.Add(figures.Loss);
        if (state.Losses.Count > Window)
        {
            state.Losses.RemoveAt(0);
        }
        return null;
    }

    /// <summary>Warns about what is finite and yet wrong.</summary>
    public void Look(string label, StepFigures figures, double norm, TrainerState state)
    {
        Warn(figures.Negatives == 0, state, $"a query of step {state.Step + 1} has no negative: its loss is 0 whatever the model does; raise groupSize, or where other queries' passages count, batchPairs or batchTokens.");
        Warn(figures.Loss == 0 && figures.Negatives != 0, state, $"the loss of step {state.Step + 1} is exactly 0: there is nothing to learn, or the targets are missing.");
        Warn(norm == 0 && figures.Loss != 0, state, $"all gradients of step {state.Step + 1} are 0: the loss does not depend on the weights.");

        void Warn(bool when, TrainerState state, string sentence)
        {
            string kind = sentence[(sentence.IndexOf("step", StringComparison.Ordinal) + 5)..].TrimStart([.. "0123456789"]);
            if (when && !state.Warned.Contains(kind))
            {
                state.Warned.Add(kind);
                warn(string.Create(CultureInfo.InvariantCulture, $"warning: {label}: {sentence}"));
            }
        }
    }
}

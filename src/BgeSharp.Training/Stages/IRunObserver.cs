// How a run tells what it is doing. The command line shows it; a program that embeds the trainer may do what it likes with it.

namespace BgeSharp.Training.Stages;

/// <summary>Listens to a run. Calls come from the thread that trains, one after another, and must return quickly.</summary>
public interface IRunObserver
{
    /// <summary>A stage begins.</summary>
    /// <param name="stage">The stage's label.</param>
    /// <param name="totalSteps">Optimizer steps it will take; 0 when not known.</param>
    void StageStarted(string stage, int totalSteps);

    /// <summary>Some steps are done.</summary>
    void Progress(StepReport report);

    /// <summary>A stage is done.</summary>
    /// <param name="stage">The stage's label.</param>
    /// <param name="steps">Optimizer steps taken.</param>
    /// <param name="elapsed">Time taken.</param>
    /// <param name="figures">Closing figures, such as those of the evaluation; may be empty.</param>
    void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures);

    /// <summary>One sentence worth knowing: what is being read, what was dropped and why.</summary>
    void Message(string sentence);
}

/// <summary>Where a stage stands.</summary>
/// <param name="Stage">The stage's label.</param>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="TotalSteps">Steps of the whole stage; 0 when not known.</param>
/// <param name="Loss">Mean loss since the last report, in nats.</param>
/// <param name="LearningRate">Learning rate of the last step.</param>
/// <param name="TokensPerSecond">Tokens trained on per second since the last report.</param>
/// <param name="Remaining">Estimate of the time to the end of the stage; zero when not known.</param>
/// <param name="Figures">Whatever else the objective reports, such as accuracies; may be empty.</param>
public sealed record StepReport(
    string Stage, int Step, int TotalSteps, double Loss, double LearningRate, double TokensPerSecond, TimeSpan Remaining, IReadOnlyDictionary<string, double> Figures)
{
    /// <summary>Running hash of all batches of the stage so far, 16 hexadecimal digits; empty when the stage does not tell.</summary>
    public string Batches { get; init; } = "";
}

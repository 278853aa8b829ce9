// Ctrl-C while a run measures a model: nothing of that evaluation is kept, and the run that goes on ends like one that was never stopped.

using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class EvaluationStopTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory, InlineData("untrained"), InlineData("contrastive"), InlineData("finetune")]
    public void A_stop_while_a_model_is_measured_ends_there_and_the_run_that_goes_on_measures_it_anew(string stage)
    {
        _run.Run("whole");
        using var stopping = new CancellationTokenSource();
        var observer = new Stopper($"evaluating {stage} on ", stopping);
        Assert.Null(new RecipeRun(_run.Recipe(), new RunOptions(_run.In("run"), Compute.Float32, observer, TimeProvider.System, Resume: false)).Run(stopping.Token));
        Assert.Contains(observer.Messages, m => m.Contains($"the evaluation \"{stage}\" is left", StringComparison.Ordinal));
        Assert.DoesNotContain(RunState.Load(Path.Combine(_run.In("run"), "progress.json"))!.Results, r => r.Stage == stage);
        Assert.NotNull(_run.Run("run", resume: true).State);
        Assert.Equal(_run.Result("whole"), _run.Result("run"));
    }

    private sealed class Stopper(string at, CancellationTokenSource stopping) : IRunObserver
    {
        public List<string> Messages { get; } = [];

        public void Message(string sentence)
        {
            Messages.Add(sentence);
            if (sentence.StartsWith(at, StringComparison.Ordinal))
            {
                stopping.Cancel();
            }
        }

        public void Progress(StepReport report)
        {
        }

        public void StageStarted(string stage, int totalSteps)
        {
        }

        public void StageEnded(string stage, int steps, TimeSpan elapsed, IReadOnlyDictionary<string, double> figures)
        {
        }
    }
}

// Averages over the steps since the last report. The sums are part of the trainer's state; tokens and time are not, since rates are of this process alone.

namespace BgeSharp.Training.Stages;

/// <summary>Collects steps and closes into a report.</summary>
internal sealed class ReportWindow(string label, int totalSteps, int firstStep, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();
    private long _opened = time.GetTimestamp();
    private long _tokens;

    public void Add(TrainerState state, StepFigures figures, double norm, bool good)
    {
        ReportSums sums = state.Sums;
        sums.Steps++;
        _tokens += figures.Tokens;
        if (!good)
        {
            sums.Skipped++;
            return;
        }
        sums.Loss += figures.Loss;
        foreach ((string name, double value) in figures.Figures.Append(new("gradient_norm", norm)))
        {
            sums.Figures[name] = sums.Figures.GetValueOrDefault(name) + value;
        }
    }

    public StepReport Close(TrainerState state, double rate)
    {
        ReportSums sums = state.Sums;
        int counted = Math.Max(1, sums.Steps - sums.Skipped);
        double seconds = Math.Max(1e-9, time.GetElapsedTime(_opened).TotalSeconds);
        var remaining = TimeSpan.FromSeconds(time.GetElapsedTime(_began).TotalSeconds / Math.Max(1, state.Step - firstStep) * (totalSteps - state.Step));
        var figures = new OrderedDictionary<string, double>(sums.Figures.Select(s => KeyValuePair.Create(s.Key, s.Value / counted)));
        if (sums.Skipped > 0)
        {
            figures["skipped_steps"] = sums.Skipped;
        }
        var report = new StepReport(label, state.Step, totalSteps, sums.Loss / counted, rate, _tokens / seconds, remaining, figures) { Batches = state.Batches };
        state.Sums = new ReportSums();
        _tokens = 0;
        _opened = time.GetTimestamp();
        return report;
    }
}

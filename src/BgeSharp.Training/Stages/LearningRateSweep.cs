// Which learning rate a stage can take: some steps on its own batches while the rate grows by a constant factor, and the loss watched.      Smith 2017, section 3.3
// Too small a rate leaves the loss where it is, a good one lets it fall, too large a one throws it up. The rate of the steepest fall is a good peak rate.

using BgeSharp.Training.Optimization;

namespace BgeSharp.Training.Stages;

/// <summary>How the rate grows.</summary>
/// <param name="From">First rate, above 0.</param>
/// <param name="To">Last rate, above <paramref name="From"/>.</param>
/// <param name="Steps">Steps between them, at least 8.</param>
/// <param name="MaxGradientNorm">Gradients are scaled down to this norm, as in the stage.</param>
public sealed record LearningRateSweep(double From, double To, int Steps, double MaxGradientNorm)
{
    /// <summary>Share of the smoothed loss that is kept at each step.</summary>
    private const double Smoothing = 0.9;

    /// <summary>The sweep ends when the smoothed loss has risen by this share of how far it stood from 0 at its lowest.</summary>
    private const double Rise = 0.5;

    /// <summary>Sweeps. The stage's weights and the optimizer's moments are moved; whoever wants them back keeps a copy.</summary>
    /// <param name="stage">At its start.</param>
    /// <param name="optimizer">Fresh.</param>
    /// <param name="seen">Told each point.</param>
    /// <param name="stop">Ends the sweep early.</param>
    /// <exception cref="TrainingOutOfMemory">A step did not fit into memory.</exception>
    public LearningRateCurve Run(ITrainableStage stage, AdamW optimizer, Action<LearningRatePoint> seen, CancellationToken stop)
    {
        var points = new List<LearningRatePoint>();
        double average = 0, lowest = double.PositiveInfinity;
        for (int step = 0; step < Steps && !stop.IsCancellationRequested; step++)
        {
            double rate = From * Math.Pow(To / From, step / (double)(Steps - 1));
            stage.Weights.Zero();
            double loss = Loss(stage, step);
            double norm = stage.Weights.Norm();
            if (!double.IsFinite(loss) || !double.IsFinite(norm))
            {
                break;
            }
            average = (Smoothing * average) + ((1 - Smoothing) * loss);
            double smooth = average / (1 - Math.Pow(Smoothing, step + 1));      // the mean began at 0
            points.Add(new LearningRatePoint(rate, loss, smooth));
            seen(points[^1]);
            lowest = Math.Min(lowest, smooth);
            if (smooth > lowest + (Rise * Math.Abs(lowest)))
            {
                break;
            }
            stage.Weights.ClipTo(norm, MaxGradientNorm);
            optimizer.Step(rate);
        }
        return new LearningRateCurve(points);
    }

    private static double Loss(ITrainableStage stage, int step)
    {
        try
        {
            return stage.ForwardBackward(step).Loss;
        }
        catch (Exception e) when (TrainingOutOfMemory.Is(e))
        {
            throw new TrainingOutOfMemory("no memory is left for a step of the sweep; make the stage's batch or its lengths smaller, or end other programs.", e);
        }
    }
}

/// <summary>The loss at a rate.</summary>
/// <param name="Rate">Learning rate of the step after it.</param>
/// <param name="Loss">Loss of the batch, in nats.</param>
/// <param name="Smooth">Loss averaged over the steps so far, later ones more.</param>
public sealed record LearningRatePoint(double Rate, double Loss, double Smooth);

/// <summary>What a sweep saw.</summary>
/// <param name="Points">By rising rate.</param>
public sealed record LearningRateCurve(IReadOnlyList<LearningRatePoint> Points)
{
    private const int Reach = 3;

    /// <summary>The rate at which the smoothed loss is lowest; null without points.</summary>
    public double? Lowest => Points.MinBy(p => p.Smooth)?.Rate;

    /// <summary>The rate of the steepest fall of the smoothed loss over the logarithm of the rate, but at most a third of <see cref="Lowest"/>: there the loss no longer falls. Null when it never fell.</summary>
    public double? Suggested
    {
        get
        {
            if (Lowest is not double lowest)
            {
                return null;
            }
            int best = -1;
            double steepest = 0;
            for (int i = Reach; i + Reach < Points.Count && Points[i].Rate < lowest; i++)
            {
                double slope = (Points[i + Reach].Smooth - Points[i - Reach].Smooth) / Math.Log(Points[i + Reach].Rate / Points[i - Reach].Rate);
                (steepest, best) = slope < steepest ? (slope, i) : (steepest, best);
            }
            return best < 0 ? null : Math.Min(Points[best].Rate, lowest / 3);
        }
    }
}

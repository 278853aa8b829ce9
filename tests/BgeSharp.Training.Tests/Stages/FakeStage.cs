// A stage of three weights whose losses and gradients the test dictates, by the position of the batch in the order.

using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;

namespace BgeSharp.Training.Tests.Stages;

internal sealed class FakeStage(int steps, Func<int, double> loss, Func<int, float> gradient, int? negatives = null, Compute? compute = null) : ITrainableStage
{
    private int _position;

    public Weights Weights { get; } = new([new WeightShape("w", [3], WeightStart.Normal)], compute ?? Compute.Float32);

    public int TotalSteps => steps;

    /// <summary>The first weight as each step found it.</summary>
    public List<float> Seen { get; } = [];

    /// <summary>The position of each step's batch.</summary>
    public List<int> Positions { get; } = [];

    public void GoTo(long position) => _position = (int)position;

    public StepFigures ForwardBackward(int step)
    {
        Seen.Add(Weights.Values.data<float>()[0]);
        Positions.Add(_position);
        int position = _position++;
        Weights.Gradients.fill_(gradient(position));
        var trace = new BatchTrace();
        trace.Add([100 + position], TokenBatch.Of([[position]]));
        return new StepFigures(loss(position), 1, new Dictionary<string, double>()) { Batch = trace, Negatives = negatives };
    }
}

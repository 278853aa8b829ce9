// The shares of all ranks become the step: gradients are summed in the flat buffer, figures are added up. Every share is weighted by the whole
// batch already (a stage divides by the batch's queries or tokens, not by its own), so a sum is all there is to do and nothing is averaged twice.

using System.Text.Json;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Training.Stages;

/// <summary>Joins a step over ranks.</summary>
public static class StepExchange
{
    /// <summary>Sums the gradients of all ranks into every rank's buffer.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="weights">Frozen weights at the end of the buffer are left out.</param>
    /// <param name="type">What is sent: float32, or bfloat16 at half the bytes and 8 bits of precision; a float64 master buffer goes as it is.</param>
    public static void SumGradients(this IProcessGroup group, Weights weights, ScalarType type)
    {
        if (group.Size == 1)
        {
            return;
        }
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor trained = weights.Gradients.narrow(0, 0, weights.TrainableCount);
        if (type == ScalarType.BFloat16)
        {
            Tensor half = trained.to_type(type);
            group.Sum(half);
            trained.copy_(half);
            return;
        }
        group.Sum(trained);
    }

    /// <summary>The step's figures from those of all ranks.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="own">This rank's shares; rows and negatives are the whole batch's on every rank.</param>
    public static StepFigures Join(this IProcessGroup group, StepFigures own)
    {
        if (group.Size == 1)
        {
            return own;
        }
        var share = new Share(own.Loss, own.Tokens, own.Batch?.Digest ?? 0, own.Figures.ToDictionary());
        var figures = new Dictionary<string, double>();
        double loss = 0;
        long tokens = 0;
        ulong digest = 0;
        foreach (byte[] bytes in group.Collect(JsonSerializer.SerializeToUtf8Bytes(share, Agreement.Json)))
        {
            Share one = JsonSerializer.Deserialize<Share>(bytes, Agreement.Json)!;
            loss += one.Loss;
            tokens += one.Tokens;
            digest += one.Digest;
            foreach ((string name, double value) in one.Figures)
            {
                figures[name] = figures.GetValueOrDefault(name) + value;
            }
        }
        return own with { Loss = loss, Tokens = tokens, Figures = figures, Batch = own.Batch?.With(digest) };
    }

    private sealed record Share(double Loss, long Tokens, ulong Digest, Dictionary<string, double> Figures);
}

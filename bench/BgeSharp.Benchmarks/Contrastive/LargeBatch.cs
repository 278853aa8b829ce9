// Not a pair: one cached step of many pairs, and how far resident memory rises. --large-batch small|base [pairs]; 8,192 pairs when left out.

using System.Diagnostics;
using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>Time and memory of one large step.</summary>
internal static class LargeBatch
{
    /// <summary>First argument.</summary>
    public const string Argument = "--large-batch";

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public static int Print(IReadOnlyList<string> arguments)
    {
        Shape shape = arguments.Count > 0 && arguments[0] == "base" ? Shape.Base : Shape.Small;
        int pairs = arguments.Count > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 8192;
        M3Encoder encoder = ContrastiveInputs.Encoder(shape, Precision.Choose("auto", CPU), EmbeddingModes.Dense);
        var (queries, passages) = ContrastiveInputs.Pairs(pairs, 64, 256);
        var clock = Stopwatch.StartNew();
        double loss = ContrastiveSteps.Step(encoder, queries, passages, EmbeddingModes.Dense, recompute: true, 1024);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{shape}: {pairs} pairs, {queries.TokenCount + passages.TokenCount} tokens, loss {loss:f3}: {clock.Elapsed.TotalSeconds:f1} s, at most {Machine.PeakResidentBytes / 1e9:f2} GB resident (model and optimizer buffers of {encoder.Encoder.Weights.Count / 1e6:f1} M weights included as far as they were touched)"));
        return 0;
    }
}

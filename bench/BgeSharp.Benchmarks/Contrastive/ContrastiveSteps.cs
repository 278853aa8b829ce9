// Pair: a contrastive step as the public code computes it (every side padded to its longest text, float32, one score matrix) against ours (packed sub-batches
// of like length, bfloat16 products where this machine is fast at them), plain and cached, dense only and with all three outputs.
// Why: this is the step that the contrastive stage and fine-tuning repeat. Both sides train with BERT's dropout of 0.1, as the public code does; equality is looked at without.

using System.Diagnostics;
using System.Globalization;
using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Modeling;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>Forward and backward of a batch: queries of up to 64 tokens, passages of up to 256.</summary>
[IterationCount(5)]
[WarmupCount(2)]
public class ContrastiveSteps
{
    private const double Dropout = 0.1;
    private M3Encoder _exact = null!;       // float32
    private M3Encoder _fast = null!;        // what this machine is best at
    private TokenBatch _queries = null!;
    private TokenBatch _passages = null!;

    /// <summary>First argument of the same steps in turns, for machines whose speed changes from minute to minute: contrastive small|base [rounds [pairs]]. With more pairs than the padded step has memory for it is left out.</summary>
    public const string Argument = "contrastive";

    /// <summary>Runs all kinds of step in turns and prints medians.</summary>
    /// <returns>The exit code.</returns>
    public static int InTurns(IReadOnlyList<string> arguments)
    {
        var steps = new ContrastiveSteps { Model = arguments.Count > 0 && arguments[0] == "base" ? Shape.Base : Shape.Small };
        int rounds = arguments.Count > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 7;
        steps.Pairs = arguments.Count > 2 ? int.Parse(arguments[2], CultureInfo.InvariantCulture) : 0;
        steps.SetUp();
        (string Name, Func<double> Run)[] sides = [("plain", steps.Plain), ("plain, filled to the budget", steps.Filled), ("plain, layers recomputed", steps.Recomputed), ("cached", steps.Cached), ("three outputs", steps.Unified)];
        sides = steps.HasPadded ? [.. sides, ("padded, float32", steps.Padded)] : sides;
        double[][] seconds = [.. sides.Select(_ => new double[rounds])];
        foreach ((_, Func<double> run) in sides)
        {
            run();
        }
        for (int round = 0; round < rounds; round++)
        {
            for (int side = 0; side < sides.Length; side++)
            {
                var clock = Stopwatch.StartNew();
                sides[side].Run();
                seconds[side][round] = clock.Elapsed.TotalSeconds;
            }
        }
        for (int side = 0; side < sides.Length; side++)
        {
            // Ratios round by round: what slows the machine for a while slows both.
            double Ratio(int to) => Median([.. seconds[side].Zip(seconds[to], (x, y) => x / y)]);
            string padded = steps.HasPadded ? string.Create(CultureInfo.InvariantCulture, $", times padded {Ratio(sides.Length - 1):0.00}") : "";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sides[side].Name}: {Median(seconds[side]):0.00} s, {steps.Pairs / Median(seconds[side]):0.0} pairs/s; times plain {Ratio(0):0.00}{padded}"));
        }
        steps.CleanUp();
        return 0;

        static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
    }

    /// <summary>Size of the encoder.</summary>
    [Params(Shape.Small, Shape.Base)] public Shape Model { get; set; }

    // The padded step of the base shape keeps over 1 GB a pair.
    private int Usual => Model == Shape.Small ? 64 : 8;

    private int Pairs { get; set; }

    private bool HasPadded => Pairs <= Usual;

    [GlobalSetup]
    public void SetUp()
    {
        Pairs = Pairs > 0 ? Pairs : Usual;
        (_queries, _passages) = ContrastiveInputs.Pairs(Pairs, 64, 256);
        _exact = ContrastiveInputs.Encoder(Model, Compute.Float32, EmbeddingModes.All, Dropout);
        _fast = ContrastiveInputs.Encoder(Model, Precision.Choose("auto", CPU), EmbeddingModes.All, Dropout);
        int[] lengths = [.. new[] { _queries, _passages }.SelectMany(s => Enumerable.Range(0, s.Count).Select(s.LengthOf))];
        Console.WriteLine(FormattableString.Invariant($"// {Pairs} pairs, {lengths.Sum()} tokens; padding of each side to its longest {1 - (lengths.Sum() / (double)((_queries.MaxLength + _passages.MaxLength) * Pairs)):p1}, of sub-batches {SplitEncoding.PaddingOf(SplitEncoding.Plan(lengths, 8192), lengths):p1}"));
        Workload.Is(typeof(ContrastiveSteps), Pairs, "pairs", Model);
        if (!HasPadded)
        {
            return;
        }
        // The same numbers when ours computes in float32 as well.
        double plain = Padded(dropout: 0);
        Agreement.Require("the loss", plain, Step(_exact, _queries, _passages, EmbeddingModes.Dense, recompute: false, 1024, training: false), 1e-3);
        Tensor gradient = _exact.Encoder.Weights.Gradients.clone();
        Padded(dropout: 0);
        Agreement.Require("the gradients", _exact.Encoder.Weights.Gradients, gradient, 2e-3);
    }

    [Benchmark(Baseline = true, Description = "padded, float32")]
    public double Padded() => Padded(Dropout);

    private double Padded(double dropout)
    {
        using var scope = NewDisposeScope();
        _exact.Encoder.Weights.Zero();
        var objective = new InfoNce(0.02);
        Tensor loss = objective.Loss(objective.Scores(PaddedDense(_queries, dropout), PaddedDense(_passages, dropout)));
        loss.backward();
        return loss.item<float>();
    }

    [Benchmark(Description = "ours, plain")]
    public double Plain() => Step(_fast, EmbeddingModes.Dense, recompute: false);

    [Benchmark(Description = "ours, plain, sub-batches filled to the budget")]
    public double Filled() => Step(_fast, _queries, _passages, EmbeddingModes.Dense, recompute: false, 1024, int.MaxValue);

    [Benchmark(Description = "ours, plain, layers recomputed")]
    public double Recomputed() => Step(_fast, _queries, _passages, EmbeddingModes.Dense, recompute: false, 1024, recomputeLayers: true);

    [Benchmark(Description = "ours, cached")]
    public double Cached() => Step(_fast, EmbeddingModes.Dense, recompute: true);

    [Benchmark(Description = "ours, three outputs")]
    public double Unified() => Step(_fast, EmbeddingModes.All, recompute: false);

    [GlobalCleanup]
    public void CleanUp()
    {
        _exact.Encoder.Weights.Dispose();
        _fast.Encoder.Weights.Dispose();
    }

    /// <summary>One step of ours.</summary>
    internal static double Step(M3Encoder encoder, TokenBatch queries, TokenBatch passages, EmbeddingModes outputs, bool recompute, int scoreBlock, int? enough = null, bool training = true, bool recomputeLayers = false)
    {
        encoder.Encoder.Weights.Zero();
        var objective = new ContrastiveObjective { Outputs = outputs, SelfDistill = outputs != EmbeddingModes.Dense, WithoutWeight = encoder.Heads!.WithoutWeight, Products = encoder.Encoder.Weights.Compute.Type };
        double sum = 0;
        new SplitEncoding(encoder, outputs, 8192, recompute) { Enough = enough ?? SplitEncoding.EnoughOn(CPU), Training = training, RecomputeLayers = recomputeLayers }.Run([queries, passages], k => k, sides =>
        {
            for (int start = 0; start < queries.Count; start += scoreBlock)
            {
                using var scope = NewDisposeScope();
                int count = Math.Min(scoreBlock, queries.Count - start);
                Tensor loss = objective.Loss(sides[0], sides[1], new ContrastiveTargets(1, null, null), start, count, []) * (count / (double)queries.Count);
                loss.backward();
                sum += loss.item<float>();
            }
        });
        return sum;
    }

    private double Step(M3Encoder encoder, EmbeddingModes outputs, bool recompute) => Step(encoder, _queries, _passages, outputs, recompute, 1024);

    private Tensor PaddedDense(TokenBatch texts, double dropout)
    {
        var text = new PackedText(texts, _exact.Encoder.Config, CPU);
        var cells = new PackedText(Batches.Padded(texts), _exact.Encoder.Config, CPU);
        Tensor rows = new PaddedEncoder(_exact.Encoder, cells, text.Padding, dropout).Forward().view(texts.Count, cells.Length, -1);
        return rows.select(1, 0).ToUnitLength(ScalarType.Float32);
    }
}

// The terms of the dense loss at a temperature that is not 1, against plain loops over cosines: where a score is not divided by τ, or a margin of cosines is not, the figure is another one.

using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives.Contrastive;

public sealed class TemperatureTests
{
    private const double Tau = 0.05, Margin = 0.1;

    // Three queries in groups of two: the positive of query i is passage 2i. Every term has negatives less than the margin above the positive and others beyond it.
    private static readonly double[][] s_queries = Unit([[0, -1, 3], [-1, 4, 2], [4, -1, 1]]);
    private static readonly double[][] s_passages = Unit([[-1, 3, 3], [-1, 4, 2], [3, 0, -1], [2, -1, 1], [4, 3, 2], [2, 1, 4]]);
    private static readonly ContrastiveObjective s_plain = new() { Contrast = new InfoNce(Tau) };

    [Fact]
    public void Every_term_divides_its_cosines_by_the_temperature()
    {
        using var scope = NewDisposeScope();
        (double[][] q, double[][] p) = (s_queries, s_passages);
        double forward = Forward(q, p), back = Backward(q, p);
        AssertLoss(forward, s_plain);
        AssertLoss((forward + back) / 2, s_plain with { BothDirections = true });
        AssertLoss(Forward(q, p, queries: true), s_plain with { QueryQuery = true });
        AssertLoss(Forward(q, p, positives: true), s_plain with { PassagePassage = true });
        AssertLoss((Forward(q, p, queries: true, positives: true) + back) / 2, s_plain with { QueryQuery = true, PassagePassage = true, BothDirections = true });

        // The first two numbers, at unit length anew.
        (double[][] shortQ, double[][] shortP) = (Unit([.. q.Select(v => v[..2])]), Unit([.. p.Select(v => v[..2])]));
        double shorter = Forward(shortQ, shortP), shortBack = Backward(shortQ, shortP);
        AssertLoss((forward + shorter) / 2, s_plain with { MatryoshkaDimensions = [2] });
        AssertLoss((forward + back + shorter + shortBack) / 4, s_plain with { MatryoshkaDimensions = [2], BothDirections = true });

        double own = Enumerable.Range(0, 3).Average(i => Nats(Cosine(q[i], p[2 * i]), [Cosine(q[i], p[(2 * i) + 1])], double.PositiveInfinity));
        AssertLoss(own, s_plain with { Contrast = new InfoNce(Tau, InBatchNegatives: false) });
    }

    [Fact]
    public void The_margin_of_false_negatives_is_a_difference_of_cosines_in_every_term()
    {
        using var scope = NewDisposeScope();
        (double[][] q, double[][] p) = (s_queries, s_passages);
        ContrastiveObjective margin = s_plain with { FalseNegativeMargin = Margin };
        AssertLoss(Forward(q, p, Margin), margin);
        AssertLoss((Forward(q, p, Margin) + Backward(q, p, Margin)) / 2, margin with { BothDirections = true });
        AssertLoss(Forward(q, p, Margin, queries: true), margin with { QueryQuery = true });
        AssertLoss(Forward(q, p, Margin, positives: true), margin with { PassagePassage = true });
        ContrastiveObjective all = margin with { BothDirections = true, QueryQuery = true, PassagePassage = true };
        AssertLoss((Forward(q, p, Margin, queries: true, positives: true) + Backward(q, p, Margin)) / 2, all);
        double blocks = Enumerable.Range(0, 3).Average(i => all.Loss(Dense(q), Dense(p), new ContrastiveTargets(2, null, null), i, 1, []).item<double>());
        Assert.Equal(Loss(all), blocks, 1e-9);
        // A difference of scores, or no margin, would be another figure in each direction.
        foreach (double other in new[] { Margin * Tau, double.PositiveInfinity })
        {
            Assert.NotEqual(Forward(q, p, other), Forward(q, p, Margin), 1e-3);
            Assert.NotEqual(Backward(q, p, other), Backward(q, p, Margin), 1e-3);
            Assert.NotEqual(Forward(q, p, other, queries: true) - Forward(q, p, other), Forward(q, p, Margin, queries: true) - Forward(q, p, Margin), 1e-3);
            Assert.NotEqual(Forward(q, p, other, positives: true) - Forward(q, p, other), Forward(q, p, Margin, positives: true) - Forward(q, p, Margin), 1e-3);
        }
    }

    [Fact]
    public void The_cosine_that_is_logged_is_one()
    {
        using var scope = NewDisposeScope();
        var figures = new Dictionary<string, Tensor>();
        s_plain.Loss(Dense(s_queries), Dense(s_passages), new ContrastiveTargets(2, null, null), 0, 3, figures);
        Assert.Equal(Enumerable.Range(0, 3).Average(i => Cosine(s_queries[i], s_passages[2 * i])), figures["positive_cosine"].item<double>(), 1e-9);
    }

    // Queries look for their positives among all passages, and among other queries and other positives where these are asked for.
    private static double Forward(double[][] q, double[][] p, double margin = double.PositiveInfinity, bool queries = false, bool positives = false)
    {
        double sum = 0;
        for (int i = 0; i < q.Length; i++)
        {
            var others = new List<double>();
            for (int j = 0; j < p.Length; j++)
            {
                if (j != 2 * i)
                {
                    others.Add(Cosine(q[i], p[j]));
                }
            }
            for (int j = 0; j < q.Length; j++)
            {
                if (queries && j != i)
                {
                    others.Add(Cosine(q[i], q[j]));
                }
                if (positives && j != i)
                {
                    others.Add(Cosine(p[2 * i], p[2 * j]));
                }
            }
            sum += Nats(Cosine(q[i], p[2 * i]), others, margin);
        }
        return sum / q.Length;
    }

    // Positives look for their queries among all queries.
    private static double Backward(double[][] q, double[][] p, double margin = double.PositiveInfinity)
    {
        double sum = 0;
        for (int i = 0; i < q.Length; i++)
        {
            var others = new List<double>();
            for (int j = 0; j < q.Length; j++)
            {
                if (j != i)
                {
                    others.Add(Cosine(p[2 * i], q[j]));
                }
            }
            sum += Nats(Cosine(p[2 * i], q[i]), others, margin);
        }
        return sum / q.Length;
    }

    // What exceeds the positive by more than the margin is left out.
    private static double Nats(double positive, List<double> others, double margin)
    {
        double sum = Math.Exp(positive / Tau);
        foreach (double other in others)
        {
            sum += other > positive + margin ? 0 : Math.Exp(other / Tau);
        }
        return Math.Log(sum) - (positive / Tau);
    }

    private static double Cosine(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static double[][] Unit(double[][] rows) => [.. rows.Select(row => row.Select(x => x / Math.Sqrt(Cosine(row, row))).ToArray())];

    private static void AssertLoss(double expected, ContrastiveObjective objective) => Assert.Equal(expected, Loss(objective), 1e-9);

    private static double Loss(ContrastiveObjective objective) => objective.Loss(Dense(s_queries), Dense(s_passages), new ContrastiveTargets(2, null, null), 0, 3, []).item<double>();

    private static M3Outputs Dense(double[][] rows)
        => new(TokenBatch.Of([.. rows.Select(_ => new[] { 0, 1 })]), tensor(rows.SelectMany(r => r).ToArray()).view(rows.Length, -1), null, null);
}

using BgeSharp.Evaluation.Measures;
using CsCheck;

namespace BgeSharp.Tests.Evaluation.Measures;

public class MeasureTests
{
    [Fact]
    public void Correlations_agree_with_pencil_and_paper()
    {
        Assert.Equal(1, Correlation.Pearson([1, 2, 3], [2, 4, 6]), 12);
        Assert.Equal(-1, Correlation.Spearman([1, 2, 3], [9, 4, 1]), 12);
        // x − mean: −1 0 1; y − mean: −1 1 0 → 1 / 2.
        Assert.Equal(0.5, Correlation.Pearson([1, 2, 3], [1, 3, 2]), 12);
        Assert.Equal([1, 2.5, 2.5, 4], Correlation.Ranks([1, 5, 5, 7]));
        // Ranks 1 2.5 2.5 4 and 1 2 3 4: covariance 4.5, deviations 4.5 and 5.
        Assert.Equal(4.5 / Math.Sqrt(4.5 * 5), Correlation.Spearman([1, 5, 5, 7], [1, 2, 3, 4]), 12);
        Assert.True(double.IsNaN(Correlation.Pearson([1, 1], [1, 2])));
    }

    [Fact]
    public void Spearman_sees_the_order_only() => Gen.Int[-40, 40].Select(i => i / 8.0).Array[3, 20].Sample(x =>
    {
        double[] y = [.. x.Select((v, i) => v + Math.Sin(i))];
        double rho = Correlation.Spearman(x, y), other = Correlation.Spearman([.. x.Select(v => Math.Exp(v))], y);
        Assert.True(double.IsNaN(rho) ? double.IsNaN(other) : Math.Abs(rho - other) < 1e-9);
    });

    [Fact]
    public void Pair_decisions_agree_with_pencil_and_paper()
    {
        // From high to low: + − + −.
        var d = PairDecisions.Of([0.9, 0.8, 0.4, 0.1], [true, false, true, false]);
        Assert.Equal((1 + (2 / 3.0)) / 2, d.AveragePrecision, 12);
        Assert.Equal((0.75, 0.85), (d.Accuracy, Math.Round(d.AccuracyThreshold, 9)));
        Assert.Equal((0.8, 0.25), (Math.Round(d.F1, 9), d.F1Threshold));
        // Equal scores come in together: precision 1/2 for both.
        Assert.Equal(0.5, PairDecisions.Of([1, 1], [true, false]).AveragePrecision);
        Assert.Equal(0, PairDecisions.Of([1, 2], [false, false]).AveragePrecision);
    }

    [Fact]
    public void Label_agreement_agrees_with_pencil_and_paper()
    {
        var a = LabelAgreement.Of([0, 0, 1, 2], [0, 1, 1, 1]);
        Assert.Equal(0.5, a.Accuracy);
        Assert.Equal(((2 / 3.0) + (2 / 4.0) + 0) / 3, a.MacroF1, 12);
    }

    [Fact]
    public void V_measure_agrees_with_pencil_and_paper()
    {
        Assert.Equal((1, 1, 1), Parts(VMeasure.Of([5, 5, 7, 7], [0, 0, 1, 1])));
        Assert.Equal((0, 1, 0), Parts(VMeasure.Of([1, 1, 1, 1], [0, 0, 1, 1])));
        // Every item its own cluster: homogeneous; H(class) = ln 2, H(cluster) = ln 4.
        Assert.Equal((1, 0.5, 2 / 3.0), Parts(VMeasure.Of([0, 1, 2, 3], [0, 0, 1, 1])));

        static (double, double, double) Parts(VMeasure v) => (Math.Round(v.Homogeneity, 12), Math.Round(v.Completeness, 12), v.V > 0.66 && v.V < 0.67 ? 2 / 3.0 : Math.Round(v.V, 12));
    }

    [Fact]
    public void V_measure_does_not_care_for_names_and_is_symmetric() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]).Array[1, 20].Sample(pairs =>
    {
        int[] a = [.. pairs.Select(p => p.Item1)], b = [.. pairs.Select(p => p.Item2)];
        VMeasure v = VMeasure.Of(a, b), other = VMeasure.Of([.. b.Select(x => 9 - x)], a);
        Assert.Equal(v.V, other.V, 9);
        Assert.Equal(v.Homogeneity, other.Completeness, 9);
    });
}

using BgeSharp.Evaluation.Learning;
using BgeSharp.Evaluation.Measures;

namespace BgeSharp.Tests.Evaluation.Learning;

public class LearningTests
{
    [Fact]
    public void A_probe_of_one_number_finds_the_minimum_of_its_objective()
    {
        // Vectors −1 and 1, one of each class, two classes: by symmetry w₁ = −w₀ = v, no bias, and v² + 2·ln(1 + e^(−2v)) is least where v = 2/(1 + e^(2v)).
        double v = 0.5;
        for (int i = 0; i < 200; i++)
        {
            v = (0.5 * v) + (0.5 * (2 / (1 + Math.Exp(2 * v))));
        }
        var point = new double[1];
        QuasiNewton.Minimize(point, (x, g) =>
        {
            g[0] = (2 * x[0]) - (4 / (1 + Math.Exp(2 * x[0])));
            return (x[0] * x[0]) + (2 * Math.Log(1 + Math.Exp(-2 * x[0])));
        }, 100);
        Assert.Equal(v, point[0], 4);
        Assert.Equal([0, 1, 1], LogisticRegression.Fit([-1, 1], 1, [0, 1]).Predict([-0.1f, 0.1f, 5]));
    }

    [Fact]
    public void Quasi_newton_solves_a_badly_scaled_quadratic()
    {
        double[] scales = [1, 10, 100, 1000], point = new double[4];
        QuasiNewton.Minimize(point, (x, g) =>
        {
            double value = 0;
            for (int i = 0; i < 4; i++)
            {
                g[i] = scales[i] * (x[i] - i);
                value += 0.5 * scales[i] * (x[i] - i) * (x[i] - i);
            }
            return value;
        }, 200);
        Assert.All(point.Select((x, i) => Math.Abs(x - i)), d => Assert.True(d < 1e-4));
    }

    [Fact]
    public void A_probe_tells_three_clouds_apart()
    {
        (float[] vectors, int[] labels) = Clouds(3, 40, 5, 11);
        int[] predicted = LogisticRegression.Fit(vectors, 5, labels).Predict(vectors);
        Assert.True(LabelAgreement.Of(predicted, labels).Accuracy > 0.95);
    }

    [Fact]
    public void Clusters_of_clouds_are_the_clouds_and_the_seed_decides()
    {
        (float[] vectors, int[] labels) = Clouds(4, 30, 6, 3);
        int[] clusters = MiniBatchKMeans.Fit(vectors, 6, 4, seed: 2);
        Assert.True(VMeasure.Of(clusters, labels).V > 0.9);
        Assert.Equal(clusters, MiniBatchKMeans.Fit(vectors, 6, 4, seed: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => MiniBatchKMeans.Fit(vectors, 6, 121));
        Assert.Equal([0, 0, 0], MiniBatchKMeans.Fit([1, 1, 1], 1, 1));
    }

    private static (float[] Vectors, int[] Labels) Clouds(int classes, int each, int dimension, int seed)
    {
        var random = new Random(seed);
        int[] labels = [.. Enumerable.Range(0, classes * each).Select(i => i % classes)];
        float[] vectors = [.. labels.SelectMany(l => Enumerable.Range(0, dimension).Select(d => (float)((d == l ? 3 : 0) + random.NextDouble())))];
        return (vectors, labels);
    }
}

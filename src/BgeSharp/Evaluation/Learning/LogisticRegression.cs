// Multinomial logistic regression on frozen vectors, the probe of classification tasks:
//   minimise ½‖W‖² + C · Σ_i −log softmax(W x_i + b)[y_i]          the bias is not penalised; C = 1 as in MTEB's probe
// Convex, solved by L-BFGS in double precision: the same data give the same weights, no seed, no learning rate.

namespace BgeSharp.Evaluation.Learning;

/// <summary>A fitted classifier.</summary>
public sealed class LogisticRegression
{
    private readonly double[] _weights; // [K, D + 1], bias last
    private readonly int _classes;
    private readonly int _dimension;

    private LogisticRegression(double[] weights, int classes, int dimension) => (_weights, _classes, _dimension) = (weights, classes, dimension);

    /// <summary>Fits a classifier.</summary>
    /// <param name="vectors">[N, D] row-major.</param>
    /// <param name="dimension">D.</param>
    /// <param name="labels">[N], classes 0 to K − 1, K at least 2.</param>
    /// <param name="c">Weight of the data against the penalty, above 0.</param>
    /// <param name="iterations">Steps of L-BFGS at most.</param>
    public static LogisticRegression Fit(float[] vectors, int dimension, int[] labels, double c = 1, int iterations = 100)
    {
        int classes = labels.Length > 0 ? labels.Max() + 1 : 0;
        if (vectors.Length != (long)labels.Length * dimension || classes < 2)
        {
            throw new ArgumentException($"{labels.Length} labels of {classes} classes do not go with {vectors.Length} numbers in rows of {dimension}", nameof(labels));
        }
        var weights = new double[classes * (dimension + 1)];
        QuasiNewton.Minimize(weights, (at, gradient) => Objective(vectors, dimension, labels, classes, c, at, gradient), iterations);
        return new LogisticRegression(weights, classes, dimension);
    }

    /// <summary>The likeliest class of each vector; the lowest class among equals.</summary>
    /// <param name="vectors">[N, D] row-major.</param>
    public int[] Predict(float[] vectors)
    {
        var result = new int[vectors.Length / _dimension];
        var scores = new double[_classes];
        for (int i = 0; i < result.Length; i++)
        {
            Scores(_weights, vectors.AsSpan(i * _dimension, _dimension), scores);
            result[i] = Array.IndexOf(scores, scores.Max());
        }
        return result;
    }

    private static double Objective(float[] vectors, int dimension, int[] labels, int classes, double c, double[] weights, double[] gradient)
    {
        double loss = 0;
        for (int k = 0, w = 0; k < classes; k++, w++)
        {
            for (int d = 0; d < dimension; d++, w++)
            {
                loss += 0.5 * weights[w] * weights[w];
                gradient[w] = weights[w];
            }
            gradient[w] = 0;
        }
        var scores = new double[classes];
        for (int i = 0; i < labels.Length; i++)
        {
            ReadOnlySpan<float> x = vectors.AsSpan(i * dimension, dimension);
            Scores(weights, x, scores);
            double top = scores.Max(), sum = scores.Sum(s => Math.Exp(s - top));
            loss += c * (Math.Log(sum) + top - scores[labels[i]]);
            for (int k = 0; k < classes; k++)
            {
                double pull = c * ((Math.Exp(scores[k] - top) / sum) - (k == labels[i] ? 1 : 0));
                Span<double> row = gradient.AsSpan(k * (dimension + 1), dimension + 1);
                for (int d = 0; d < x.Length; d++)
                {
                    row[d] += pull * x[d];
                }
                row[dimension] += pull;
            }
        }
        return loss;
    }

    private static void Scores(double[] weights, ReadOnlySpan<float> x, double[] scores)
    {
        for (int k = 0; k < scores.Length; k++)
        {
            ReadOnlySpan<double> row = weights.AsSpan(k * (x.Length + 1), x.Length + 1);
            double sum = row[x.Length];
            for (int d = 0; d < x.Length; d++)
            {
                sum += row[d] * x[d];
            }
            scores[k] = sum;
        }
    }
}

// L-BFGS (Nocedal 1980): gradient steps shaped by the last few changes of the gradient. Step lengths are halved until the value falls enough (Armijo);
// changes that would spoil the shape (no positive curvature) are left out. For smooth convex functions of moderate size.

namespace BgeSharp.Evaluation.Learning;

/// <summary>Minimises a smooth function.</summary>
internal static class QuasiNewton
{
    private const int History = 10;
    private const double Tolerance = 1e-5;

    /// <summary>Moves a point to a minimum.</summary>
    /// <param name="point">Start; holds the minimum afterwards.</param>
    /// <param name="function">Value at a point; fills the gradient.</param>
    /// <param name="iterations">Steps at most.</param>
    public static void Minimize(double[] point, Func<double[], double[], double> function, int iterations)
    {
        var gradient = new double[point.Length];
        double value = function(point, gradient);
        var history = new LinkedList<(double[] Step, double[] Change, double Curvature)>();
        double[] tried = new double[point.Length], triedGradient = new double[point.Length];
        for (int iteration = 0; iteration < iterations && gradient.Max(Math.Abs) > Tolerance; iteration++)
        {
            double[] direction = Direction(gradient, history);
            double slope = Dot(direction, gradient), length = iteration == 0 ? Math.Min(1, 1 / gradient.Sum(Math.Abs)) : 1, next = double.NaN;
            int halvings = 0;
            for (; halvings < 40; halvings++, length /= 2)
            {
                for (int i = 0; i < point.Length; i++)
                {
                    tried[i] = point[i] + (length * direction[i]);
                }
                next = function(tried, triedGradient);
                if (next <= value + (1e-4 * length * slope))
                {
                    break;
                }
            }
            if (halvings == 40)
            {
                return; // no step helps: rounding is all that is left
            }
            double[] step = [.. tried.Zip(point, (a, b) => a - b)], change = [.. triedGradient.Zip(gradient, (a, b) => a - b)];
            double curvature = Dot(step, change);
            if (curvature > 1e-12 * Dot(change, change))
            {
                history.AddLast((step, change, curvature));
                if (history.Count > History)
                {
                    history.RemoveFirst();
                }
            }
            tried.CopyTo(point, 0);
            triedGradient.CopyTo(gradient, 0);
            value = next;
        }
    }

    private static double[] Direction(double[] gradient, LinkedList<(double[] Step, double[] Change, double Curvature)> history)
    {
        double[] q = [.. gradient.Select(g => -g)];
        var shares = new Stack<double>();
        for (var node = history.Last; node is not null; node = node.Previous)
        {
            double share = Dot(node.Value.Step, q) / node.Value.Curvature;
            shares.Push(share);
            Add(q, node.Value.Change, -share);
        }
        if (history.Last is { Value: var last })
        {
            double scale = last.Curvature / Dot(last.Change, last.Change);
            for (int i = 0; i < q.Length; i++)
            {
                q[i] *= scale;
            }
        }
        for (var node = history.First; node is not null; node = node.Next)
        {
            Add(q, node.Value.Step, shares.Pop() - (Dot(node.Value.Change, q) / node.Value.Curvature));
        }
        return q;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void Add(double[] to, double[] what, double factor)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] += factor * what[i];
        }
    }
}

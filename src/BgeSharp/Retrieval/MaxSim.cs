// Late interaction (Khattab and Zaharia 2020): every vector of a query takes its best partner among the vectors of a passage; the mean is the score.
// Exact and costly: query vectors × passage vectors × C products a pair, so it usually judges the candidates of a cheaper search.

using System.Numerics.Tensors;

namespace BgeSharp.Retrieval;

/// <summary>Multi-vector scores of row-major vectors.</summary>
public static class MaxSim
{
    /// <summary>(1/n) Σ_i max_j q_i·p_j; 0 when either side has no vectors.</summary>
    /// <param name="query">[n, C] row-major.</param>
    /// <param name="passage">[m, C] row-major.</param>
    /// <param name="dimension">C.</param>
    public static unsafe float Score(ReadOnlySpan<float> query, ReadOnlySpan<float> passage, int dimension)
    {
        int n = query.Length / dimension, m = passage.Length / dimension;
        if (n == 0 || m == 0)
        {
            return 0;
        }
        const int Rows = InnerProducts.Rows, Queries = InnerProducts.Queries;
        float* scores = stackalloc float[Rows * Queries];
        float* best = stackalloc float[Queries];
        double sum = 0;
        fixed (float* q = query, p = passage)
        {
            for (int i = 0; i < n; i += Queries)
            {
                int columns = Math.Min(Queries, n - i);
                new Span<float>(best, Queries).Fill(float.NegativeInfinity);
                for (int j = 0; j < m; j += Rows)
                {
                    int rows = Math.Min(Rows, m - j);
                    InnerProducts.Tile(p + ((long)j * dimension), rows, q + ((long)i * dimension), columns, dimension, scores);
                    for (int c = 0; c < columns; c++)
                    {
                        best[c] = MathF.Max(best[c], TensorPrimitives.Max(new ReadOnlySpan<float>(scores + (c * Rows), rows)));
                    }
                }
                for (int c = 0; c < columns; c++)
                {
                    sum += best[c];
                }
            }
        }
        return (float)(sum / n);
    }
}

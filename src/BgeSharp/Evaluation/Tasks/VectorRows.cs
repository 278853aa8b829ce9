// Products of rows in row-major vectors, for the small tasks that need single pairs and no search.

using System.Numerics.Tensors;

namespace BgeSharp.Evaluation.Tasks;

/// <summary>Rows of a matrix.</summary>
internal static class VectorRows
{
    /// <summary>Row i.</summary>
    public static ReadOnlySpan<float> Of(float[] vectors, int dimension, int row) => vectors.AsSpan(row * dimension, dimension);

    /// <summary>Cosine of two rows; 0 when one is zero.</summary>
    public static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double norms = Math.Sqrt((double)TensorPrimitives.SumOfSquares(a) * TensorPrimitives.SumOfSquares(b));
        return norms > 0 ? TensorPrimitives.Dot(a, b) / norms : 0;
    }

    /// <summary>Different texts once each, and where each text of a list is among them: a text is encoded once.</summary>
    public static (string[] Distinct, int[] Rows) Once(IEnumerable<string> texts)
    {
        var rowOf = new Dictionary<string, int>(StringComparer.Ordinal);
        int[] rows = [.. texts.Select(t => rowOf.TryGetValue(t, out int row) ? row : rowOf[t] = rowOf.Count)];
        return ([.. rowOf.Keys], rows);
    }
}

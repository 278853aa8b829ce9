// Vectors rounded to signed bytes: 255 steps, each vector with a scale of its own. The error that the rounding made is kept, so that a bound on products can be told.

using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace BgeSharp.Training.Search;

/// <summary>Rows of bytes with their scales.</summary>
internal sealed class ByteRows
{
    private const float Steps = 127;
    private readonly float[] _lengths;
    private readonly float[] _errors;
    private readonly float _longest, _worst;

    /// <param name="vectors">Rows of <paramref name="dimension"/> numbers.</param>
    /// <param name="first">First row to round.</param>
    /// <param name="count">How many.</param>
    /// <param name="dimension">D.</param>
    public ByteRows(float[] vectors, int first, int count, int dimension)
    {
        Values = new sbyte[count * dimension];
        Scales = new float[count];
        (_lengths, _errors) = (new float[count], new float[count]);
        Parallel.For(0, count, row =>
        {
            ReadOnlySpan<float> vector = vectors.AsSpan((first + row) * dimension, dimension);
            float most = MathF.Abs(TensorPrimitives.MaxMagnitude(vector));
            if (!float.IsFinite(most))
            {
                Scales[row] = float.NaN;                            // is better than nothing, as in float32
                return;
            }
            float scale = most > 0 ? most / Steps : 1;
            Span<sbyte> values = Values.AsSpan(row * dimension, dimension);
            double error = 0;
            for (int i = 0; i < dimension; i++)
            {
                values[i] = (sbyte)MathF.Round(vector[i] / scale);
                double off = vector[i] - ((double)values[i] * scale);
                error += off * off;
            }
            (Scales[row], _lengths[row], _errors[row]) = (scale, TensorPrimitives.Norm(vector), (float)Math.Sqrt(error));
        });
        (_longest, _worst) = count == 0 ? (0, 0) : (TensorPrimitives.Max<float>(_lengths), TensorPrimitives.Max<float>(_errors));
    }

    /// <summary>[rows, D].</summary>
    public sbyte[] Values { get; }

    /// <summary>What a byte of each row is worth.</summary>
    public float[] Scales { get; }

    /// <summary>Most that the product of a row's bytes with any of another's, times both scales, can be off.</summary>
    /// <param name="row">One of these.</param>
    /// <param name="others">Rows it is multiplied with.</param>
    public float ErrorWith(int row, ByteRows others) => (_errors[row] * others._longest) + ((_lengths[row] + _errors[row]) * others._worst);
}

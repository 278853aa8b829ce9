// Arithmetic with numbers that stay alive. TorchSharp 0.107 hands a number to libtorch as a Scalar whose only owner is the garbage collector: in "a + b" (which is
// a + 1·b) the Scalar may be finalised, and its memory given to somebody else, while libtorch still reads it. Rare, and then a crash or a wrong sum.
// Here every Scalar is disposed after the call, so it lives as long as the call does. An architecture test keeps the unsafe forms out of this assembly.

using TorchSharp;

namespace BgeSharp.Training;

/// <summary>Tensor operations that take a number, or make one inside.</summary>
internal static class TensorArithmetic
{
    /// <summary>Adds rows to those of a matrix that ids name; one may come several times.</summary>
    public static Tensor AddRowsInPlace(this Tensor matrix, Tensor ids, Tensor rows)
    {
        using Scalar one = 1.ToScalar();
        return matrix.index_add_(0, ids, rows, one);
    }

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor left, Tensor right)
    {
        using Scalar one = 1.ToScalar();
        return left.add(right, one);
    }

    /// <summary>a + x.</summary>
    public static Tensor Plus(this Tensor left, double right)
    {
        using Scalar number = right.ToScalar(), one = 1.ToScalar();
        return left.add(number, one);
    }

    /// <summary>a + n, for tensors of whole numbers.</summary>
    public static Tensor Plus(this Tensor left, long right)
    {
        using Scalar number = right.ToScalar(), one = 1.ToScalar();
        return left.add(number, one);
    }

    /// <summary>a − b.</summary>
    public static Tensor Minus(this Tensor left, Tensor right)
    {
        using Scalar minusOne = (-1).ToScalar();
        return left.add(right, minusOne);
    }

    /// <summary>x · a.</summary>
    public static Tensor Times(this Tensor left, double right)
    {
        using Scalar number = right.ToScalar();
        return left.mul(number);
    }

    /// <summary>n · a, for tensors of whole numbers.</summary>
    public static Tensor Times(this Tensor left, long right)
    {
        using Scalar number = right.ToScalar();
        return left.mul(number);
    }

    /// <summary>a / x.</summary>
    public static Tensor Over(this Tensor left, double right)
    {
        using Scalar number = right.ToScalar();
        return left.div(number);
    }

    /// <summary>a mod n.</summary>
    public static Tensor Modulo(this Tensor left, long right)
    {
        using Scalar number = right.ToScalar();
        return left.remainder(number);
    }

    /// <summary>a = n, element by element.</summary>
    public static Tensor EqualTo(this Tensor left, long right)
    {
        using Scalar number = right.ToScalar();
        return left.eq(number);
    }

    /// <summary>a with x where the mask is true.</summary>
    public static Tensor Masked(this Tensor tensor, Tensor mask, double value)
    {
        using Scalar number = value.ToScalar();
        return tensor.masked_fill(mask, number);
    }

    /// <summary>a ← x where the mask is true.</summary>
    public static Tensor MaskInPlace(this Tensor tensor, Tensor mask, double value)
    {
        using Scalar number = value.ToScalar();
        return tensor.masked_fill_(mask, number);
    }

    /// <summary>a ← a + b.</summary>
    public static Tensor AddInPlace(this Tensor tensor, Tensor other)
    {
        using Scalar one = 1.ToScalar();
        return tensor.add_(other, one);
    }

    /// <summary>a ← a + x·b.</summary>
    public static Tensor AddInPlace(this Tensor tensor, Tensor other, double factor)
    {
        using Scalar number = factor.ToScalar();
        return tensor.add_(other, number);
    }

    /// <summary>a ← a + x.</summary>
    public static Tensor AddInPlace(this Tensor tensor, double value)
    {
        using Scalar number = value.ToScalar(), one = 1.ToScalar();
        return tensor.add_(number, one);
    }

    /// <summary>a ← a − b.</summary>
    public static Tensor SubtractInPlace(this Tensor tensor, Tensor other)
    {
        using Scalar minusOne = (-1).ToScalar();
        return tensor.add_(other, minusOne);
    }

    /// <summary>a ← x·a.</summary>
    public static Tensor ScaleInPlace(this Tensor tensor, double factor)
    {
        using Scalar number = factor.ToScalar();
        return tensor.mul_(number);
    }

    /// <summary>a ← a / x.</summary>
    public static Tensor DivideInPlace(this Tensor tensor, double divisor)
    {
        using Scalar number = divisor.ToScalar();
        return tensor.div_(number);
    }

    /// <summary>a ← x everywhere.</summary>
    public static Tensor FillInPlace(this Tensor tensor, double value)
    {
        using Scalar number = value.ToScalar();
        return tensor.fill_(number);
    }

    /// <summary>a ← a + x·b·c.</summary>
    public static Tensor AddProductInPlace(this Tensor tensor, Tensor left, Tensor right, double factor)
    {
        using Scalar number = factor.ToScalar();
        return tensor.addcmul_(left, right, number);
    }

    /// <summary>a ← a + x·b/c.</summary>
    public static Tensor AddQuotientInPlace(this Tensor tensor, Tensor numerator, Tensor denominator, double factor)
    {
        using Scalar number = factor.ToScalar();
        return tensor.addcdiv_(numerator, denominator, number);
    }

    /// <summary>0, 1, ... n − 1.</summary>
    public static Tensor CountTo(long count, Device device)
    {
        using Scalar start = 0L.ToScalar(), stop = count.ToScalar(), step = 1L.ToScalar();
        return arange(start, stop, step, ScalarType.Int64, device);
    }
}

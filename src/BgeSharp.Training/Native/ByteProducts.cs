// Products of signed bytes with exact sums of 32 bits. Processors with VNNI (AVX512-VNNI, AVX-VNNI) do four of them where they do one of float32.
// libtorch has them as an operator that TorchSharp gives no name, so a line of TorchScript calls it. Without VNNI it is slow, and where sums of 16 bits
// stand between (as on older processors) even wrong: one look at the extremes tells.

using System.Runtime.Intrinsics.X86;

namespace BgeSharp.Training.Native;

/// <summary>Matrix products of bytes.</summary>
public static class ByteProducts
{
    private static readonly Lazy<jit.CompilationUnit?> Unit = new(Compile);
    private static readonly Lazy<bool> IsFast = new(() => HasVnni && Unit.Value is not null && IsRight());

    /// <summary>True where products of bytes are exact and faster than any others.</summary>
    public static bool AreFast => IsFast.Value;

    // Leaf 7: AVX512-VNNI is bit 11 of ECX, AVX-VNNI bit 4 of EAX of its second page (Intel SDM, volume 2, CPUID).
    private static bool HasVnni => X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7
        && ((X86Base.CpuId(7, 0).Ecx >> 11 & 1) == 1 || (X86Base.CpuId(7, 1).Eax >> 4 & 1) == 1);

    /// <param name="left">[M, K], Int8, on the processor.</param>
    /// <param name="right">[K, N], Int8; the transpose of a [N, K] tensor is read as it lies.</param>
    /// <returns>[M, N], Int32, exact while K is below 131,072.</returns>
    /// <exception cref="NotSupportedException">This libtorch has no such products.</exception>
    public static Tensor Of(Tensor left, Tensor right)
        => (Tensor)(Unit.Value ?? throw new NotSupportedException("this libtorch has no products of bytes.")).invoke("product", left, right);

    private static jit.CompilationUnit? Compile()
    {
        LibTorch.Start();
        try
        {
            return jit.compile("def product(a: Tensor, b: Tensor):\n    return torch._int_mm(a, b)\n");
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return null;
        }
    }

    private static bool IsRight()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        const int size = 64;
        return new[] { (127, 127), (127, -127), (-127, 127), (-127, -127) }.All(pair =>
            Of(All(pair.Item1), All(pair.Item2).t()).data<int>().All(sum => sum == pair.Item1 * pair.Item2 * size));

        static Tensor All(int value) => tensor(Enumerable.Repeat((sbyte)value, size * size).ToArray()).view(size, size);
    }
}

// Dropout of float32 and bfloat16 on the processor. libtorch draws a float a number, divides it, multiplies and keeps it for the backward pass; here a bit a number is kept,
// and drawing, scaling and writing are one visit. 16 bits decide about a number, so a share is one of 65,536; the scale belongs to that share, and the mean is exact.
// Draws are a function of a seed and of the place, not of threads: xorshift128+ (Vigna 2014), four at a time, begun anew for every block of numbers.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace BgeSharp.Training.Modeling;

/// <summary>Which numbers of a tensor are kept.</summary>
internal static unsafe class DropoutBits
{
    private const int Block = 16 << 10, Lanes = 16, Steps = 1 << 16;

    /// <summary>True for tensors whose dropout is done here.</summary>
    public static bool Fits(Tensor x) => x.device.type == TorchSharp.DeviceType.CPU && (x.dtype is ScalarType.Float32 or ScalarType.BFloat16) && x.numel() is > 0 and < int.MaxValue / sizeof(float);

    /// <summary>A seed from torch's generator, whose state recomputed layers put back.</summary>
    public static ulong Seed()
    {
        using Tensor drawn = rand([1], ScalarType.Float64);
        return BitConverter.DoubleToUInt64Bits(drawn.item<double>());
    }

    /// <param name="x">Contiguous.</param>
    /// <param name="share">Of numbers to drop, in (0, 1).</param>
    /// <param name="seed">Of the draws.</param>
    /// <returns>What is left, scaled up so that its mean is that of <paramref name="x"/>; and a bit for each number, 16 in an element.</returns>
    public static (Tensor Left, Tensor Bits) Draw(Tensor x, double share, ulong seed)
    {
        Tensor left = empty_like(x), bits = empty((x.numel() + Lanes - 1) / Lanes, ScalarType.Int16);
        (ushort dropped, float scale) = Steady(share);
        Visit(x, left, bits, (numbers, kept, count, block) =>
        {
            Vector256<ulong> a = Begin(seed, block, 0), b = Begin(seed, block, 4);
            Vector256<ushort> limit = Vector256.Create(dropped);
            for (int i = 0; i < count; i += Lanes)
            {
                Vector256<ulong> sum = a + b;
                (a, b) = (b, a ^ Vector256.ShiftLeft(a, 23));
                b ^= a ^ Vector256.ShiftRightLogical(b, 18) ^ Vector256.ShiftRightLogical(a, 5);
                kept[i / Lanes] = (ushort)Vector256.GreaterThanOrEqual(sum.AsUInt16(), limit).ExtractMostSignificantBits();
                Scale(numbers, i, kept[i / Lanes], scale, Math.Min(Lanes, count - i));
            }
        });
        return (left, bits);
    }

    /// <summary>The same numbers of another tensor, with the same scale.</summary>
    /// <param name="x">Contiguous, as large as what the bits were drawn for.</param>
    /// <param name="bits">What <see cref="Draw"/> kept.</param>
    /// <param name="share">Of numbers to drop.</param>
    /// <param name="into">Receives them; null for a new tensor. May be <paramref name="x"/>.</param>
    public static Tensor Apply(Tensor x, Tensor bits, double share, Tensor? into = null)
    {
        Tensor left = into ?? empty_like(x);
        float scale = Steady(share).Scale;
        Visit(x, left, bits, (numbers, kept, count, _) =>
        {
            for (int i = 0; i < count; i += Lanes)
            {
                Scale(numbers, i, kept[i / Lanes], scale, Math.Min(Lanes, count - i));
            }
        });
        return left;
    }

    // Where a block is read and written: of float32 or of bfloat16.
    private readonly record struct Numbers(nint From, nint To, bool AreFloats);

    private delegate void BlockVisit(Numbers numbers, ushort* kept, int count, int block);

    private static void Visit(Tensor x, Tensor left, Tensor bits, BlockVisit visit)
    {
        fixed (byte* from = x.bytes, to = left.bytes, kept = bits.bytes)
        {
            (nint source, nint target, nint marks) = ((nint)from, (nint)to, (nint)kept);
            bool floats = x.dtype == ScalarType.Float32;
            int size = floats ? sizeof(float) : sizeof(ushort), count = (int)x.numel(), blocks = (count + Block - 1) / Block;
            void Of(int block)
            {
                int start = block * Block;
                visit(new Numbers(source + ((nint)start * size), target + ((nint)start * size), floats), (ushort*)marks + (start / Lanes), Math.Min(Block, count - start), block);
            }
            if (blocks < 16)
            {
                // Too little to wake others for.
                for (int block = 0; block < blocks; block++)
                {
                    Of(block);
                }
            }
            else
            {
                Parallel.For(0, blocks, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, Of);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Numbers numbers, int start, ushort kept, float scale, int count)
    {
        if (count < Lanes)
        {
            Last(numbers, start, kept, scale, count);
            return;
        }
        Vector256<int> all = Vector256.Create((int)kept), places = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128), high = Vector256.ShiftLeft(places, 8);
        Vector256<float> first = Vector256.Equals(all & places, places).AsSingle(), second = Vector256.Equals(all & high, high).AsSingle();
        if (numbers.AreFloats)
        {
            float* from = (float*)numbers.From + start, to = (float*)numbers.To + start;
            (Vector256.Load(from) * scale & first).Store(to);
            (Vector256.Load(from + 8) * scale & second).Store(to + 8);
            return;
        }
        (Vector256<uint> low, Vector256<uint> up) = Vector256.Widen(Vector256.Load((ushort*)numbers.From + start));
        Vector256.Narrow(Rounded(Vector256.ShiftLeft(low, 16).AsSingle() * scale & first), Rounded(Vector256.ShiftLeft(up, 16).AsSingle() * scale & second)).Store((ushort*)numbers.To + start);
    }

    // Fewer than a register holds.
    private static void Last(Numbers numbers, int start, ushort kept, float scale, int count)
    {
        int size = numbers.AreFloats ? sizeof(float) : sizeof(ushort);
        byte* from = stackalloc byte[Lanes * sizeof(float)], to = stackalloc byte[Lanes * sizeof(float)];
        NativeMemory.Copy((byte*)numbers.From + ((nint)start * size), from, (nuint)(count * size));
        Scale(new Numbers((nint)from, (nint)to, numbers.AreFloats), 0, kept, scale, Lanes);
        NativeMemory.Copy(to, (byte*)numbers.To + ((nint)start * size), (nuint)(count * size));
    }

    // The nearest bfloat16, ties to even, in the lower half of each.
    private static Vector256<uint> Rounded(Vector256<float> x)
    {
        Vector256<uint> bits = x.AsUInt32();
        Vector256<uint> nearest = Vector256.ShiftRightLogical(bits + Vector256.Create(0x7FFFu) + (Vector256.ShiftRightLogical(bits, 16) & Vector256<uint>.One), 16);
        return Vector256.ConditionalSelect(Vector256.Equals(x, x).AsUInt32(), nearest, Vector256.Create(0x7FC0u));
    }

    private static (ushort Dropped, float Scale) Steady(double share)
    {
        int dropped = Math.Clamp((int)Math.Round(share * Steps), 1, Steps - 1);
        return ((ushort)dropped, Steps / (float)(Steps - dropped));
    }

    private static Vector256<ulong> Begin(ulong seed, int block, int first)
    {
        Span<ulong> state = stackalloc ulong[4];
        for (int i = 0; i < 4; i++)
        {
            state[i] = HashCodes.Of((long)seed, block, first + i) | 1;      // never all zero
        }
        return Vector256.Create<ulong>(MemoryMarshal.CreateReadOnlySpan(ref state[0], 4));
    }
}

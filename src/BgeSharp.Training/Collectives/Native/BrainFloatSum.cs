// MPI knows no bfloat16. Sums of it are a user operation: each pair is added in float32 and rounded to nearest even, as a processor's conversion does.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BgeSharp.Training.Collectives.Native;

/// <summary>Adds bfloat16 numbers that stand as 16-bit words.</summary>
internal static unsafe class BrainFloatSum
{
    /// <summary>into ← into + values.</summary>
    public static void Add(ReadOnlySpan<ushort> values, Span<ushort> into)
    {
        int width = Vector<ushort>.Count, i = 0;
        for (; i + width <= into.Length; i += width)
        {
            Vector.Widen(new Vector<ushort>(values[i..]), out Vector<uint> low, out Vector<uint> high);
            Vector.Widen(new Vector<ushort>(into[i..]), out Vector<uint> intoLow, out Vector<uint> intoHigh);
            Vector.Narrow(Add(low, intoLow), Add(high, intoHigh)).CopyTo(into[i..]);
        }
        for (; i < into.Length; i++)
        {
            into[i] = Round(Widen(values[i]) + Widen(into[i]));
        }
    }

    /// <summary>As MPI calls it.</summary>
    [UnmanagedCallersOnly]
    public static void Call(void* values, void* into, int* count, nint type)
        => Add(new ReadOnlySpan<ushort>(values, *count), new Span<ushort>(into, *count));

    private static Vector<uint> Add(Vector<uint> a, Vector<uint> b)
    {
        Vector<float> sum = Vector.AsVectorSingle(a << 16) + Vector.AsVectorSingle(b << 16);
        Vector<uint> bits = Vector.AsVectorUInt32(sum);
        Vector<uint> rounded = (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        // What is not a number stays so: rounding must not carry it into infinity.
        return Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.Equals(sum, sum)), rounded, (bits >> 16) | new Vector<uint>(0x40));
    }

    private static float Widen(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}

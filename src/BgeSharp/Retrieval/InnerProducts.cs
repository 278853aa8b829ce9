// The kernel of exact search: 4 rows × 3 queries at once, so that 7 loads feed 12 fused multiply-adds and 16 registers suffice.
// Tiles at the edge repeat their last row or query instead of taking another path: every score is summed in the same order.

using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BgeSharp.Retrieval;

internal static unsafe class InnerProducts
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 4;

    /// <summary>Queries of a tile.</summary>
    public const int Queries = 3;

    /// <summary>Inner products of up to 4 rows and up to 3 queries.</summary>
    /// <param name="rows">[rowCount, dimension].</param>
    /// <param name="rowCount">1 to 4.</param>
    /// <param name="queries">[queryCount, dimension].</param>
    /// <param name="queryCount">1 to 3.</param>
    /// <param name="dimension">D.</param>
    /// <param name="scores">[3, 4]: query-major; rows and queries beyond the counts hold repeats.</param>
    public static void Tile(float* rows, int rowCount, float* queries, int queryCount, int dimension, float* scores)
    {
        float* r0 = rows, r1 = rows + (Math.Min(1, rowCount - 1) * (long)dimension);
        float* r2 = rows + (Math.Min(2, rowCount - 1) * (long)dimension), r3 = rows + (Math.Min(3, rowCount - 1) * (long)dimension);
        float* q0 = queries, q1 = queries + (Math.Min(1, queryCount - 1) * (long)dimension), q2 = queries + (Math.Min(2, queryCount - 1) * (long)dimension);
        Vector256<float> a00 = default, a01 = default, a02 = default, a03 = default;
        Vector256<float> a10 = default, a11 = default, a12 = default, a13 = default;
        Vector256<float> a20 = default, a21 = default, a22 = default, a23 = default;
        int i = 0;
        for (; i <= dimension - 8; i += 8)
        {
            Vector256<float> x = Vector256.Load(q0 + i), y = Vector256.Load(q1 + i), z = Vector256.Load(q2 + i);
            Vector256<float> r = Vector256.Load(r0 + i);
            a00 = Vector256.FusedMultiplyAdd(r, x, a00);
            a10 = Vector256.FusedMultiplyAdd(r, y, a10);
            a20 = Vector256.FusedMultiplyAdd(r, z, a20);
            r = Vector256.Load(r1 + i);
            a01 = Vector256.FusedMultiplyAdd(r, x, a01);
            a11 = Vector256.FusedMultiplyAdd(r, y, a11);
            a21 = Vector256.FusedMultiplyAdd(r, z, a21);
            r = Vector256.Load(r2 + i);
            a02 = Vector256.FusedMultiplyAdd(r, x, a02);
            a12 = Vector256.FusedMultiplyAdd(r, y, a12);
            a22 = Vector256.FusedMultiplyAdd(r, z, a22);
            r = Vector256.Load(r3 + i);
            a03 = Vector256.FusedMultiplyAdd(r, x, a03);
            a13 = Vector256.FusedMultiplyAdd(r, y, a13);
            a23 = Vector256.FusedMultiplyAdd(r, z, a23);
        }
        Sums(a00, a01, a02, a03).Store(scores);
        Sums(a10, a11, a12, a13).Store(scores + 4);
        Sums(a20, a21, a22, a23).Store(scores + 8);
        for (; i < dimension; i++)
        {
            (float x, float y, float z) = (q0[i], q1[i], q2[i]);
            AddTail(scores, x, r0[i], r1[i], r2[i], r3[i]);
            AddTail(scores + 4, y, r0[i], r1[i], r2[i], r3[i]);
            AddTail(scores + 8, z, r0[i], r1[i], r2[i], r3[i]);
        }
    }

    // Four sums at once: pairwise additions cost a third of four reductions. The order is fixed: ((0+1)+(2+3)) + ((4+5)+(6+7)) on every path.
    private static Vector128<float> Sums(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        if (Avx.IsSupported)
        {
            Vector256<float> pairs = Avx.HorizontalAdd(Avx.HorizontalAdd(a, b), Avx.HorizontalAdd(c, d));
            return pairs.GetLower() + pairs.GetUpper();
        }
        return Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d));

        static float Sum(Vector256<float> v) => (v[0] + v[1] + (v[2] + v[3])) + (v[4] + v[5] + (v[6] + v[7]));
    }

    private static void AddTail(float* scores, float query, float r0, float r1, float r2, float r3)
    {
        scores[0] = MathF.FusedMultiplyAdd(query, r0, scores[0]);
        scores[1] = MathF.FusedMultiplyAdd(query, r1, scores[1]);
        scores[2] = MathF.FusedMultiplyAdd(query, r2, scores[2]);
        scores[3] = MathF.FusedMultiplyAdd(query, r3, scores[3]);
    }
}

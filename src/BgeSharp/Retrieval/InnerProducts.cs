// The kernel of exact search: 4 rows × 3 queries at once, so that 7 loads feed 12 fused multiply-adds and 16 registers suffice.
// Tiles at the edge repeat their last row or query instead of taking another path: every score is summed in the same order.
// With AVX-512 4 rows × 12 queries: a register holds the sums of two queries, 8 lanes each, so that the order of a sum, and with it every bit, stays that of the narrow tile.

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

    /// <summary>Queries of a wide tile.</summary>
    public const int WideQueries = 12;

    /// <summary>True where the processor has wide tiles.</summary>
    public static bool HasWide => Avx512DQ.IsSupported;

    /// <summary>Puts 12 queries side by side as <see cref="WideTile"/> reads them: of each 8 numbers in turn those of query 0 and 1, of 2 and 3, and so on.</summary>
    /// <param name="queries">[12, dimension].</param>
    /// <param name="dimension">D.</param>
    /// <param name="packed">12 · D numbers, of which the last D mod 8 of each query are left out.</param>
    public static void Pack(float* queries, int dimension, float* packed)
    {
        for (int i = 0; i <= dimension - 8; i += 8)
        {
            for (int q = 0; q < WideQueries; q++)
            {
                Vector256.Load(queries + ((long)q * dimension) + i).Store(packed + (12 * i) + (8 * q));
            }
        }
    }

    /// <summary>Inner products of up to 4 rows and 12 queries, bit for bit those of <see cref="Tile"/>.</summary>
    /// <param name="rows">[rowCount, dimension].</param>
    /// <param name="rowCount">1 to 4.</param>
    /// <param name="packed">What <see cref="Pack"/> made of the queries.</param>
    /// <param name="queries">[12, dimension].</param>
    /// <param name="dimension">D.</param>
    /// <param name="scores">[12, 4]: query-major; rows beyond the count hold repeats.</param>
    public static void WideTile(float* rows, int rowCount, float* packed, float* queries, int dimension, float* scores)
    {
        float* p0 = rows, p1 = rows + (Math.Min(1, rowCount - 1) * (long)dimension);
        float* p2 = rows + (Math.Min(2, rowCount - 1) * (long)dimension), p3 = rows + (Math.Min(3, rowCount - 1) * (long)dimension);
        Vector512<float> a00 = default, a01 = default, a02 = default, a03 = default, a04 = default, a05 = default;
        Vector512<float> a10 = default, a11 = default, a12 = default, a13 = default, a14 = default, a15 = default;
        Vector512<float> a20 = default, a21 = default, a22 = default, a23 = default, a24 = default, a25 = default;
        Vector512<float> a30 = default, a31 = default, a32 = default, a33 = default, a34 = default, a35 = default;
        int i = 0;
        for (; i <= dimension - 8; i += 8)
        {
            Vector512<float> r0 = Avx512DQ.BroadcastVector256ToVector512(p0 + i), r1 = Avx512DQ.BroadcastVector256ToVector512(p1 + i);
            Vector512<float> r2 = Avx512DQ.BroadcastVector256ToVector512(p2 + i), r3 = Avx512DQ.BroadcastVector256ToVector512(p3 + i);
            Vector512<float> q0 = Vector512.Load(packed + (12 * i));
            a00 = Avx512F.FusedMultiplyAdd(r0, q0, a00);
            a10 = Avx512F.FusedMultiplyAdd(r1, q0, a10);
            a20 = Avx512F.FusedMultiplyAdd(r2, q0, a20);
            a30 = Avx512F.FusedMultiplyAdd(r3, q0, a30);
            Vector512<float> q1 = Vector512.Load(packed + (12 * i) + 16);
            a01 = Avx512F.FusedMultiplyAdd(r0, q1, a01);
            a11 = Avx512F.FusedMultiplyAdd(r1, q1, a11);
            a21 = Avx512F.FusedMultiplyAdd(r2, q1, a21);
            a31 = Avx512F.FusedMultiplyAdd(r3, q1, a31);
            Vector512<float> q2 = Vector512.Load(packed + (12 * i) + 32);
            a02 = Avx512F.FusedMultiplyAdd(r0, q2, a02);
            a12 = Avx512F.FusedMultiplyAdd(r1, q2, a12);
            a22 = Avx512F.FusedMultiplyAdd(r2, q2, a22);
            a32 = Avx512F.FusedMultiplyAdd(r3, q2, a32);
            Vector512<float> q3 = Vector512.Load(packed + (12 * i) + 48);
            a03 = Avx512F.FusedMultiplyAdd(r0, q3, a03);
            a13 = Avx512F.FusedMultiplyAdd(r1, q3, a13);
            a23 = Avx512F.FusedMultiplyAdd(r2, q3, a23);
            a33 = Avx512F.FusedMultiplyAdd(r3, q3, a33);
            Vector512<float> q4 = Vector512.Load(packed + (12 * i) + 64);
            a04 = Avx512F.FusedMultiplyAdd(r0, q4, a04);
            a14 = Avx512F.FusedMultiplyAdd(r1, q4, a14);
            a24 = Avx512F.FusedMultiplyAdd(r2, q4, a24);
            a34 = Avx512F.FusedMultiplyAdd(r3, q4, a34);
            Vector512<float> q5 = Vector512.Load(packed + (12 * i) + 80);
            a05 = Avx512F.FusedMultiplyAdd(r0, q5, a05);
            a15 = Avx512F.FusedMultiplyAdd(r1, q5, a15);
            a25 = Avx512F.FusedMultiplyAdd(r2, q5, a25);
            a35 = Avx512F.FusedMultiplyAdd(r3, q5, a35);
        }
        Sums(a00.GetLower(), a10.GetLower(), a20.GetLower(), a30.GetLower()).Store(scores + 0);
        Sums(a00.GetUpper(), a10.GetUpper(), a20.GetUpper(), a30.GetUpper()).Store(scores + 4);
        Sums(a01.GetLower(), a11.GetLower(), a21.GetLower(), a31.GetLower()).Store(scores + 8);
        Sums(a01.GetUpper(), a11.GetUpper(), a21.GetUpper(), a31.GetUpper()).Store(scores + 12);
        Sums(a02.GetLower(), a12.GetLower(), a22.GetLower(), a32.GetLower()).Store(scores + 16);
        Sums(a02.GetUpper(), a12.GetUpper(), a22.GetUpper(), a32.GetUpper()).Store(scores + 20);
        Sums(a03.GetLower(), a13.GetLower(), a23.GetLower(), a33.GetLower()).Store(scores + 24);
        Sums(a03.GetUpper(), a13.GetUpper(), a23.GetUpper(), a33.GetUpper()).Store(scores + 28);
        Sums(a04.GetLower(), a14.GetLower(), a24.GetLower(), a34.GetLower()).Store(scores + 32);
        Sums(a04.GetUpper(), a14.GetUpper(), a24.GetUpper(), a34.GetUpper()).Store(scores + 36);
        Sums(a05.GetLower(), a15.GetLower(), a25.GetLower(), a35.GetLower()).Store(scores + 40);
        Sums(a05.GetUpper(), a15.GetUpper(), a25.GetUpper(), a35.GetUpper()).Store(scores + 44);
        for (; i < dimension; i++)
        {
            for (int q = 0; q < WideQueries; q++)
            {
                AddTail(scores + (4 * q), queries[((long)q * dimension) + i], p0[i], p1[i], p2[i], p3[i]);
            }
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

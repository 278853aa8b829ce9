// Pair: a loop over queries and rows with one product after the other, against DenseIndex's tiles of 4 rows and 3 queries, on one thread and on all.
// Why: exact search is only worth having when it is fast. Both sides keep the best ten in the same heap, so products are what differs.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Retrieval;

namespace BgeSharp.Benchmarks.Retrieval;

/// <summary>Exact search in 10,000 rows of 256.</summary>
[WarmupCount(8)] // compiled in tiers, in the background
public class DenseSearch
{
    private const int Rows = 10_000;
    private const int Size = 256;
    private const int Best = 10;
    private float[] _vectors = [];
    private float[] _queries = [];
    private DenseIndex _index = null!;

    /// <summary>Queries of one call.</summary>
    [Params(1, 48)] public int Queries { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var random = new SeededRandom(5);
        _vectors = Numbers(Rows * Size, ref random);
        _queries = Numbers(Queries * Size, ref random);
        _index = new DenseIndex(_vectors, Size);
        Workload.Is(typeof(DenseSearch), Queries, "queries", Queries);
        SearchHit[][] plain = Double_loop();
        foreach ((SearchHit[] expected, SearchHit[] actual) in plain.Concat(plain).Zip([.. One_thread(), .. All_threads()]))
        {
            // By rank: two rows that are equal but for rounding may change places.
            Agreement.Require("the hits", expected.Length == Best && actual.Length == Best, $"{expected.Length} and {actual.Length} of them");
            foreach ((SearchHit one, SearchHit other) in expected.Zip(actual))
            {
                Agreement.Require("a score", one.Score, other.Score, 1e-4);
            }
        }
    }

    [Benchmark(Baseline = true, Description = "double loop")]
    public SearchHit[][] Double_loop()
    {
        var result = new SearchHit[Queries][];
        for (int q = 0; q < Queries; q++)
        {
            var best = new TopK(Best);
            for (int row = 0; row < Rows; row++)
            {
                float score = 0;
                for (int i = 0; i < Size; i++)
                {
                    score += _queries[(q * Size) + i] * _vectors[(row * Size) + i];
                }
                best.Offer(row, score);
            }
            result[q] = best.ToArray();
        }
        return result;
    }

    [Benchmark(Description = "DenseIndex, one thread")]
    public SearchHit[][] One_thread() => _index.SearchAll(_queries, Best, threads: 1);

    [Benchmark(Description = "DenseIndex, all threads")]
    public SearchHit[][] All_threads() => _index.SearchAll(_queries, Best);

    private static float[] Numbers(int count, ref SeededRandom random)
    {
        var numbers = new float[count];
        for (int i = 0; i < count; i++)
        {
            numbers[i] = (float)((2 * random.NextDouble()) - 1);
        }
        return numbers;
    }
}

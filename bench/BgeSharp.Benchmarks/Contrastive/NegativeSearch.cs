// Pair: DenseIndex, which is built for a few queries, against BlockSearch, which mining uses: products of bytes, bfloat16 or float32 find what may be good enough, float32 decides.
// Why: mining compares every query with every passage. 100,000 queries over 1,000,000 passages are 5,000 times the products of this pair.

using BenchmarkDotNet.Attributes;
using BgeSharp.Benchmarks.Retrieval;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Retrieval;
using BgeSharp.Training.Native;
using BgeSharp.Training.Search;

namespace BgeSharp.Benchmarks.Contrastive;

/// <summary>2,000 queries, 10,000 passages of 256 numbers, best 60.</summary>
[IterationCount(5)]
[WarmupCount(3)]
public class NegativeSearch
{
    private const int Size = 256, Queries = 2000, Passages = 10_000, Best = 60;
    private float[] _queries = [];
    private float[] _passages = [];
    private ScalarType _products;

    [GlobalSetup]
    public void SetUp()
    {
        var random = new SeededRandom(1);
        _queries = LargeRetrieval.Unit(Queries, ref random);
        _passages = LargeRetrieval.Unit(Passages, ref random);
        _products = BlockSearch.FirstLook(Precision.Choose("auto", CPU).Type);
        Workload.Is(typeof(NegativeSearch), Queries * (double)Passages, "comparisons");
        foreach ((SearchHit[] expected, SearchHit[] actual) in Index().Zip(Blocks()))
        {
            Agreement.Require("the number of candidates", expected.Length == actual.Length, $"{expected.Length} and {actual.Length}");
            foreach ((SearchHit one, SearchHit other) in expected.Zip(actual))
            {
                Agreement.Require("a score", one.Score, other.Score, 1e-5);
            }
        }
    }

    [Benchmark(Baseline = true, Description = "DenseIndex")]
    public SearchHit[][] Index() => new DenseIndex(_passages, Size).SearchAll(_queries, Best);

    [Benchmark(Description = "BlockSearch")]
    public SearchHit[][] Blocks()
    {
        var search = new BlockSearch(_queries, Size, Best, _products);
        search.Add(_passages, Passages, 0);
        return search.Best();
    }
}

// Search at the size of a real corpus, once each (a repeat takes minutes): exact dense search of mapped vectors against the bare matrix product of the same numbers,
// and sparse search by inverted index in queries a second. "retrieval [rows] [queries]"; 1,000,000 rows and 10,000 queries when left out.
// "retrieval negatives [rows] [queries] [float32|bfloat16|int8]": what mining hard negatives searches, passages block by block; 1,000,000 and 100,000 when left out,
// and the first look that is fastest here.

using System.Diagnostics;
using System.Globalization;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Embeddings;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;
using BgeSharp.Training.Native;
using BgeSharp.Training.Search;

namespace BgeSharp.Benchmarks.Retrieval;

/// <summary>Prints one line for dense and one for sparse search.</summary>
internal static class LargeRetrieval
{
    /// <summary>First argument of the program.</summary>
    public const string Argument = "retrieval";
    private const int Size = 256, Best = 1000, Terms = 60, Vocabulary = 100_000, SparseQueries = 1000, QueryTerms = 20;

    /// <summary>Measures and prints.</summary>
    /// <param name="args">Rows and queries.</param>
    public static int Print(string[] args)
    {
        if (args is ["negatives", ..])
        {
            Negatives(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1_000_000, args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 100_000,
                args.Length > 3 ? Enum.Parse<ScalarType>(args[3], ignoreCase: true) : BlockSearch.FirstLook(Precision.Choose("auto", CPU).Type));
            return 0;
        }
        int rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
        int queries = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10_000;
        Console.WriteLine(PairTable.Conditions(processorTime: false));
        Dense(rows, queries);
        Sparse(rows);
        return 0;
    }

    private static void Dense(int rows, int queryCount)
    {
        string folder = Directory.CreateTempSubdirectory("bge-bench-").FullName;
        try
        {
            var random = new SeededRandom(3);
            float[] queries = Numbers(queryCount * Size, ref random);
            // Shards on disk, mapped: what a saved index is.
            using var corpus = EmbeddedCorpus.InFolder(folder, Enumerable.Range(0, rows).Select(i => i.ToString(CultureInfo.InvariantCulture)), "bench", texts =>
            {
                var shard = new SeededRandom(ulong.Parse(texts[0], CultureInfo.InvariantCulture));
                return [.. texts.Select(_ => new M3Embedding(Numbers(Size, ref shard)))];
            }, shardTexts: 65_536);
            DenseIndex index = corpus.Dense!;
            double product = Product(index, queries, queryCount);
            double search = Seconds(() => index.SearchAll(queries, Best));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"dense: {queryCount} queries, {rows} rows of {Size}, best {Best}: product {product:0.00} s, search {search:0.00} s, ratio {search / product:0.00}; resident at most {Machine.PeakResidentBytes / 1e9:0.0} GB"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Only the search is timed: mining reads its blocks from a cache of vectors.
    private static void Negatives(int rows, int queryCount, ScalarType products)
    {
        const int block = 65_536, best = 60;
        Console.WriteLine(PairTable.Conditions(processorTime: false));
        var random = new SeededRandom(3);
        var search = new BlockSearch(Unit(queryCount, ref random), Size, best, products);
        double seconds = 0;
        for (int start = 0; start < rows; start += block)
        {
            int count = Math.Min(block, rows - start), first = start;
            float[] vectors = Unit(count, ref random);
            seconds += Seconds(() => search.Add(vectors, count, first));
        }
        seconds += Seconds(() => search.Best());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"negatives: {queryCount} queries, {rows} rows of {Size} in blocks of {block}, best {best}, first look in {products}: {seconds:0.0} s; resident at most {Machine.PeakResidentBytes / 1e9:0.0} GB"));
    }

    /// <summary>Vectors of <see cref="Size"/> numbers and length 1.</summary>
    internal static float[] Unit(int count, ref SeededRandom random)
    {
        float[] numbers = Numbers(count * Size, ref random);
        for (int row = 0; row < count; row++)
        {
            Span<float> vector = numbers.AsSpan(row * Size, Size);
            System.Numerics.Tensors.TensorPrimitives.Divide(vector, System.Numerics.Tensors.TensorPrimitives.Norm(vector), vector);
        }
        return numbers;
    }

    // The bare product in blocks of rows, so that its results fit memory; nothing is looked at. Only the products are timed, not the copies into tensors.
    private static double Product(DenseIndex index, float[] queries, int queryCount)
    {
        using var noGrad = no_grad();
        const int block = 4096;
        double seconds = 0;
        using Tensor questions = tensor(queries).view(queryCount, Size);
        using Tensor turned = questions.t();
        var vectors = new float[block * Size];
        for (int start = 0; start < index.Count; start += block)
        {
            using var scope = NewDisposeScope();
            int count = Math.Min(block, index.Count - start);
            for (int r = 0; r < count; r++)
            {
                index[start + r].CopyTo(vectors.AsSpan(r * Size));
            }
            Tensor part = tensor(count == block ? vectors : vectors[..(count * Size)]).view(count, Size);
            seconds += Seconds(() => part.matmul(turned));
        }
        return seconds;
    }

    private static void Sparse(int rows)
    {
        var random = new SeededRandom(9);
        var builder = new InvertedIndex.Builder();
        var row = new Dictionary<int, float>();
        for (int i = 0; i < rows; i++)
        {
            row.Clear();
            while (row.Count < Terms)
            {
                row[Term(ref random)] = (float)random.NextDouble();
            }
            builder.Add([.. row.Select(t => new WeightedTerm(t.Key, t.Value))]);
        }
        InvertedIndex index = builder.Build();
        WeightedTerm[][] queries = [.. Enumerable.Range(0, SparseQueries).Select(_ => Enumerable.Range(0, QueryTerms).Select(_ => new WeightedTerm(Term(ref random), 1)).DistinctBy(t => t.Term).ToArray())];
        double seconds = Seconds(() => index.SearchAll(queries, Best));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"sparse: {SparseQueries} queries of {QueryTerms} terms, {rows} rows of {Terms}, best {Best}: {SparseQueries / seconds:0} queries/s; resident at most {Machine.PeakResidentBytes / 1e9:0.0} GB"));
    }

    // Common terms are common: the density falls as 1 / (rank + 50), roughly as word pieces do.
    private static int Term(ref SeededRandom random) => Math.Min(Vocabulary - 1, (int)(50 * (Math.Pow((Vocabulary + 50) / 50.0, random.NextDouble()) - 1)));

    private static double Seconds(Action work)
    {
        long began = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

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

// BM25 (Robertson et al. 1994) as Lucene and Anserini compute it:
//   score(q, d) = Σ_t ln(1 + (N − n_t + ½) / (n_t + ½)) · f_td / (f_td + k1 · (1 − b + b · |d| / avg|d|))
// Lucene rounds |d| to one byte; here it is exact. Everything is held in memory: 8 bytes a posting and the term strings.

using System.Runtime.InteropServices;

namespace BgeSharp.Retrieval;

/// <summary>Constants of BM25.</summary>
/// <param name="K1">Saturation of term frequency, at least 0. 0.9 as in Anserini and BEIR.</param>
/// <param name="B">Weight of document length, 0 to 1. 0.4 as in Anserini and BEIR.</param>
public sealed record Bm25Options(double K1 = 0.9, double B = 0.4);

/// <summary>BM25 search over texts. Searching is thread-safe.</summary>
public sealed class Bm25Index
{
    private readonly IAnalyzer _analyzer;
    private readonly Dictionary<string, int> _terms;
    private readonly InvertedIndex _index;

    private Bm25Index(IAnalyzer analyzer, Dictionary<string, int> terms, InvertedIndex index) => (_analyzer, _terms, _index) = (analyzer, terms, index);

    /// <summary>Number of texts.</summary>
    public int Count => _index.Count;

    /// <summary>Number of different terms.</summary>
    public int TermCount => _terms.Count;

    /// <summary>Indexes texts; row i is text i.</summary>
    /// <param name="texts">Read once, streaming.</param>
    /// <param name="analyzer">A <see cref="BigramAnalyzer"/> when null.</param>
    /// <param name="options">Anserini's constants when null.</param>
    public static Bm25Index Build(IEnumerable<string> texts, IAnalyzer? analyzer = null, Bm25Options? options = null)
    {
        analyzer ??= new BigramAnalyzer();
        options ??= new Bm25Options();
        var terms = new Dictionary<string, int>(StringComparer.Ordinal);
        var bySpan = terms.GetAlternateLookup<ReadOnlySpan<char>>();
        var builder = new InvertedIndex.Builder();
        var lengths = new List<int>();
        var counts = new Dictionary<int, int>();
        long total = 0;
        foreach (string text in texts)
        {
            int length = 0;
            analyzer.Analyze(text, term =>
            {
                if (!bySpan.TryGetValue(term, out int id))
                {
                    id = terms.Count;
                    bySpan[term] = id;
                }
                CollectionsMarshal.GetValueRefOrAddDefault(counts, id, out _)++;
                length++;
            });
            builder.Add([.. counts.Select(c => new WeightedTerm(c.Key, c.Value))]);
            counts.Clear();
            lengths.Add(length);
            total += length;
        }
        double average = lengths.Count > 0 ? Math.Max(1.0, (double)total / lengths.Count) : 1;
        InvertedIndex index = builder.Build((row, frequency) =>
            (float)(frequency / (frequency + (options.K1 * (1 - options.B + (options.B * lengths[row] / average))))));
        return new Bm25Index(analyzer, terms, index);
    }

    /// <summary>The k best rows: score descending, equal scores by row ascending. Rows without a term of the query are not found.</summary>
    public SearchHit[] Search(string query, int k) => _index.Search(Weights(query), k);

    /// <summary>The k best rows of each query.</summary>
    /// <param name="queries">Texts.</param>
    /// <param name="k">At most this many a query.</param>
    /// <param name="threads">0 for all processors.</param>
    /// <param name="groups">Group of each row: of a group its best row alone is found, and k counts groups. Null: every row stands for itself.</param>
    public SearchHit[][] SearchAll(IEnumerable<string> queries, int k, int threads = 0, int[]? groups = null) =>
        _index.SearchAll([.. queries.Select(Weights)], k, threads, groups);

    /// <summary>Scores of some rows: the numbers that a search gives them, 0 for one without a term of the query.</summary>
    /// <param name="query">A text.</param>
    /// <param name="rows">Any order.</param>
    public float[] Scores(string query, ReadOnlySpan<int> rows) => _index.Scores(Weights(query), rows);

    // A term that the query repeats counts as often, as in Lucene.
    private WeightedTerm[] Weights(string query)
    {
        var weights = new List<WeightedTerm>();
        var bySpan = _terms.GetAlternateLookup<ReadOnlySpan<char>>();
        _analyzer.Analyze(query, term =>
        {
            if (bySpan.TryGetValue(term, out int id))
            {
                double with = _index.RowsWith(id);
                weights.Add(new WeightedTerm(id, (float)Math.Log(1 + ((Count - with + 0.5) / (with + 0.5)))));
            }
        });
        return [.. weights];
    }
}

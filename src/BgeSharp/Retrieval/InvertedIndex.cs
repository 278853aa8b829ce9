// Term → (row, weight) lists, searched term at a time into one accumulator a row. Exact: score = Σ over shared terms of query weight × row weight.
// Serves BM25 (weights from term counts) and learned sparse vectors (weights from the model) alike. 8 bytes a posting; building takes 12 more.

namespace BgeSharp.Retrieval;

/// <summary>A term of a text and its weight.</summary>
/// <param name="Term">Term id, at least 0.</param>
/// <param name="Weight">Any finite weight.</param>
public readonly record struct WeightedTerm(int Term, float Weight);

/// <summary>Exact search over sparse vectors. Searching is thread-safe.</summary>
public sealed class InvertedIndex
{
    private readonly long[] _offsets;
    private readonly int[] _rows;
    private readonly float[] _weights;

    private InvertedIndex(int count, long[] offsets, int[] rows, float[] weights) => (Count, _offsets, _rows, _weights) = (count, offsets, rows, weights);

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>One above the highest term id.</summary>
    public int TermCount => _offsets.Length - 1;

    /// <summary>Rows that have a term.</summary>
    public int RowsWith(int term) => (uint)term < (uint)TermCount ? (int)(_offsets[term + 1] - _offsets[term]) : 0;

    /// <summary>The k best rows that share a term with the query: score descending, equal scores by row ascending.</summary>
    /// <param name="query">Terms the index does not have are passed over; a repeated term counts each time.</param>
    /// <param name="k">At most this many.</param>
    public SearchHit[] Search(ReadOnlySpan<WeightedTerm> query, int k) => Search(query, k, new float[Count], null);

    /// <summary>The k best rows of each query.</summary>
    /// <param name="queries">One sparse vector a query.</param>
    /// <param name="k">At most this many a query.</param>
    /// <param name="threads">0 for all processors; each holds one number a row.</param>
    /// <param name="groups">Group of each row: of a group its best row alone is found, and k counts groups. Null: every row stands for itself.</param>
    public SearchHit[][] SearchAll(IReadOnlyList<WeightedTerm[]> queries, int k, int threads = 0, int[]? groups = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(groups?.Length ?? Count, Count, nameof(groups));
        var result = new SearchHit[queries.Count][];
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount };
        Parallel.For(0, queries.Count, options, () => new float[Count], (q, _, scores) =>
        {
            result[q] = Search(queries[q], k, scores, groups);
            return scores;
        }, _ => { });
        return result;
    }

    /// <summary>Scores of some rows: the numbers that a search gives them, 0 for one that shares no term with the query.</summary>
    /// <param name="query">As for a search.</param>
    /// <param name="rows">Any order.</param>
    public float[] Scores(ReadOnlySpan<WeightedTerm> query, ReadOnlySpan<int> rows)
    {
        var scores = new float[rows.Length];
        foreach (WeightedTerm term in query)
        {
            ReadOnlySpan<int> holders = Postings(_rows, term.Term); // ascending: rows are added in order
            ReadOnlySpan<float> weights = Postings(_weights, term.Term);
            for (int i = 0; i < rows.Length; i++)
            {
                int at = holders.BinarySearch(rows[i]);
                if (at >= 0)
                {
                    scores[i] += term.Weight * weights[at];
                }
            }
        }
        return scores;
    }

    // scores: all 0 on entry and on return.
    private SearchHit[] Search(ReadOnlySpan<WeightedTerm> query, int k, float[] scores, int[]? groups)
    {
        long postings = 0;
        foreach (WeightedTerm term in query)
        {
            postings += RowsWith(term.Term);
        }
        // Many postings: looking at every row at the end costs less than noting each that was touched.
        return postings > Count / 8 ? SearchMany(query, k, scores, groups) : SearchFew(query, k, scores, groups);
    }

    private SearchHit[] SearchMany(ReadOnlySpan<WeightedTerm> query, int k, float[] scores, int[]? groups)
    {
        foreach (WeightedTerm term in query)
        {
            ReadOnlySpan<int> rows = Postings(_rows, term.Term);
            ReadOnlySpan<float> weights = Postings(_weights, term.Term);
            for (int i = 0; i < rows.Length; i++)
            {
                scores[rows[i]] += term.Weight * weights[i];
            }
        }
        var best = new TopK(k, groups);
        float floor = best.Floor;
        for (int row = 0; row < scores.Length; row++)
        {
            float score = scores[row];
            if (score != 0 && !(score < floor))
            {
                best.Offer(row, score);
                floor = best.Floor;
            }
        }
        Array.Clear(scores);
        return best.ToArray();
    }

    private SearchHit[] SearchFew(ReadOnlySpan<WeightedTerm> query, int k, float[] scores, int[]? groups)
    {
        var touched = new List<int>();
        foreach (WeightedTerm term in query)
        {
            ReadOnlySpan<int> rows = Postings(_rows, term.Term);
            ReadOnlySpan<float> weights = Postings(_weights, term.Term);
            for (int i = 0; i < rows.Length; i++)
            {
                if (scores[rows[i]] == 0)
                {
                    touched.Add(rows[i]);
                }
                scores[rows[i]] += term.Weight * weights[i];
            }
        }
        var best = new TopK(k, groups);
        foreach (int row in touched)
        {
            // A sum that passed through 0 was touched twice; its second offer finds 0 here.
            if (scores[row] != 0)
            {
                best.Offer(row, scores[row]);
                scores[row] = 0;
            }
        }
        return best.ToArray();
    }

    private ReadOnlySpan<T> Postings<T>(T[] of, int term) => (uint)term < (uint)TermCount ? of.AsSpan((int)_offsets[term], RowsWith(term)) : default;

    /// <summary>Collects rows.</summary>
    public sealed class Builder
    {
        private readonly List<int> _terms = [];
        private readonly List<int> _rowOf = [];
        private readonly List<float> _weight = [];
        private int _count;
        private int _termCount;

        /// <summary>Adds the next row; its terms must differ.</summary>
        public void Add(ReadOnlySpan<WeightedTerm> row)
        {
            foreach (WeightedTerm term in row)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(term.Term, nameof(row));
                _terms.Add(term.Term);
                _rowOf.Add(_count);
                _weight.Add(term.Weight);
                _termCount = Math.Max(_termCount, term.Term + 1);
            }
            _count++;
        }

        /// <summary>The index of all rows added.</summary>
        /// <param name="weight">(row, weight) → the weight to store; the weight as given when null.</param>
        public InvertedIndex Build(Func<int, float, float>? weight = null)
        {
            var offsets = new long[_termCount + 1];
            foreach (int term in _terms)
            {
                offsets[term + 1]++;
            }
            for (int t = 0; t < _termCount; t++)
            {
                offsets[t + 1] += offsets[t];
            }
            var rows = new int[_terms.Count];
            var weights = new float[_terms.Count];
            long[] next = [.. offsets];
            for (int i = 0; i < _terms.Count; i++)
            {
                long at = next[_terms[i]]++;
                rows[at] = _rowOf[i];
                weights[at] = weight is null ? _weight[i] : weight(_rowOf[i], _weight[i]);
            }
            return new InvertedIndex(_count, offsets, rows, weights);
        }
    }
}

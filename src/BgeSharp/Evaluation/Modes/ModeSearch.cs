// One corpus, one set of queries, every way to search them. Queries are encoded once for all modes; the corpus comes embedded, from memory or from shards.
// Where passages are pieces of documents, every search brings documents, each by its best passage, and every depth counts them: one long document takes one place.

using System.Numerics.Tensors;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;

namespace BgeSharp.Evaluation.Modes;

/// <summary>Searches a set.</summary>
public sealed class ModeSearch
{
    private readonly RetrievalSet _set;
    private readonly EmbeddedCorpus? _corpus;
    private readonly SearchOptions _options;
    private readonly M3Embedding[] _queries;
    private readonly EmbeddingModes _has;
    private readonly Lazy<Bm25Index> _bm25;
    private readonly int[]? _documentOf;

    /// <param name="set">Queries are encoded at once.</param>
    /// <param name="model">Null when only BM25 is asked for.</param>
    /// <param name="corpus">Row i is passage i of the set; null when only BM25 is asked for.</param>
    /// <param name="outputs">What to compute of the queries; see <see cref="Outputs"/>.</param>
    /// <param name="options">Depths and weights.</param>
    /// <param name="bm25">The corpus's BM25 index; null builds one when a mode needs it.</param>
    /// <param name="documentOf">Document of each passage of the set, where several passages are one document: hits are then the best passage of each document,
    /// and the depths of the options count documents. Null: every passage stands for itself.</param>
    public ModeSearch(RetrievalSet set, EvaluatedModel? model, EmbeddedCorpus? corpus, EmbeddingModes outputs, SearchOptions options, Lazy<Bm25Index>? bm25 = null, int[]? documentOf = null)
    {
        if (corpus is not null && corpus.Count != set.Corpus.Count)
        {
            throw new ArgumentException($"{corpus.Count} embeddings for {set.Corpus.Count} passages", nameof(corpus));
        }
        (_set, _corpus, _options, _has, _documentOf) = (set, corpus, options, outputs, documentOf);
        _queries = model is null ? [] : [.. model.Encode(set.Queries.Select(q => q.Text), TextSide.Query, outputs)];
        _bm25 = bm25 ?? new Lazy<Bm25Index>(() => Bm25Index.Build(set.Corpus.Select(p => p.FullText), options: options.Bm25));
    }

    /// <summary>What has to be computed of queries and corpus for some modes: what they need, for the hybrid all that the encoder has, and lexical weights for rrf where it has them.</summary>
    /// <exception cref="BadInput">The encoder lacks something that a mode needs.</exception>
    public static EmbeddingModes Outputs(IEnumerable<RetrievalMode> modes, IEncoder encoder)
    {
        EmbeddingModes outputs = EmbeddingModes.None;
        foreach (RetrievalMode mode in modes)
        {
            outputs |= mode.Needs | (mode.Search switch { "hybrid" => encoder.Modes, "rrf" => encoder.Modes & EmbeddingModes.Sparse, _ => EmbeddingModes.None });
        }
        encoder.Require(outputs);
        return outputs;
    }

    /// <summary>The hits of query i of the set, best first.</summary>
    public SearchHit[][] Search(RetrievalMode mode)
    {
        // A re-ranker orders as many as it is told to, however few of them are asked for in the end.
        int top = mode.Reranks ? Math.Max(_options.TopK, _options.RerankDepth) : _options.TopK;
        SearchHit[][] hits = mode.Search switch
        {
            "dense" => Dense(top),
            "sparse" => Sparse(top),
            "multi" => Rescore(Dense(mode.Reranks ? Math.Max(top, _options.Candidates) : _options.Candidates), top),
            "multi_all" => Rescore(null, top),
            "hybrid" => Candidates().Rank(_options.Weights, top, _documentOf),
            "rrf" => ByRank(top),
            _ => Bm25(top),
        };
        return mode.Reranks ? [.. Rerank(hits).Select(h => h[..Math.Min(h.Length, _options.TopK)])] : hits;
    }

    /// <summary>Candidates of the hybrid with all their scores.</summary>
    public HybridCandidates Candidates()
    {
        bool sparse = _has.HasFlag(EmbeddingModes.Sparse), multi = _has.HasFlag(EmbeddingModes.MultiVector), heads = sparse || multi;
        SearchHit[][] dense = Dense(_options.Candidates), other = sparse ? Sparse(_options.Candidates) : heads ? dense : Bm25(_options.Candidates);
        var rows = new int[_set.Queries.Count][];
        var scores = new float[rows.Length][];
        Parallel.For(0, rows.Length, q =>
        {
            rows[q] = [.. dense[q].Concat(other[q]).Select(h => h.Row).Distinct().Order()];
            var columns = new List<float[]> { rows[q].Select(r => TensorPrimitives.Dot(_corpus!.Dense![r], _queries[q].Dense!)).ToArray() };
            if (!heads)
            {
                columns.Add(Bm25Scores(q, rows[q], other[q]));
                columns = [.. columns.Select(Scaled)];
            }
            if (sparse)
            {
                columns.Add([.. rows[q].Select(r => SparseScore(q, r))]);
            }
            if (multi)
            {
                float[] question = Question(q);
                columns.Add([.. rows[q].Select(r => MultiScore(question, r))]);
            }
            scores[q] = [.. Enumerable.Range(0, rows[q].Length).SelectMany(i => columns.Select(c => c[i]))];
        });
        return new HybridCandidates(HybridCandidates.PartsOf(_has), rows, scores);
    }

    private SearchHit[][] Dense(int top) => _corpus!.Dense!.SearchAll([.. _queries.SelectMany(q => q.Dense!)], top, groups: _documentOf);

    private SearchHit[][] Sparse(int top) =>
        _corpus!.Sparse.SearchAll([.. _queries.Select(q => q.LexicalWeights!.Select(w => new WeightedTerm(w.Key, w.Value)).ToArray())], top, groups: _documentOf);

    private SearchHit[][] Bm25(int top) => _bm25.Value.SearchAll(_set.Queries.Select(q => q.Text), top, groups: _documentOf);

    private SearchHit[][] ByRank(int top)
    {
        int depth = Math.Max(100, Math.Min(top, _options.Candidates));
        List<SearchHit[][]> rankings = [Dense(depth), Bm25(depth)];
        if (_has.HasFlag(EmbeddingModes.Sparse))
        {
            rankings.Add(Sparse(depth));
        }
        return [.. _set.Queries.Select((_, q) => Fused([.. rankings.Select(r => r[q])], top))];
    }

    // Documents are fused as documents: one that two rankings bring by two passages counts for both. Its hit is the passage that stood highest.
    private SearchHit[] Fused(SearchHit[][] rankings, int top)
    {
        if (_documentOf is not { } documentOf)
        {
            return RankFusion.ByRank(rankings, top);
        }
        var highest = new Dictionary<int, int>();
        foreach (int row in rankings.SelectMany(r => r.Select((h, rank) => (h.Row, Rank: rank))).OrderBy(h => h.Rank).Select(h => h.Row))
        {
            highest.TryAdd(documentOf[row], row);
        }
        SearchHit[][] documents = [.. rankings.Select(r => r.Select(h => h with { Row = documentOf[h.Row] }).ToArray())];
        return [.. RankFusion.ByRank(documents, top).Select(h => h with { Row = highest[h.Row] })];
    }

    // Null: all rows are candidates. Scores are offered as they come; nothing but the best is held.
    private SearchHit[][] Rescore(SearchHit[][]? candidates, int top)
    {
        var result = new SearchHit[_queries.Length][];
        Parallel.For(0, result.Length, q =>
        {
            float[] question = Question(q);
            var best = new TopK(top, _documentOf);
            foreach (int row in candidates is null ? Enumerable.Range(0, _corpus!.Count) : candidates[q].Select(h => h.Row))
            {
                best.Offer(row, MultiScore(question, row));
            }
            result[q] = best.ToArray();
        });
        return result;
    }

    private float[] Question(int query) => [.. _queries[query].MultiVector!.SelectMany(v => v)];

    private float MultiScore(float[] question, int row) => MaxSim.Score(question, _corpus!.VectorsOf(row), Math.Max(1, _corpus.VectorSize));

    // What BM25's search did not bring counts 0. Of a document it brings the best passage only, so the others are scored here, lest the passage that dense search brought of it has 0.
    private float[] Bm25Scores(int query, int[] rows, SearchHit[] found)
    {
        if (_documentOf is not { } documentOf)
        {
            var scores = found.ToDictionary(h => h.Row, h => h.Score);
            return [.. rows.Select(r => scores.GetValueOrDefault(r))];
        }
        var documents = found.Select(h => documentOf[h.Row]).ToHashSet();
        float[] each = _bm25.Value.Scores(_set.Queries[query].Text, rows);
        return [.. rows.Select((r, i) => documents.Contains(documentOf[r]) ? each[i] : 0)];
    }

    private float SparseScore(int query, int row)
    {
        IReadOnlyDictionary<int, float> question = _queries[query].LexicalWeights!;
        (ReadOnlyMemory<int> terms, ReadOnlyMemory<float> weights) = _corpus!.TermsOf(row);
        double sum = 0;
        for (int t = 0; t < terms.Length; t++)
        {
            sum += question.TryGetValue(terms.Span[t], out float weight) ? (double)weight * weights.Span[t] : 0;
        }
        return (float)sum;
    }

    private SearchHit[][] Rerank(SearchHit[][] hits)
    {
        IReranker judge = _options.Reranker ?? throw new BadInput("a mode with \"+rerank\" needs a re-ranker; name its model folder by --reranker.");
        return [.. hits.Select((found, q) =>
        {
            SearchHit[] head = [.. found.Take(_options.RerankDepth)];
            float[] scores = judge.Score([.. head.Select(h => new TextPair(_set.Queries[q].Text, _set.Corpus[h.Row].FullText))]);
            SearchHit[] judged = [.. head.Select((h, i) => new SearchHit(h.Row, scores[i])).OrderByDescending(h => h.Score).ThenBy(h => h.Row)];
            // What was not judged stays behind what was, in its order: its scores continue below the lowest.
            float low = judged.Length > 0 ? judged[^1].Score : 0;
            return (SearchHit[])[.. judged, .. found.Skip(_options.RerankDepth).Select((h, i) => new SearchHit(h.Row, low - 1 - i))];
        })];
    }

    private static float[] Scaled(float[] scores)
    {
        if (scores.Length == 0)
        {
            return scores;
        }
        float low = scores.Min(), width = scores.Max() - low;
        return [.. scores.Select(s => width > 0 ? (s - low) / width : 0)];
    }
}

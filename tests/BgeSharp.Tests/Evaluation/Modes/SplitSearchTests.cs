using BgeSharp.Embeddings;
using BgeSharp.Evaluation;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;
using CsCheck;

namespace BgeSharp.Tests.Evaluation.Modes;

public class SplitSearchTests
{
    private const int SplitTokens = 12, Documents = 24, Giant = 7, GiantPieces = 250;

    // Documents of one to four sentences, each a piece, and one of very many that begin as the questions do.
    private static RetrievalSet Set(int seed)
    {
        var random = new Random(seed);
        string Word(int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(12)))]);
        string[] questions = [.. Enumerable.Range(0, 5).Select(_ => Word(5))];
        string Sentence(int document) => $"{(document == Giant || random.Next(6) == 0 ? questions[random.Next(questions.Length)] : Word(5))} {Word(3)}。";
        List<Passage> corpus = [.. Enumerable.Range(0, Documents).Select(d =>
            new Passage($"d{d}", "", string.Concat(Enumerable.Range(0, d == Giant ? GiantPieces : 1 + random.Next(4)).Select(_ => Sentence(d)))))];
        List<Query> queries = [.. questions.Select((text, i) => new Query($"q{i}", text))];
        var qrels = new Qrels();
        queries.ForEach(q => qrels.Add(q.Id, "d1", 1));
        return new RetrievalSet($"split{seed}", corpus, queries, qrels);
    }

    // Everything about all pieces: the searches as deep as there are pieces, and what they find reduced to documents afterwards.
    private sealed class AllPieces : IDisposable
    {
        private readonly ModeSearch _search;
        private readonly EmbeddedCorpus _corpus;

        public AllPieces(RetrievalSet set, EvaluatedModel model)
        {
            Split = SplitDocuments.Of(set, model.Tokenizer, SplitTokens);
            EmbeddingModes outputs = model.Encoder.Modes;
            _corpus = EmbeddedCorpus.InMemory(model.Encode(Split.Passages.Corpus.Select(p => p.FullText), TextSide.Passage, outputs));
            Embedded = _corpus;
            int all = Split.Passages.Corpus.Count;
            _search = new ModeSearch(Split.Passages, model, _corpus, outputs, new SearchOptions { TopK = all, Candidates = all });
        }

        public SplitDocuments Split { get; }
        public EmbeddedCorpus Embedded { get; }
        public SearchHit[][] Pieces(string mode) => _search.Search(RetrievalMode.Parse(mode));
        public SearchHit[][] Documents(string mode, int top) => Split.ToDocuments(Pieces(mode), top);
        public HybridCandidates Candidates() => _search.Candidates();

        // The pieces by which a search brings its best documents.
        public int[][] Bringing(string mode, int documents) =>
            [.. Pieces(mode).Select(hits => hits.DistinctBy(h => Split.DocumentOf[h.Row]).Take(documents).Select(h => h.Row).ToArray())];

        public void Dispose() => _corpus.Dispose();
    }

    private static SearchHit[][] Run(RetrievalSet set, string mode, SearchOptions options, EvaluatedModel model, int splitTokens = SplitTokens) =>
        new RetrievalRun(new TestCollection(set), [RetrievalMode.Parse(mode)], options) { SplitTokens = splitTokens }.Run(model)[0].Hits;

    [Fact]
    public void The_large_document_is_as_large_as_these_tests_need()
    {
        RetrievalSet set = Set(1);
        using var all = new AllPieces(set, LetterModel.Create());
        Assert.Equal(GiantPieces, all.Split.DocumentOf.Count(d => d == Giant));
        // The first pieces of a search by pieces are of one document.
        Assert.All(all.Pieces("dense"), hits => Assert.InRange(hits.Take(15).Count(h => all.Split.DocumentOf[h.Row] == Giant), 8, 15));
    }

    [Theory]
    [InlineData("dense")]
    [InlineData("sparse")]
    [InlineData("bm25")]
    [InlineData("multi_all")]
    public void A_search_of_split_documents_finds_what_a_search_of_all_pieces_finds(string mode) =>
        Gen.Select(Gen.Int[0, 1000], Gen.Int[1, Documents + 3]).Sample((seed, top) =>
        {
            RetrievalSet set = Set(seed);
            EvaluatedModel model = LetterModel.Create();
            using var all = new AllPieces(set, model);
            Assert.Equal(RetrievalEvaluation.Ordered(set, all.Documents(mode, top)), Run(set, mode, new SearchOptions { TopK = top, Candidates = top }, model));
        }, iter: 15);

    [Fact]
    public void Multi_vectors_score_the_piece_that_brought_each_candidate() =>
        Gen.Select(Gen.Int[0, 1000], Gen.Int[1, Documents], Gen.Int[1, Documents]).Sample((seed, top, candidates) =>
        {
            RetrievalSet set = Set(seed);
            EvaluatedModel model = LetterModel.Create();
            using var all = new AllPieces(set, model);
            int[][] brought = all.Bringing("dense", candidates);
            SearchHit[][] scored = [.. all.Pieces("multi_all").Select((hits, q) => hits.Where(h => brought[q].Contains(h.Row)).ToArray())];
            Assert.Equal(RetrievalEvaluation.Ordered(set, all.Split.ToDocuments(scored, top)), Run(set, "multi", new SearchOptions { TopK = top, Candidates = candidates }, model));
        }, iter: 15);

    [Fact]
    public void The_hybrid_weighs_the_pieces_that_brought_each_candidate() =>
        Gen.Select(Gen.Int[0, 1000], Gen.Int[1, Documents], Gen.Int[1, Documents]).Sample((seed, top, candidates) =>
        {
            RetrievalSet set = Set(seed);
            EvaluatedModel model = LetterModel.Create();
            var options = new SearchOptions { TopK = top, Candidates = candidates };
            using var all = new AllPieces(set, model);
            int[][] dense = all.Bringing("dense", candidates), sparse = all.Bringing("sparse", candidates);
            HybridCandidates every = all.Candidates();
            int parts = every.Parts.Count;
            int[][] kept = [.. every.Rows.Select((rows, q) => Enumerable.Range(0, rows.Length).Where(i => dense[q].Contains(rows[i]) || sparse[q].Contains(rows[i])).ToArray())];
            var brought = new HybridCandidates(
                every.Parts,
                [.. kept.Select((places, q) => places.Select(i => every.Rows[q][i]).ToArray())],
                [.. kept.Select((places, q) => places.SelectMany(i => every.Scores[q][(i * parts)..((i + 1) * parts)]).ToArray())]);
            SearchHit[][] expected = all.Split.ToDocuments(brought.Rank(options.Weights, all.Split.Passages.Corpus.Count), top);
            Assert.Equal(RetrievalEvaluation.Ordered(set, expected), Run(set, "hybrid", options, model));
        }, iter: 15);

    [Fact]
    public void No_search_holds_more_hits_than_documents_were_asked_for()
    {
        RetrievalSet set = Set(3);
        EvaluatedModel model = LetterModel.Create();
        using var all = new AllPieces(set, model);
        var options = new SearchOptions { TopK = 6, Candidates = 4 };
        var search = new ModeSearch(all.Split.Passages, model, all.Embedded, EmbeddingModes.All, options, documentOf: all.Split.DocumentOf);
        foreach (string mode in RetrievalMode.Known)
        {
            Assert.All(search.Search(RetrievalMode.Parse(mode)), hits =>
            {
                Assert.InRange(hits.Length, 1, options.TopK);
                Assert.Equal(hits.Length, hits.Select(h => all.Split.DocumentOf[h.Row]).Distinct().Count());
            });
        }
        // A document brought by two searches: at most two pieces of it.
        Assert.All(search.Candidates().Rows, rows => Assert.InRange(rows.Length, 1, 2 * options.Candidates));
    }

    private sealed class LastLetter : IReranker
    {
        public int MaxLength => 100;
        public float[] Score(IReadOnlyList<TextPair> pairs) => [.. pairs.Select(p => (float)p.Passage[^2])];
    }

    [Theory]
    [InlineData(EmbeddingModes.All)]
    [InlineData(EmbeddingModes.Dense)]
    public void Documents_of_one_piece_are_found_as_if_nothing_were_split(EmbeddingModes outputs)
    {
        RetrievalSet large = Set(5);
        // Without the large document every document is short enough for one piece.
        RetrievalSet set = large with { Corpus = [.. large.Corpus.Where((_, d) => d != Giant)] };
        var options = new SearchOptions { TopK = 9, Candidates = 7, Reranker = new LastLetter(), RerankDepth = 4 };
        EvaluatedModel model = LetterModel.Create(outputs);
        foreach (string mode in RetrievalMode.Known.Where(m => outputs == EmbeddingModes.All || m is "dense" or "hybrid" or "rrf" or "bm25").SelectMany(m => new[] { m, m + "+rerank" }))
        {
            Assert.Equal(Run(set, mode, options, model, splitTokens: 0), Run(set, mode, options, model, splitTokens: 400));
        }
    }
}

// A model and a corpus as the command line searches them: every way that bge eval measures, one question at a time.

using BgeSharp.Cli.Evaluations;
using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;

namespace BgeSharp.Cli;

/// <summary>Searches one corpus in one way. Memory: 4·D bytes a passage for dense vectors, 4·C a token for multi-vectors, 8 a lexical weight.</summary>
internal sealed class CorpusSearch : IDisposable
{
    private readonly IReadOnlyList<Passage> _passages;
    private readonly RetrievalMode _mode;
    private readonly SearchOptions _options;
    private readonly EvaluatedModel? _model;
    private readonly EmbeddingModes _outputs;
    private readonly EmbeddedCorpus? _corpus;
    private readonly Lazy<Bm25Index> _bm25;

    /// <param name="model">Encodes passages now and questions later; not opened for BM25 alone.</param>
    /// <param name="passages">The corpus.</param>
    /// <param name="mode">How to search.</param>
    /// <param name="options">Depths, weights, and the re-ranker of a mode with "+rerank".</param>
    /// <param name="folder">Keeps embeddings and takes those that are there; null for none.</param>
    /// <exception cref="BadInput">The model lacks an output that the mode needs.</exception>
    public CorpusSearch(MeasuredModel model, IReadOnlyList<Passage> passages, RetrievalMode mode, SearchOptions options, string? folder = null)
    {
        (_passages, _mode, _options) = (passages, mode, options);
        _bm25 = new Lazy<Bm25Index>(() => Bm25Index.Build(passages.Select(p => p.FullText), options: options.Bm25));
        if (mode.Needs == EmbeddingModes.None)
        {
            return;
        }
        _model = model.Open();
        _outputs = ModeSearch.Outputs([mode], _model.Encoder);
        _corpus = _model.Embed(passages.Select(p => p.FullText), _outputs, folder, folder is null ? "" : model.Key());
    }

    /// <summary>The best passages for a question.</summary>
    public SearchHit[] Search(string question, int top)
    {
        var set = new RetrievalSet("corpus", _passages, [new Query("question", question)], new Qrels());
        int depth = _mode.Reranks ? Math.Max(top, _options.RerankDepth) : top;
        return [.. new ModeSearch(set, _model, _corpus, _outputs, _options with { TopK = depth, Candidates = Math.Max(depth, _options.Candidates) }, _bm25).Search(_mode)[0].Take(top)];
    }

    /// <inheritdoc/>
    public void Dispose() => _corpus?.Dispose();
}

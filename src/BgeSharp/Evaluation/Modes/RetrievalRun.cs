// A collection measured in several modes by one model: embed the corpus once (from shards when there are any), search, score, keep the hits for the report.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Measures;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;
using BgeSharp.Retrieval;
using BgeSharp.Retrieval.Embedded;

namespace BgeSharp.Evaluation.Modes;

/// <summary>One mode on one collection.</summary>
/// <param name="Mode">How it was searched.</param>
/// <param name="Report">Figures.</param>
/// <param name="Hits">Hits of query i, best first; rows of the collection's corpus.</param>
public sealed record ModeOutcome(string Mode, RetrievalReport Report, SearchHit[][] Hits);

/// <summary>Measures retrieval.</summary>
/// <param name="Collection">What to search and ask.</param>
/// <param name="Modes">How to search.</param>
/// <param name="Options">Depths and weights.</param>
public sealed record RetrievalRun(TestCollection Collection, IReadOnlyList<RetrievalMode> Modes, SearchOptions Options)
{
    /// <summary>What to compute; <see cref="RetrievalMetric.Default"/> when null.</summary>
    public IReadOnlyList<RetrievalMetric>? Metrics { get; init; }

    /// <summary>Folder of the corpus's embeddings, reused when they fit; null to embed in memory.</summary>
    public string? EmbeddingFolder { get; init; }

    /// <summary>Identifies the model's weights where embeddings are kept in a folder.</summary>
    public string ModelKey { get; init; } = "";

    /// <summary>Longest passage of a long document in tokens; the document's score is that of its best passage. 0 encodes documents whole (cut at the model's length).</summary>
    public int SplitTokens { get; init; }

    /// <summary>Measures each mode.</summary>
    /// <param name="model">Null when only BM25 is asked for.</param>
    /// <exception cref="BadInput">The collection is empty, or the model lacks an output.</exception>
    public IReadOnlyList<ModeOutcome> Run(EvaluatedModel? model)
    {
        Collection.Check();
        RetrievalMode[] byModel = [.. Modes.Where(m => m.Needs != EmbeddingModes.None)];
        if (byModel.Length > 0 && model is null)
        {
            throw new BadInput($"the mode {byModel[0].Name} needs a model.");
        }
        if (SplitTokens > 0 && model is not null)
        {
            return RunSplit(model);
        }
        EmbeddingModes outputs = byModel.Length > 0 ? ModeSearch.Outputs(byModel, model!.Encoder) : EmbeddingModes.None;
        using EmbeddedCorpus? corpus = byModel.Length > 0 ? Embed(model!, Collection.Set, outputs) : null;
        var search = new ModeSearch(Collection.Set, byModel.Length > 0 ? model : null, corpus, outputs, Options);
        return [.. Modes.Select(mode => Score(mode.Name, search.Search(mode)))];
    }

    /// <summary>Candidates of the hybrid with their scores, for a sweep of the weights.</summary>
    public HybridCandidates Candidates(EvaluatedModel model)
    {
        EmbeddingModes outputs = ModeSearch.Outputs([RetrievalMode.Parse("hybrid")], model.Encoder);
        using EmbeddedCorpus corpus = Embed(model, Collection.Set, outputs);
        return new ModeSearch(Collection.Set, model, corpus, outputs, Options).Candidates();
    }

    /// <summary>Scores hits of the collection, whoever found them.</summary>
    /// <param name="mode">Name for reports.</param>
    /// <param name="hits">Hits of query i, best first; the outcome has them in the order that counts.</param>
    public ModeOutcome Score(string mode, SearchHit[][] hits)
    {
        SearchHit[][] ordered = RetrievalEvaluation.Ordered(Collection.Set, hits, Collection.IgnoreIdenticalIds);
        return new(mode, Collection.Answers is { } answers ? ByAnswers(answers, ordered) : RetrievalEvaluation.Evaluate(Collection.Set, ordered, Metrics), ordered);
    }

    private EmbeddedCorpus Embed(EvaluatedModel model, RetrievalSet set, EmbeddingModes outputs)
        => model.Embed(set.Corpus.Select(p => p.FullText), outputs, EmbeddingFolder, ModelKey);

    // Every document as passages of its own; a document's rank is that of its best passage. Depths count documents: a search keeps the best passage of a document and forgets its
    // others while it runs, so a query holds TopK hits, however many passages the largest document has, and finds what a search through all passages would. For multi-vectors and
    // the hybrid the candidates are the best Candidates documents of the first searches, each with the passage (of each search) that brought it; its other passages are not scored.
    private List<ModeOutcome> RunSplit(EvaluatedModel model)
    {
        SplitDocuments split = Split(model);
        EmbeddingModes outputs = ModeSearch.Outputs(Modes.Where(m => m.Needs != EmbeddingModes.None), model.Encoder);
        using EmbeddedCorpus? corpus = outputs == EmbeddingModes.None ? null : Embed(model, split.Passages, outputs);
        var search = new ModeSearch(split.Passages, outputs == EmbeddingModes.None ? null : model, corpus, outputs, Options, documentOf: split.DocumentOf);
        return [.. Modes.Select(mode => Score(mode.Name, split.ToDocuments(search.Search(mode), Options.TopK)))];
    }

    /// <summary>The documents in pieces: what stands before every piece takes its room.</summary>
    internal SplitDocuments Split(EvaluatedModel model)
    {
        int before = model.PassageInstruction.Length == 0 ? 0 : model.Tokenizer.EncodeWithSpecial(model.PassageInstruction).Length - model.Tokenizer.EncodeWithSpecial("").Length;
        return SplitDocuments.Of(Collection.Set, model.Tokenizer, Math.Min(SplitTokens, Math.Max(8, model.PassageMaxLength - before)));
    }

    private RetrievalReport ByAnswers(IReadOnlyDictionary<string, IReadOnlyList<string>> answers, SearchHit[][] hits)
    {
        int[] cutoffs = [1, 5, 10, 20, 100];
        var perQuery = new Dictionary<string, IReadOnlyDictionary<string, double>>(StringComparer.Ordinal);
        for (int q = 0; q < hits.Length; q++)
        {
            if (answers.TryGetValue(Collection.Set.Queries[q].Id, out IReadOnlyList<string>? strings))
            {
                int first = AnswerMatch.FirstRank(hits[q].Take(cutoffs[^1]).Select(h => Collection.Set.Corpus[h.Row].FullText), strings);
                perQuery[Collection.Set.Queries[q].Id] = cutoffs.ToDictionary(k => FormattableString.Invariant($"recall@{k}"), k => first <= k ? 1.0 : 0);
            }
        }
        var means = cutoffs.Select(k => FormattableString.Invariant($"recall@{k}")).ToDictionary(n => n, n => perQuery.Count > 0 ? perQuery.Values.Average(v => v[n]) : 0);
        return new RetrievalReport(means, perQuery);
    }
}

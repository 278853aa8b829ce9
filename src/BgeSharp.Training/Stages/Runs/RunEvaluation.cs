// Evaluates a model on the recipe's sets: held-out documents of each source, then the labelled sets. BM25 on the same sets is the yardstick.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Evaluation.Tasks;
using BgeSharp.Formats.Collections;
using BgeSharp.Models;
using BgeSharp.Retrieval;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>The sets of a recipe, read once.</summary>
public sealed class RunEvaluation
{
    /// <summary>How many of a query's passages a cross-encoder judges: it costs a forward pass each.</summary>
    public const int RerankDepth = 20;

    private const int TopK = 100;
    private readonly int _queryLength;
    private readonly int _passageLength;

    /// <summary>Reads labelled sets and mines held-out ones.</summary>
    /// <exception cref="BadInput">A set cannot be read or is empty.</exception>
    public RunEvaluation(Recipe recipe, RecipeDocuments documents)
    {
        RetrievalSet[] heldOut = [.. documents.HeldOutSets()];
        // One index over all sources comes first: it is what a search over the user's own documents will be.
        IEnumerable<RetrievalSet> joint = heldOut.Length > 1 ? [RecipeDocuments.Together("heldout", heldOut)] : [];
        Sets = [.. joint, .. heldOut, .. recipe.Evaluation.Where(e => !e.IsGraded).Select(Load)];
        Graded = [.. recipe.Evaluation.Where(e => e.IsGraded).Select(LoadGraded)];
        GradedDevelopment = recipe.Development is { IsGraded: true } pairs ? LoadGraded(pairs) : null;
        Development = GradedDevelopment is not null ? null : recipe.Development is { } given ? Load(given) : Sets.Count > 0 ? Sets[0] : null;
        DevelopmentIsReported = (Development is not null && Sets.Contains(Development)) || recipe.Evaluation.Any(e => e.Path == recipe.Development?.Path);
        // Every stage is measured at the lengths the run trains for, the untrained model too.
        _queryLength = recipe.Stages.OfType<ContrastiveStageOptions>().Select(s => s.QueryMaxLength).DefaultIfEmpty(int.MaxValue).Max();
        _passageLength = recipe.Stages.OfType<ContrastiveStageOptions>().Select(s => s.PassageMaxLength).DefaultIfEmpty(int.MaxValue).Max();
    }

    /// <summary>Called after each batch that an evaluation between stages encodes, with texts done and in all, or judges, with pairs done and 0. What it throws ends the evaluation.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>All collections, held-out ones first.</summary>
    public IReadOnlyList<RetrievalSet> Sets { get; }

    /// <summary>Graded sentence pairs, measured by Spearman's ρ of their cosines.</summary>
    public IReadOnlyList<StsTask> Graded { get; }

    /// <summary>What evaluations while training search: the recipe's set for it, else the joint held-out set, else the first labelled one; null when there is none, or <see cref="GradedDevelopment"/> is.</summary>
    public RetrievalSet? Development { get; }

    /// <summary>Graded pairs in its place, where the recipe names such.</summary>
    public StsTask? GradedDevelopment { get; }

    /// <summary>True when either stands among the results too: a stage that chooses by it is flattered there.</summary>
    public bool DevelopmentIsReported { get; }

    /// <summary>Whether a model can be measured while it trains.</summary>
    public bool CanDevelop => Development is not null || GradedDevelopment is not null;

    /// <summary>Scores BM25 over character uni- and bigrams.</summary>
    public IEnumerable<StageResult> Bm25()
        => Sets.Select(set => new StageResult("bm25", set.Name, "bm25", Measure(set, "bm25", null)));

    /// <summary>Scores a model in all the ways it can be searched: dense, and sparse, multi-vector and hybrid where it has the heads.</summary>
    /// <param name="stage">Label in the table.</param>
    /// <param name="model">The model.</param>
    /// <param name="progress">Told before each set.</param>
    public IEnumerable<StageResult> Score(string stage, TextModel model, Action<string> progress)
        => Score(stage, ModesOf(model.Encoder.Modes), Model(model, Progress), new SearchOptions { TopK = TopK }, progress);

    /// <summary>Scores the dense vectors of an encoder.</summary>
    /// <param name="stage">Label in the table.</param>
    /// <param name="encoder">Gives the vectors.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="card">Its instructions.</param>
    /// <param name="progress">Told before each set.</param>
    public IEnumerable<StageResult> Dense(string stage, IEncoder encoder, ITokenizer tokenizer, ModelCard card, Action<string> progress)
        => Score(stage, ["dense"], Model(encoder, tokenizer, card, Progress), new SearchOptions { TopK = TopK }, progress);

    /// <summary>Scores a cross-encoder: it orders the best <see cref="RerankDepth"/> of a first search anew.</summary>
    /// <param name="stage">Label in the table.</param>
    /// <param name="reranker">The cross-encoder.</param>
    /// <param name="first">Model of the first search; null for BM25.</param>
    /// <param name="progress">Told before each set.</param>
    public IEnumerable<StageResult> Reranked(string stage, TorchReranker reranker, TextModel? first, Action<string> progress)
        => Score(stage, [first is null ? "bm25+rerank" : "dense+rerank"], first is null ? null : Model(first, Progress), Judged(new WatchedReranker(reranker, done => Progress?.Invoke((int)Math.Min(int.MaxValue, done), 0))), progress);

    /// <summary>Scores a model while it trains, on <see cref="Development"/> or <see cref="GradedDevelopment"/>.</summary>
    /// <param name="encoder">The model as it is now.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="card">Its instructions.</param>
    /// <param name="outputs">What to search with: "dense", "sparse", "multi" (every passage, not a few found by another output), or the hybrid of several.</param>
    /// <param name="queries">Most queries or graded pairs, evenly spaced; all passages are searched.</param>
    /// <returns>Metrics in 0..1, of graded pairs in −1..1.</returns>
    public IReadOnlyDictionary<string, double> Develop(IEncoder encoder, ITokenizer tokenizer, ModelCard card, IReadOnlyList<string> outputs, int queries)
    {
        if (GradedDevelopment is { } graded)
        {
            return Limited(graded, queries).Run(Model(encoder, tokenizer, card, null)).Metrics;
        }
        string[] used = [.. outputs.Distinct()];
        SearchOptions usual = new() { TopK = TopK };
        SearchOptions options = usual with { Weights = usual.Weights.ToDictionary(w => w.Key, w => used.Contains(w.Key) ? w.Value : 0) };
        return Run(Limited(Development!, queries), [used.Length > 1 ? "hybrid" : used[0] == "multi" ? "multi_all" : used[0]], Model(encoder, tokenizer, card, null), used.Length > 1 ? options : usual)[0].Report.Metrics;
    }

    /// <summary>Scores a cross-encoder while it trains, on <see cref="Development"/>: it orders what BM25 found first anew, so no other model takes part.</summary>
    /// <param name="reranker">The model as it is now.</param>
    /// <param name="queries">Most queries, evenly spaced; all passages are searched.</param>
    public IReadOnlyDictionary<string, double> Develop(IReranker reranker, int queries)
        => Run(Limited(Development!, queries), ["bm25+rerank"], null, Judged(reranker))[0].Report.Metrics;

    /// <summary>The queries of <see cref="Development"/> with the passages that answer them, and as negatives what BM25 ranks first beside these.</summary>
    /// <param name="queries">Most queries, evenly spaced.</param>
    /// <param name="negatives">For each query; 0 for none.</param>
    /// <remarks>A query without an answer in the corpus, or without any of the negatives that are asked for, is left out.</remarks>
    public IEnumerable<TrainingExample> DevelopmentPairs(int queries, int negatives)
    {
        RetrievalSet set = Limited(Development!, queries);
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (Passage passage in set.Corpus)
        {
            texts.TryAdd(passage.Id, passage.FullText);
        }
        Bm25Index? index = negatives == 0 ? null : Bm25Index.Build(set.Corpus.Select(p => p.FullText));
        foreach (Query query in set.Queries)
        {
            string[] answers = [.. set.Qrels[query.Id].Where(j => j.Value > 0 && texts.ContainsKey(j.Key)).Select(j => j.Key)];
            if (answers.Length > 0)
            {
                string[] others = index is null ? [] : [.. index.Search(query.Text, negatives + answers.Length).Select(h => set.Corpus[h.Row]).Where(p => !answers.Contains(p.Id)).Take(negatives).Select(p => p.FullText)];
                if (others.Length == 0 && negatives > 0)
                {
                    continue;
                }
                yield return new TrainingExample(query.Text, [.. answers.Select(a => texts[a])], others) { Source = "development" };
            }
        }
    }

    private IEnumerable<StageResult> Score(string stage, string[] modes, EvaluatedModel? model, SearchOptions options, Action<string> progress)
    {
        foreach (RetrievalSet set in Sets)
        {
            progress($"evaluating {stage} on {set.Name}: {set.Queries.Count} queries, {set.Corpus.Count} passages");
            foreach (ModeOutcome outcome in Run(set, modes, model, options))
            {
                yield return new StageResult(stage, set.Name, outcome.Mode, outcome.Report.Metrics);
            }
        }
        foreach (StsTask task in model is not null && modes.Contains("dense") ? Graded : [])
        {
            progress($"evaluating {stage} on {task.Name}: {task.Pairs.Count} graded pairs");
            yield return new StageResult(stage, task.Name, "dense", task.Run(model!).Metrics);
        }
    }

    private static string[] ModesOf(EmbeddingModes has) =>
    [
        .. new[] { "dense", has.HasFlag(EmbeddingModes.Sparse) ? "sparse" : "", has.HasFlag(EmbeddingModes.MultiVector) ? "multi" : "", (has & (EmbeddingModes.Sparse | EmbeddingModes.MultiVector)) != 0 ? "hybrid" : "" }
            .Where(m => m.Length > 0),
    ];

    private static SearchOptions Judged(IReranker reranker) => new() { TopK = TopK, Reranker = reranker, RerankDepth = RerankDepth };

    private EvaluatedModel Model(TextModel model, Action<int, int>? progress) => Model(model.Encoder, model.Tokenizer, model.Card, progress);

    private EvaluatedModel Model(IEncoder encoder, ITokenizer tokenizer, ModelCard card, Action<int, int>? progress) => new(encoder, tokenizer)
    {
        QueryMaxLength = Math.Min(_queryLength, encoder.MaxLength),
        PassageMaxLength = Math.Min(_passageLength, encoder.MaxLength),
        QueryInstruction = card.QueryInstruction,
        PassageInstruction = card.PassageInstruction,
        Progress = progress,
    };

    private static IReadOnlyDictionary<string, double> Measure(RetrievalSet set, string mode, EvaluatedModel? model)
        => Run(set, [mode], model, new SearchOptions { TopK = TopK })[0].Report.Metrics;

    // What bge eval does too.
    private static IReadOnlyList<ModeOutcome> Run(RetrievalSet set, string[] modes, EvaluatedModel? model, SearchOptions options)
        => new RetrievalRun(new TestCollection(set), [.. modes.Select(RetrievalMode.Parse)], options).Run(model);

    private static RetrievalSet Load(EvaluationSetOptions options)
    {
        bool beir = options.Format == "beir" || (options.Format == "auto" && Directory.Exists(options.Path));
        RetrievalSet set = (beir ? BeirFolder.Load(options.Path) : SquadFile.Load(options.Path)) with { Name = options.Name };
        if (set.Queries.Count == 0 || set.Corpus.Count == 0)
        {
            throw new BadInput($"{options.Path}: the evaluation set \"{options.Name}\" has no queries or no passages; mend it, or leave it out.");
        }
        return Limited(set, options.MaxQueries);
    }

    private static StsTask LoadGraded(EvaluationSetOptions options)
    {
        StsTask task = Limited(new StsTask(options.Name, PairScores.Read(options.Path)), options.MaxQueries);
        return task.Pairs.Select(p => p.Score).Distinct().Count() > 1 ? task
            : throw new BadInput($"{options.Path}: all {task.Pairs.Count} pairs of the evaluation set \"{options.Name}\" have one grade, so there is no order to agree with; give pairs of different grades.");
    }

    // All pairs where those drawn have one grade, as every second one may when grades take turns: there would be no order to agree with.
    private static StsTask Limited(StsTask task, int pairs)
    {
        if (pairs <= 0 || pairs >= task.Pairs.Count)
        {
            return task;
        }
        ScoredPair[] drawn = [.. Data.Splits.HeldOutSet.EvenlySpaced(task.Pairs.Count, pairs).Select(i => task.Pairs[i])];
        return drawn.Any(p => p.Score != drawn[0].Score) ? task with { Pairs = drawn } : task;
    }

    private static RetrievalSet Limited(RetrievalSet set, int queries)
    {
        if (queries > 0 && queries < set.Queries.Count)
        {
            Query[] asked = [.. Data.Splits.HeldOutSet.EvenlySpaced(set.Queries.Count, queries).Select(i => set.Queries[i])];
            var qrels = new Qrels();      // a judged query that is not asked would count as one that found nothing
            foreach (Query query in asked)
            {
                foreach ((string document, int grade) in set.Qrels[query.Id])
                {
                    qrels.Add(query.Id, document, grade);
                }
            }
            set = set with { Queries = asked, Qrels = qrels };
        }
        return set;
    }
}

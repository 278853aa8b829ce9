// Evaluates a model on the recipe's sets: held-out documents of each source, then the labelled sets. BM25 on the same sets is the yardstick.

using BgeSharp.Embeddings;
using BgeSharp.Evaluation.Models;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Formats.Collections;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>The sets of a recipe, read once.</summary>
public sealed class RunEvaluation
{
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
        Sets = [.. joint, .. heldOut, .. recipe.Evaluation.Select(Load)];
        // Every stage is measured at the lengths the run trains for, the untrained model too.
        _queryLength = recipe.Stages.OfType<ContrastiveStageOptions>().Select(s => s.QueryMaxLength).DefaultIfEmpty(int.MaxValue).Max();
        _passageLength = recipe.Stages.OfType<ContrastiveStageOptions>().Select(s => s.PassageMaxLength).DefaultIfEmpty(int.MaxValue).Max();
    }

    /// <summary>All sets, held-out ones first.</summary>
    public IReadOnlyList<RetrievalSet> Sets { get; }

    /// <summary>Scores BM25 over character uni- and bigrams.</summary>
    public IEnumerable<StageResult> Bm25()
        => Sets.Select(set => new StageResult("bm25", set.Name, "bm25", Measure(set, "bm25", null)));

    /// <summary>Scores the dense vectors of a model.</summary>
    /// <param name="stage">Label in the table.</param>
    /// <param name="model">The model.</param>
    /// <param name="progress">Told before each set.</param>
    public IEnumerable<StageResult> Dense(string stage, TextModel model, Action<string> progress) => Dense(stage, model.Encoder, model.Tokenizer, model.Card.QueryInstruction, progress);

    /// <summary>Scores the dense vectors of an encoder.</summary>
    /// <param name="stage">Label in the table.</param>
    /// <param name="encoder">Gives the vectors.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="instruction">Put before each query; empty for none.</param>
    /// <param name="progress">Told before each set.</param>
    public IEnumerable<StageResult> Dense(string stage, IEncoder encoder, ITokenizer tokenizer, string instruction, Action<string> progress)
    {
        foreach (RetrievalSet set in Sets)
        {
            progress($"evaluating {stage} on {set.Name}: {set.Queries.Count} queries, {set.Corpus.Count} passages");
            yield return new StageResult(stage, set.Name, "dense", Measure(set, "dense", Model(encoder, tokenizer, instruction)));
        }
    }

    /// <summary>Scores a model while it trains: on the joint held-out set, or on the first labelled set where nothing is held out.</summary>
    /// <param name="encoder">The model as it is now.</param>
    /// <param name="tokenizer">Its vocabulary.</param>
    /// <param name="instruction">Put before each query.</param>
    /// <param name="queries">Most queries, evenly spaced; all passages are searched.</param>
    /// <returns>Metrics in 0..1.</returns>
    public IReadOnlyDictionary<string, double> Develop(IEncoder encoder, ITokenizer tokenizer, string instruction, int queries)
        => Measure(Limited(Sets[0], queries), "dense", Model(encoder, tokenizer, instruction));

    private EvaluatedModel Model(IEncoder encoder, ITokenizer tokenizer, string instruction) => new(encoder, tokenizer)
    {
        QueryMaxLength = Math.Min(_queryLength, encoder.MaxLength),
        PassageMaxLength = Math.Min(_passageLength, encoder.MaxLength),
        QueryInstruction = instruction,
    };

    // What bge eval does too.
    private static IReadOnlyDictionary<string, double> Measure(RetrievalSet set, string mode, EvaluatedModel? model)
        => new RetrievalRun(new TestCollection(set), [RetrievalMode.Parse(mode)], new SearchOptions { TopK = TopK }).Run(model)[0].Report.Metrics;

    private static RetrievalSet Load(EvaluationSetOptions options)
    {
        bool beir = options.Format == "beir" || (options.Format == "auto" && Directory.Exists(options.Path));
        RetrievalSet set = (beir ? BeirFolder.Load(options.Path) : SquadFile.Load(options.Path)) with { Name = options.Name };
        if (set.Queries.Count == 0 || set.Corpus.Count == 0)
        {
            throw new BadInput($"{options.Path}: the evaluation set \"{options.Name}\" has no queries or no passages.");
        }
        return Limited(set, options.MaxQueries);
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

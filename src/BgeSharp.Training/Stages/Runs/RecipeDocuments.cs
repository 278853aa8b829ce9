// The recipe's documents, streamed anew for each use: nothing but counts is kept.

using BgeSharp.Formats.Collections;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Data.Splits;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Documents, pairs and held-out sets of a recipe.</summary>
public sealed class RecipeDocuments
{
    private readonly Recipe _recipe;
    private readonly HeldOutSplit _split;

    /// <param name="recipe">A checked recipe.</param>
    public RecipeDocuments(Recipe recipe)
    {
        _recipe = recipe;
        _split = new HeldOutSplit(recipe.Seed, recipe.Data.HeldOut);
    }

    /// <summary>True when the recipe names documents.</summary>
    public bool Any => _recipe.Data.Documents.Count > 0;

    /// <summary>Documents that may be trained on, source by source.</summary>
    public IEnumerable<Document> Training() => _recipe.Data.Documents.SelectMany(Training);

    /// <summary>True when the recipe has documents that are trained on and never held out.</summary>
    public bool AnyOnlyTrained => _recipe.Data.Documents.Any(s => !s.Evaluate);

    /// <summary>Documents of the sources that are trained on and never held out.</summary>
    public IEnumerable<Document> OnlyTrained() => _recipe.Data.Documents.Where(s => !s.Evaluate).SelectMany(Read);

    /// <summary>Documents kept out of all training.</summary>
    public IEnumerable<Document> HeldOut() => _recipe.Data.Documents.Where(s => s.Evaluate).SelectMany(s => Read(s).Where(d => _split.Holds(d)));

    /// <summary>Pairs mined from the documents that may be trained on.</summary>
    /// <param name="counts">Counts pairs and drops; null when nobody asks.</param>
    public IEnumerable<TrainingExample> TrainingPairs(MiningCounts? counts = null)
        => _recipe.Data.Documents.SelectMany(source =>
        {
            MiningOptions options = Mining(maxPairsPerQuery: 3);
            return PairMining.Mine(Training(source), PairMiners.Create(source.Miners, options), options, NameOf(source), counts);
        });

    /// <summary>One retrieval set for each source: queries and passages mined from its held-out documents.</summary>
    public IEnumerable<RetrievalSet> HeldOutSets()
    {
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (DocumentSourceOptions source in _recipe.Data.Documents.Where(s => s.Evaluate))
        {
            MiningOptions options = Mining(maxPairsPerQuery: 0);
            IEnumerable<Document> documents = Read(source).Where(d => _split.Holds(d));
            HeldOutSet set = HeldOutSet.Build(PairMining.Mine(documents, PairMiners.Create(AskedByStructure(source.Miners), options), options, NameOf(source)), _recipe.Data.HeldOutQueries);
            if (set.Queries.Count > 0)
            {
                // Two sources may go by the name of their file: their figures and ids are told apart all the same.
                string name = NameOf(source);
                for (int n = 2; !names.Add(name); n++)
                {
                    name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{NameOf(source)}-{n}");
                }
                yield return ToRetrievalSet("heldout:" + name, set);
            }
        }
    }

    /// <summary>Several sets as one: every query searches the passages of all of them. Ids become "set/id".</summary>
    /// <param name="name">Name of the joint set.</param>
    /// <param name="sets">The sets, named "heldout:source".</param>
    public static RetrievalSet Together(string name, IReadOnlyList<RetrievalSet> sets)
    {
        var qrels = new Qrels();
        foreach (RetrievalSet set in sets)
        {
            foreach (string query in set.Qrels.Queries)
            {
                foreach ((string passage, int grade) in set.Qrels[query])
                {
                    qrels.Add(IdIn(set, query), IdIn(set, passage), grade);
                }
            }
        }
        return new RetrievalSet(name,
            [.. sets.SelectMany(set => set.Corpus.Select(p => p with { Id = IdIn(set, p.Id) }))],
            [.. sets.SelectMany(set => set.Queries.Select(q => q with { Id = IdIn(set, q.Id) }))],
            qrels);
    }

    private static string IdIn(RetrievalSet set, string id) => $"{set.Name[(set.Name.IndexOf(':', StringComparison.Ordinal) + 1)..]}/{id}";

    /// <summary>Name of a source in reports.</summary>
    public static string NameOf(DocumentSourceOptions source)
        => source.Name.Length > 0 ? source.Name : Path.GetFileName(source.Path.TrimEnd('/', '\\')).Split('.')[0];

    private IEnumerable<Document> Training(DocumentSourceOptions source)
        => source.Evaluate ? Read(source).Where(d => !_split.Holds(d)) : Read(source);

    private static IEnumerable<Document> Read(DocumentSourceOptions source)
    {
        var filter = new DocumentFilter { Languages = source.Languages, MinHanShare = source.MinHanShare, Limit = source.Limit };
        return filter.Apply(DocumentReader.Read(source.Path, source.Format, source.Fields));
    }

    // A sentence that was taken out of its passage is a query to learn from, not one that anybody would ask: held-out queries come from
    // titles, headings, summaries and questions wherever a source is mined for those.
    private static IReadOnlyList<string> AskedByStructure(IReadOnlyList<string> miners)
    {
        string[] structural = [.. miners.Where(m => m != "inverse-cloze")];
        return structural.Length > 0 ? structural : miners;
    }

    private MiningOptions Mining(int maxPairsPerQuery)
        => new() { PassageCharacters = _recipe.Data.PassageCharacters, ClozePairsPerDocument = _recipe.Data.ClozePairsPerDocument, Seed = _recipe.Seed, MaxPairsPerQuery = maxPairsPerQuery };

    private static RetrievalSet ToRetrievalSet(string name, HeldOutSet set)
    {
        var qrels = new Qrels();
        foreach ((string query, IReadOnlyList<string> passages) in set.Relevant)
        {
            foreach (string passage in passages)
            {
                qrels.Add(query, passage, 1);
            }
        }
        return new RetrievalSet(name, [.. set.Corpus.Select(p => new Passage(p.Id, "", p.Text))], [.. set.Queries.Select(q => new Query(q.Id, q.Text))], qrels);
    }
}

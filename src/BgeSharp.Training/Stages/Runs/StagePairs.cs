// The pairs of a contrastive or reranker stage: given files and pairs of the recipe's own documents, limited and repeated as the recipe says.

using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Reads the pair sources of a stage.</summary>
public static class StagePairs
{
    /// <summary>The sources that a stage names; none for the documents' own pairs, and for a stage that reads no pairs.</summary>
    public static IReadOnlyList<PairSourceOptions> Of(StageOptions stage) => stage switch
    {
        ContrastiveStageOptions contrastive => contrastive.Pairs,
        RerankerStageOptions reranker => reranker.Pairs,
        _ => [],
    };

    /// <summary>Throws when there are too few pairs for one to be another's negative.</summary>
    /// <exception cref="BadInput">There are fewer than two.</exception>
    public static void RequireEnough(StageOptions stage, long count)
    {
        if (count < 2)
        {
            throw new BadInput($"stage \"{stage.Label}\": {count} pairs to train on; at least 2 are needed to have a negative; add pairs or documents, or name more miners (data.documents[].miners).");
        }
    }

    /// <summary>All examples of a stage, in order.</summary>
    /// <param name="given">The stage's sources; empty for the documents' own pairs.</param>
    /// <param name="documents">Gives mined pairs.</param>
    /// <param name="seed">Seed of the draw where a source is limited.</param>
    /// <param name="needs">Asked of every example of a file, drawn or not; null asks nothing.</param>
    /// <param name="stopping">True ends the reading: what was given is then not all. Null reads to the end.</param>
    /// <exception cref="BadInput">A file is not what it should be; the message names file, line and field.</exception>
    public static IEnumerable<TrainingExample> Read(IReadOnlyList<PairSourceOptions> given, RecipeDocuments documents, long seed, ExampleNeeds? needs = null, Func<bool>? stopping = null)
    {
        IReadOnlyList<PairSourceOptions> sources = given.Count > 0 ? given : [new PairSourceOptions { Path = PairSourceOptions.Mined }];
        foreach (PairSourceOptions source in sources)
        {
            IEnumerable<TrainingExample> examples = Open(source, documents, needs).TakeWhile(_ => stopping?.Invoke() != true).Select(e => WithInstructions(e, source));
            if (source.Limit > 0)
            {
                examples = Draw(examples, source.Limit, seed);
            }
            for (int i = 0; i < source.Repeat; i++)
            {
                foreach (TrainingExample example in examples)
                {
                    yield return example;
                }
            }
        }
    }

    private static IEnumerable<TrainingExample> Open(PairSourceOptions source, RecipeDocuments documents, ExampleNeeds? needs)
    {
        if (source.IsMined)
        {
            return documents.TrainingPairs();
        }
        if (Directory.Exists(source.Path))
        {
            string[] files = [.. Directory.GetFiles(source.Path).Where(f => IsJson(f) || IsJsonLines(f)).Order(StringComparer.Ordinal)];
            return files.Length > 0 ? files.SelectMany(f => Open(source with { Path = f }, documents, needs))
                : throw new BadInput($"{source.Path}: no .jsonl or .json file (.gz allowed) in this folder; name one that holds training pairs.");
        }
        IEnumerable<TrainingExample> read = source.IsGraded ? GradedPairs.Read(source.Path)
            : source.Format == "squad" || (source.Format == "auto" && IsJson(source.Path) && !PairFile.HoldsLines(source.Path)) ? SquadPairs.Read(source.Path)
            : PairFile.Read(source.Path);
        // Files of one name in two folders are two sources; a source that a line names divides its file.
        var scored = new Dictionary<PairSource, bool>();
        return read.Select((given, i) =>
        {
            TrainingExample example = given with { Source = given.Source is null ? source.Path : source.Path + PairSource.PartSign + given.Source };
            if (needs is not null)
            {
                PairSource part = PairSource.Of(example);
                scored.TryAdd(part, example.PositiveScores is not null);
                needs.Check(scored[part], example, source.Path, i + 1);
            }
            return example;
        });
    }

    private static TrainingExample WithInstructions(TrainingExample example, PairSourceOptions source)
        => source is { QueryInstruction: null, PassageInstruction: null } ? example
            : example with { Prompt = example.Prompt ?? source.QueryInstruction, PassagePrompt = example.PassagePrompt ?? source.PassageInstruction };

    private static bool IsJson(string path)
        => path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".json.gz", StringComparison.OrdinalIgnoreCase);

    private static bool IsJsonLines(string path)
        => path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".jsonl.gz", StringComparison.OrdinalIgnoreCase);

    // Reservoir sampling (Vitter 1985, algorithm R), then back into reading order. Holds the drawn examples in memory.
    private static List<TrainingExample> Draw(IEnumerable<TrainingExample> examples, int limit, long seed)
    {
        var random = new SeededRandom(HashCodes.Of(seed, limit, 3));
        var drawn = new List<(int Place, TrainingExample Example)>(Math.Min(limit, 1 << 20));
        int seen = 0;
        foreach (TrainingExample example in examples)
        {
            if (drawn.Count < limit)
            {
                drawn.Add((seen, example));
            }
            else if (random.Next(seen + 1) is int place && place < limit)
            {
                drawn[place] = (seen, example);
            }
            seen++;
        }
        return [.. drawn.OrderBy(d => d.Place).Select(d => d.Example)];
    }
}

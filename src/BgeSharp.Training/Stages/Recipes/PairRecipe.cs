// One JSON file = one mined set of pairs. Defaults, ranges, meanings and sources of all options of "bge mine pairs" stand here.

using System.ComponentModel.DataAnnotations;

namespace BgeSharp.Training.Stages.Recipes;

/// <summary>A mined set: sources, cleaning, filters, split, mix.</summary>
public sealed record PairRecipe
{
    /// <summary>Name of the set; shown on its card.</summary>
    [Required] public string Name { get; init; } = "pairs";

    /// <summary>Seed of everything random: sentences of inverse cloze, crops, split, mix, samples.</summary>
    [Range(0, int.MaxValue)] public int Seed { get; init; } = 1;

    /// <summary>Sources of documents, read in order; the option "evaluate" means nothing here.</summary>
    [MinLength(1)] public IReadOnlyList<DocumentSourceOptions> Sources { get; init; } = [];

    /// <summary>Longest passage, in characters; longer ones are cut at a sentence end.</summary>
    [Range(32, 1_000_000)] public int PassageCharacters { get; init; } = 600;

    /// <summary>Shorter passages give no pair.</summary>
    [Range(1, 1_000_000)] public int MinPassageCharacters { get; init; } = 20;

    /// <summary>Longest query, in characters.</summary>
    [Range(8, 1_000_000)] public int QueryCharacters { get; init; } = 128;

    /// <summary>Shorter queries give no pair, in words; a Han character is one.</summary>
    [Range(1, 1000)] public int MinQueryWords { get; init; } = 2;

    /// <summary>Most pairs with one and the same query: further ones would be each other's false negatives. 0 for no limit.</summary>
    [Range(0, 15)] public int MaxPairsPerQuery { get; init; } = 3;

    /// <summary>Most inverse-cloze, neighbour and random-crop pairs of one document each, evenly spaced over it.</summary>
    [Range(1, 10_000)] public int ClozePairsPerDocument { get; init; } = 8;

    /// <summary>In how many other languages a page asks for itself (cross-lingual), at most.</summary>
    [Range(1, 200)] public int LanguagesPerDocument { get; init; } = 2;

    /// <summary>Share of document groups whose pairs go to a file of their own.</summary>
    [Range(0.0, 0.5)] public double HeldOut { get; init; }

    /// <summary>Passes over wrong lines and files, names and counts them; false stops at the first.</summary>
    public bool SkipBad { get; init; }

    /// <summary>Cleaning of documents.</summary>
    public PairCleaningOptions Cleaning { get; init; } = new();

    /// <summary>Filters of pairs.</summary>
    public PairFilterOptions Filters { get; init; } = new();

    /// <summary>Shares of the sources; null keeps all pairs.</summary>
    public PairMixOptions? Mix { get; init; }
}

/// <summary>Cleaning of documents; the limits' reasons are at CleaningOptions.</summary>
public sealed record PairCleaningOptions
{
    /// <summary>Take out lines of navigation and lines that many documents of a source share. Reads each source twice.</summary>
    public bool Boilerplate { get; init; } = true;

    /// <summary>Drop documents nearly equal to an earlier one.</summary>
    public bool NearDuplicates { get; init; } = true;

    /// <summary>Drop documents whose script cannot be that of their language.</summary>
    public bool Script { get; init; } = true;

    /// <summary>Name the language of documents that do not say it, where the script does not tell.</summary>
    public bool DetectLanguage { get; init; }

    /// <summary>Shorter documents are dropped, in characters.</summary>
    [Range(0, int.MaxValue)] public int MinCharacters { get; init; } = 20;

    /// <summary>Longer documents are dropped, in characters; 0 keeps all.</summary>
    [Range(0, int.MaxValue)] public int MaxCharacters { get; init; } = 2_000_000;
}

/// <summary>Filters of pairs.</summary>
public sealed record PairFilterOptions
{
    /// <summary>Least share of the query's character bigrams that the passage has; 0 for no such limit. Off by default: of 25 pairs that 0.05 dropped 16 were good ones (docs/data.md).</summary>
    [Range(0.0, 1.0)] public double LexicalLow { get; init; }

    /// <summary>Most likeness of query and passage as wholes (Dice coefficient of bigrams); 1 for no such limit.</summary>
    [Range(0.0, 1.0)] public double LexicalHigh { get; init; } = 0.9;

    /// <summary>Evaluation sets whose text is kept out of the pairs.</summary>
    public IReadOnlyList<EvaluationTextOptions> Decontaminate { get; init; } = [];
}

/// <summary>Evaluation text to keep out.</summary>
public sealed record EvaluationTextOptions
{
    /// <summary>SQuAD-format JSON, a BEIR-layout folder, pairs or texts as JSONL, or plain text with one text a line (.gz allowed).</summary>
    [Required, RecipePath] public string Path { get; init; } = "";
}

/// <summary>Shares of the sources: p ∝ n^α.</summary>
public sealed record PairMixOptions
{
    /// <summary>α: 1 keeps the sources' own sizes, 0 makes them equal. GTE (Li et al. 2023): 0.5.</summary>
    [Range(0.0, 1.0)] public double Alpha { get; init; } = 1;

    /// <summary>Most pairs in all; 0 for as many as the shares allow.</summary>
    [Range(0, int.MaxValue)] public int Total { get; init; }

    /// <summary>Most pairs of one source; 0 for no cap.</summary>
    [Range(0, int.MaxValue)] public int Cap { get; init; }
}

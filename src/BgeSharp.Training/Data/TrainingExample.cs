// One line of FlagEmbedding-format JSONL, read and written losslessly:
//   {"query": str, "pos": [str], "neg": [str], "pos_scores": [num], "neg_scores": [num], "prompt": str, "type": str}
// and of ours: {"pos_ids": [str], "neg_ids": [str], "passage_prompt": str}

namespace BgeSharp.Training.Data;

/// <summary>A query with its positives and negatives.</summary>
/// <param name="Query">Text to search with.</param>
/// <param name="Positives">At least one.</param>
/// <param name="Negatives">May be empty: then only in-batch negatives act.</param>
public sealed record TrainingExample(string Query, IReadOnlyList<string> Positives, IReadOnlyList<string> Negatives)
{
    /// <summary>Teacher scores of the positives, same length and order; null when there are none.</summary>
    public IReadOnlyList<double>? PositiveScores { get; init; }

    /// <summary>Teacher scores of the negatives, same length and order; null when there are none.</summary>
    public IReadOnlyList<double>? NegativeScores { get; init; }

    /// <summary>Ids of the positives, same length and order; null when there are none. Texts of one id are versions of one passage.</summary>
    public IReadOnlyList<string>? PositiveIds { get; init; }

    /// <summary>Ids of the negatives, same length and order; null when there are none.</summary>
    public IReadOnlyList<string>? NegativeIds { get; init; }

    /// <summary>Instruction put before the query; null for none.</summary>
    public string? Prompt { get; init; }

    /// <summary>Instruction put before the passages; null for none.</summary>
    public string? PassagePrompt { get; init; }

    /// <summary>FlagEmbedding task type ("normal", "symmetric_sts", ...); null for none.</summary>
    public string? Type { get; init; }

    /// <summary>Who made the pair: "title-body", "heading-section", "question-answer", or null for given data.</summary>
    public string? Miner { get; init; }

    /// <summary>File or folder the pair came from.</summary>
    public string? Source { get; init; }

    /// <summary>Language of the query: BCP 47 tag, "und" when not known; null for given data. For a pair across languages "zh>en": query, then passage.</summary>
    public string? Language { get; init; }

    /// <summary>Group of the document the pair came from: pairs of one group stay on one side of a split.</summary>
    public string? Group { get; init; }

    /// <summary>Fields of the line that are not listed here, kept as they are.</summary>
    public IReadOnlyDictionary<string, System.Text.Json.JsonElement>? Extra { get; init; }
}

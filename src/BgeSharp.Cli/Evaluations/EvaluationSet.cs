// One set of a suite, as its JSON names it. The same record is made from the options of "bge eval", so that both measure alike.

namespace BgeSharp.Cli.Evaluations;

/// <summary>What to measure on and how.</summary>
internal sealed record EvaluationSet
{
    /// <summary>Tasks that can be named.</summary>
    public static IReadOnlyList<string> Tasks { get; } = ["retrieval", "sts", "pairs", "classification", "clustering", "reranking", "bitext"];

    /// <summary>Name in reports; made from the file when empty.</summary>
    public string Name { get; init; } = "";

    /// <summary>One of <see cref="Tasks"/>.</summary>
    public string Task { get; init; } = "retrieval";

    /// <summary>File or folder.</summary>
    public required string Path { get; init; }

    /// <summary>Bitext in two files: the other one.</summary>
    public string Other { get; init; } = "";

    /// <summary>Layout of a collection; "auto" looks.</summary>
    public string Format { get; init; } = "auto";

    /// <summary>Part of a collection: test, dev, ...</summary>
    public string Split { get; init; } = "test";

    /// <summary>Parallel SQuAD files whose paragraphs are searched instead.</summary>
    public IReadOnlyList<string> Paragraphs { get; init; } = [];

    /// <summary>MKQA: the corpus.</summary>
    public string Corpus { get; init; } = "";

    /// <summary>Family of sets that differ in language: they share a chart.</summary>
    public string Group { get; init; } = "";

    /// <summary>Language of the set, or "zh-en".</summary>
    public string Language { get; init; } = "";

    /// <summary>Ways to search; those of the suite when empty.</summary>
    public IReadOnlyList<string> Modes { get; init; } = [];

    /// <summary>Put between title and text.</summary>
    public string TitleSeparator { get; init; } = " ";

    /// <summary>Leave out a passage with the id of its query.</summary>
    public bool IgnoreIdenticalIds { get; init; }

    /// <summary>At most so many queries or pairs, evenly spaced; 0 for all.</summary>
    public int MaxQueries { get; init; }

    /// <summary>Split documents into passages of so many tokens; 0 for whole documents.</summary>
    public int SplitTokens { get; init; }
}

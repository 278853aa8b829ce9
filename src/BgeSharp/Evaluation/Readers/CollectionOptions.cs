namespace BgeSharp.Evaluation.Readers;

/// <summary>How a collection is read.</summary>
public sealed record CollectionOptions
{
    /// <summary>"auto", "beir" (FlagEmbedding's layout too), "squad", "miracl" (Mr.TyDi too), "mldr", "mkqa" or "msmarco".</summary>
    public string Format { get; init; } = "auto";

    /// <summary>Part to measure: test, dev, ...</summary>
    public string Split { get; init; } = "test";

    /// <summary>Put between title and text of a passage. BEIR and FlagEmbedding: a space; the BGE-M3 paper's MIRACL: a line break.</summary>
    public string TitleSeparator { get; init; } = " ";

    /// <summary>Leave out a passage with the id of its query.</summary>
    public bool IgnoreIdenticalIds { get; init; }

    /// <summary>Take so many queries, evenly spaced; 0 for all.</summary>
    public int MaxQueries { get; init; }

    /// <summary>SQuAD: a parallel file (or several) whose paragraphs are searched instead; question ids must agree.</summary>
    public IReadOnlyList<string> Paragraphs { get; init; } = [];

    /// <summary>MKQA: language of the questions.</summary>
    public string Language { get; init; } = "";

    /// <summary>MKQA: the corpus (JSONL with an id and text).</summary>
    public string Corpus { get; init; } = "";
}

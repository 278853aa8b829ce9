namespace BgeSharp.Embeddings;

/// <summary>A query and a passage to be judged together.</summary>
/// <param name="Query">What is asked.</param>
/// <param name="Passage">What may answer it.</param>
public readonly record struct TextPair(string Query, string Passage);

/// <summary>A cross-encoder: reads query and passage together. Slower than comparing embeddings and better, so it judges the best few of a search.</summary>
public interface IReranker
{
    /// <summary>Longest pair in tokens, special tokens included; longer ones are cut.</summary>
    int MaxLength { get; }

    /// <summary>Relevance of each pair, in order: a logit, higher is better, comparable between queries of one model only.</summary>
    float[] Score(IReadOnlyList<TextPair> pairs);
}

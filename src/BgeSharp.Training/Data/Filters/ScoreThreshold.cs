// A teacher's score decides: the file's own "pos_scores", or the cosine that a given model gives. The threshold belongs to the teacher: C-Pack (Xiao et al. 2023,
// section 3.2) drops below .43 with its teacher, and that number means nothing with another.

using System.Numerics.Tensors;

namespace BgeSharp.Training.Data.Filters;

/// <summary>Keeps pairs whose first positive scores at least so much.</summary>
/// <param name="least">Least score.</param>
/// <param name="embed">Texts, true for queries → unit vectors [n, D] row-major; null reads "pos_scores".</param>
public sealed class ScoreThreshold(double least, Func<IReadOnlyList<string>, bool, float[]>? embed) : IPairFilter
{
    /// <inheritdoc/>
    public string Name => "low score";

    /// <inheritdoc/>
    public bool[] Keep(IReadOnlyList<TrainingExample> pairs)
    {
        if (embed is null)
        {
            return [.. pairs.Select(p => p.PositiveScores is { } scores ? scores[0] >= least
                : throw new BadInput($"the pair \"{p.Query[..Math.Min(40, p.Query.Length)]}\" has no \"pos_scores\"; name an embedding model by --teacher, or let a cross-encoder score the pairs by \"bge score\"."))];
        }
        float[] queries = embed([.. pairs.Select(p => p.Query)], true), passages = embed([.. pairs.Select(p => p.Positives[0])], false);
        int dimension = queries.Length / Math.Max(1, pairs.Count);
        return [.. Enumerable.Range(0, pairs.Count).Select(i => TensorPrimitives.Dot(queries.AsSpan(i * dimension, dimension), passages.AsSpan(i * dimension, dimension)) >= least)];
    }
}

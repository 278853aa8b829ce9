// A cross-encoder under somebody's eyes: judging is the slowest part of whatever asks for it, so it says how far it is after each pass and may end there.

using BgeSharp.Embeddings;

namespace BgeSharp.Training.Modeling;

/// <summary>Tells how many pairs it has judged.</summary>
/// <param name="judge">Judges.</param>
/// <param name="progress">Called after each pass with the pairs judged so far, over all calls; what it throws ends the work.</param>
public sealed class WatchedReranker(TorchReranker judge, Action<long> progress) : IReranker
{
    private long _judged;

    /// <inheritdoc/>
    public int MaxLength => judge.MaxLength;

    /// <inheritdoc/>
    public float[] Score(IReadOnlyList<TextPair> pairs)
    {
        float[] scores = judge.Score(pairs, done => progress(_judged + done));
        _judged += pairs.Count;
        return scores;
    }
}

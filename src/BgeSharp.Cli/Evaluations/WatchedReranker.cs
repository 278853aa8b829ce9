// A cross-encoder under somebody's eyes: judging is the slowest part of whatever asks for it, so it says how far it is after each pass and ends there.

using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Tells how many pairs it has judged.</summary>
/// <param name="judge">Judges.</param>
/// <param name="progress">Told; ends the work when that was asked for.</param>
internal sealed class WatchedReranker(TorchReranker judge, WorkProgress progress) : IReranker
{
    private long _judged;

    /// <inheritdoc/>
    public int MaxLength => judge.MaxLength;

    /// <inheritdoc/>
    public float[] Score(IReadOnlyList<TextPair> pairs)
    {
        float[] scores = judge.Score(pairs, done => progress.Reach(_judged + done, 0, "pairs judged"));
        _judged += pairs.Count;
        return scores;
    }
}

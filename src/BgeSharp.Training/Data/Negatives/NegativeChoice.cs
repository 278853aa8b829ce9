// Which of a query's best-ranked passages are hard negatives and which are answers that nobody marked. Search gives ranks and scores, this decides.

namespace BgeSharp.Training.Data.Negatives;

/// <summary>What may be taken.</summary>
public sealed record NegativeRules
{
    /// <summary>First rank taken, from 0.</summary>
    public int FromRank { get; init; } = 5;

    /// <summary>Rank after the last one taken.</summary>
    public int ToRank { get; init; } = 60;

    /// <summary>Negatives kept per query.</summary>
    public int PerQuery { get; init; } = 7;

    /// <summary>A candidate above this share of the positive's score is dropped; 0 asks for nothing.</summary>
    public double RelativeMargin { get; init; } = 0.95;

    /// <summary>A candidate less than this below the positive's score is dropped; 0 asks for nothing.</summary>
    public double AbsoluteMargin { get; init; }

    /// <summary>A candidate whose cosine with a positive is above this is its near-duplicate; 1 keeps it.</summary>
    public double DuplicateCosine { get; init; } = 1;

    /// <summary>The score that a candidate must stay below, given the best positive's.</summary>
    public double LimitFor(double positive)
    {
        // A positive with a score below 0 would turn a relative margin around: then nothing above it is taken.
        double relative = RelativeMargin <= 0 ? double.PositiveInfinity : positive > 0 ? positive * RelativeMargin : positive;
        return Math.Min(relative, AbsoluteMargin > 0 ? positive - AbsoluteMargin : double.PositiveInfinity);
    }
}

/// <summary>A ranked passage.</summary>
/// <param name="Row">Which passage.</param>
/// <param name="Score">Of the search.</param>
public readonly record struct Candidate(int Row, double Score);

/// <summary>Chooses negatives.</summary>
public static class NegativeChoice
{
    /// <summary>The negatives of one query: the candidates of the rank range that pass the rules, drawn by the seed.</summary>
    /// <param name="ranked">Best first, from rank 0.</param>
    /// <param name="positive">Score of the best positive under the same search; NaN when not known: then no margin is asked for.</param>
    /// <param name="excluded">True for a passage that cannot be a negative: a positive, the query itself, a near-duplicate of a positive.</param>
    /// <param name="veto">True for a candidate that a teacher takes for an answer; asked only for those that would be taken; null for no teacher.</param>
    /// <param name="rules">Ranks, margins and number.</param>
    /// <param name="seed">Seed of the draw.</param>
    public static int[] Choose(IReadOnlyList<Candidate> ranked, double positive, Func<int, bool> excluded, Func<IReadOnlyList<int>, bool[]>? veto, NegativeRules rules, ulong seed)
    {
        IEnumerable<int> allowed = Allowed(ranked, positive, excluded, rules, seed);
        if (veto is null)
        {
            return [.. allowed.Take(rules.PerQuery)];
        }
        var kept = new List<int>();
        foreach (int[] next in allowed.Chunk(rules.PerQuery))
        {
            bool[] answers = veto(next);
            kept.AddRange(next.Where((_, i) => !answers[i]));
            if (kept.Count >= rules.PerQuery)
            {
                break;
            }
        }
        return [.. kept.Take(rules.PerQuery)];
    }

    /// <summary>All that may be negatives of a query, in the order in which they are taken.</summary>
    /// <param name="ranked">Best first, from rank 0.</param>
    /// <param name="positive">Score of the best positive under the same search; NaN when not known: then no margin is asked for.</param>
    /// <param name="excluded">True for a passage that cannot be a negative; asked while the result is read, so no more than are needed.</param>
    /// <param name="rules">Ranks and margins.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <returns>Rows, lazily; not cut at <see cref="NegativeRules.PerQuery"/>.</returns>
    public static IEnumerable<int> Allowed(IReadOnlyList<Candidate> ranked, double positive, Func<int, bool> excluded, NegativeRules rules, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(rules);
        double limit = double.IsNaN(positive) ? double.PositiveInfinity : rules.LimitFor(positive);
        var seen = new HashSet<int>();
        int[] candidates = [.. ranked.Take(rules.ToRank).Skip(rules.FromRank).Where(c => c.Score < limit && seen.Add(c.Row)).Select(c => c.Row)];
        new SeededRandom(seed).Shuffle<int>(candidates);
        // Whether a passage is excluded may cost a look at its vector or text: only those that would be taken are asked about.
        return candidates.Where(c => !excluded(c));
    }
}

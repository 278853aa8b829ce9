// The measures of one query, from the grades of its ranking. They follow trec_eval (NIST) where it has them:
// gain is linear (the grade), the discount log2(rank + 1); recall and average precision divide by all relevant documents, found or not.

namespace BgeSharp.Evaluation;

/// <summary>Grades of a ranking beside what could have been found.</summary>
public sealed class RankedGrades
{
    private readonly int[] _ranked;
    private readonly int[] _ideal;
    private readonly int _relevantFrom;
    private readonly int _judgedIrrelevant;

    /// <param name="ranked">Grade of each ranked document, best rank first; 0 for judged and irrelevant, below 0 for documents that are not judged.</param>
    /// <param name="judged">Grades of all judged documents of the query, ranked or not.</param>
    /// <param name="relevantFrom">Lowest grade that counts as relevant for the binary measures; nDCG always uses the grades themselves.</param>
    public RankedGrades(IEnumerable<int> ranked, IEnumerable<int> judged, int relevantFrom = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(relevantFrom, 1);
        _ranked = [.. ranked];
        int[] known = [.. judged];
        _ideal = [.. known.Where(g => g > 0).OrderDescending()];
        _relevantFrom = relevantFrom;
        RelevantCount = _ideal.Count(g => g >= relevantFrom);
        _judgedIrrelevant = known.Count(g => g >= 0 && g < relevantFrom);
    }

    /// <summary>Documents in the ranking.</summary>
    public int RetrievedCount => _ranked.Length;

    /// <summary>Relevant documents that there are.</summary>
    public int RelevantCount { get; }

    /// <summary>Relevant documents among the first k.</summary>
    public int RelevantFound(int k = int.MaxValue) => _ranked.Take(k).Count(g => g >= _relevantFrom);

    /// <summary>nDCG@k = DCG@k of the ranking / DCG@k of the best ranking; DCG@k = Σ_{i≤k} grade_i / log2(i + 1). 0 when nothing is relevant.</summary>
    /// <remarks>Järvelin and Kekäläinen 2002 in trec_eval's form. The exponential gain 2^grade − 1 of other tools differs when grades exceed 1.</remarks>
    public double Ndcg(int k = int.MaxValue)
    {
        double ideal = Dcg(_ideal, k);
        return ideal > 0 ? Dcg(_ranked, k) / ideal : 0;
    }

    /// <summary>Relevant documents among the first k / all relevant documents. 0 when nothing is relevant.</summary>
    public double Recall(int k = int.MaxValue) => RelevantCount > 0 ? (double)RelevantFound(k) / RelevantCount : 0;

    /// <summary>Relevant documents among the first k / min(k, all relevant documents): 1 when nothing better is possible. trec_eval's relative_P, FlagEmbedding's recall_cap.</summary>
    public double CappedRecall(int k) => RelevantCount > 0 ? (double)RelevantFound(k) / Math.Min(k, RelevantCount) : 0;

    /// <summary>Precision at rank ⌊multiple · R + 0.9⌋, R = all relevant documents; with 1 it is R-precision. 0 when nothing is relevant.</summary>
    /// <param name="multiple">Above 0.</param>
    public double RPrecision(double multiple = 1)
    {
        int cutoff = (int)Math.Min(int.MaxValue, (multiple * RelevantCount) + 0.9);
        return RelevantCount > 0 && cutoff > 0 ? (double)RelevantFound(cutoff) / cutoff : 0;
    }

    /// <summary>Largest precision at any rank where at least ⌊level · R + 0.5⌋ relevant documents are found; 0 when that is never reached.</summary>
    /// <param name="level">Recall, 0 to 1.</param>
    public double InterpolatedPrecision(double level)
    {
        int needed = (int)((level * RelevantCount) + 0.5), found = 0;
        double best = 0;
        for (int i = 0; i < _ranked.Length; i++)
        {
            found += _ranked[i] >= _relevantFrom ? 1 : 0;
            best = found >= needed ? Math.Max(best, (double)found / (i + 1)) : best;
        }
        return RelevantCount > 0 ? best : 0;
    }

    /// <summary>Mean of <see cref="InterpolatedPrecision"/> at recall 0, 0.1, ..., 1.</summary>
    public double ElevenPointPrecision() => Enumerable.Range(0, 11).Average(i => InterpolatedPrecision(i / 10.0));

    /// <summary>How often relevant documents stand before judged irrelevant ones; documents without judgement do not matter. Buckley and Voorhees 2004.</summary>
    public double BinaryPreference()
    {
        int irrelevant = 0, bound = Math.Min(RelevantCount, _judgedIrrelevant);
        double sum = 0;
        foreach (int grade in _ranked)
        {
            if (grade >= _relevantFrom)
            {
                sum += irrelevant == 0 ? 1 : 1 - ((double)Math.Min(irrelevant, RelevantCount) / bound);
            }
            else if (grade >= 0)
            {
                irrelevant++;
            }
        }
        return RelevantCount > 0 ? sum / RelevantCount : 0;
    }

    /// <summary>Share of the first k that has no judgement; ranks that are missing count as judged.</summary>
    public double Unjudged(int k) => (double)_ranked.Take(k).Count(g => g < 0) / k;

    /// <summary>Harmonic mean of precision and recall of the whole ranking.</summary>
    public double SetF1() => RetrievedCount + RelevantCount > 0 ? 2.0 * RelevantFound() / (RetrievedCount + RelevantCount) : 0;

    /// <summary>Relevant documents among the first k / k, also when fewer than k were ranked.</summary>
    public double Precision(int k) => (double)RelevantFound(k) / k;

    /// <summary>1 / rank of the first relevant document among the first k; 0 when there is none.</summary>
    public double ReciprocalRank(int k = int.MaxValue)
    {
        int first = Array.FindIndex(_ranked, g => g >= _relevantFrom);
        return first >= 0 && first < k ? 1.0 / (first + 1) : 0;
    }

    /// <summary>Σ over relevant documents among the first k of the precision at their rank / all relevant documents. 0 when nothing is relevant.</summary>
    public double AveragePrecision(int k = int.MaxValue)
    {
        int found = 0;
        double sum = 0;
        for (int i = 0; i < Math.Min(k, _ranked.Length); i++)
        {
            if (_ranked[i] >= _relevantFrom)
            {
                sum += (double)++found / (i + 1);
            }
        }
        return found > 0 ? sum / RelevantCount : 0;
    }

    /// <summary>1 when a relevant document is among the first k, else 0.</summary>
    public double Success(int k) => RelevantFound(k) > 0 ? 1 : 0;

    private static double Dcg(int[] grades, int k)
    {
        double sum = 0;
        for (int i = 0; i < Math.Min(k, grades.Length); i++)
        {
            if (grades[i] > 0)
            {
                sum += grades[i] / Math.Log2(i + 2);
            }
        }
        return sum;
    }
}

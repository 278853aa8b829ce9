// What is known about somebody's data before anything is trained: what mining counted, how many tokens a character makes, how fast this machine is.

using BgeSharp.Training.Data.Mining;

namespace BgeSharp.Training.Stages.Advice;

/// <summary>Counts of documents and pairs.</summary>
/// <param name="Mined">What mining counted.</param>
/// <param name="LabelledPairs">Pairs with judgements given beside the documents.</param>
/// <param name="TokensPerCharacter">Measured on a sample with a vocabulary of these documents.</param>
/// <param name="Limited">True when a source was longer than what was looked at: all counts are then at least so many.</param>
public sealed record DataSurvey(PairStatistics Mined, long LabelledPairs, double TokensPerCharacter, bool Limited)
{
    /// <summary>Documents kept.</summary>
    public long Documents => Mined.DocumentCount;

    /// <summary>Their characters.</summary>
    public long Characters => Mined.Sources.Values.Sum(s => s.Characters);

    /// <summary>Their tokens, about.</summary>
    public long Tokens => (long)(Characters * TokensPerCharacter);

    /// <summary>Pairs whose query a person could have asked: all but those cut out of running text.</summary>
    public long StructuralPairs => Mined.ByMiner.Where(m => m.Miner is not ("inverse-cloze" or "random-crop" or "neighbours")).Sum(m => m.Count);

    /// <summary>All mined pairs.</summary>
    public long Pairs => Mined.PairCount;

    /// <summary>Characters of the middle passage.</summary>
    public int PassageCharacters => Median(Mined.PassageLengths.Values);

    /// <summary>Characters of the middle query.</summary>
    public int QueryCharacters => Median(Mined.QueryLengths.Values);

    // Upper edge of the bin in the middle of all.
    private static int Median(IEnumerable<long[]> histograms)
    {
        long[] sum = new long[PairStatistics.LengthEdges.Count];
        foreach (long[] bins in histograms)
        {
            for (int i = 0; i < sum.Length; i++)
            {
                sum[i] += bins[i];
            }
        }
        long left = sum.Sum() / 2;
        int bin = 0;
        while (bin < sum.Length - 1 && (left -= sum[bin]) > 0)
        {
            bin++;
        }
        return PairStatistics.LengthEdges[Math.Min(bin + 1, sum.Length - 1)];
    }
}

/// <summary>Speed of this machine with the model in question, from steps that were run.</summary>
/// <param name="RetroMae">Tokens a second of a RetroMAE stage; 0 when not measured.</param>
/// <param name="Contrastive">Tokens a second of a contrastive stage.</param>
public sealed record MeasuredSpeed(double RetroMae, double Contrastive);

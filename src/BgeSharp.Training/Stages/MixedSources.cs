// Pairs of several sources in one batch: it has one size of group, one answer to whether other queries' passages are negatives, and a teacher or none.
// What a source asks of its batches is put into words. Sources can be mixed where these are the same; where they are not, they are the error.

using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>Tells whether the sources of a stage can stand in one batch.</summary>
internal static class MixedSources
{
    /// <summary>Throws when a stage mixes sources that ask for different batches.</summary>
    /// <param name="options">The stage; one that does not mix takes any sources.</param>
    /// <param name="sources">Its sources, and whether their examples have a teacher's scores.</param>
    /// <exception cref="BadInput">Names two sources and what each asks for.</exception>
    public static void Require(ContrastiveStageOptions options, IEnumerable<(PairSource Source, bool Scored)> sources)
    {
        if (!options.MixSources)
        {
            return;
        }
        (string Name, string Batches)[] all = [.. sources.Select(s => (NameOf(s.Source), BatchesOf(options, s.Source, s.Scored)))];
        int other = Array.FindIndex(all, s => s.Batches != all[0].Batches);
        if (other > 0)
        {
            throw new BadInput($"stage \"{options.Label}\": mixSources puts pairs of all sources into one batch, but {all[0].Name} asks for {all[0].Batches} and {all[other].Name} for {all[other].Batches}; leave mixSources out, or train them in stages of their own.");
        }
    }

    /// <summary>The same for pairs that are read.</summary>
    public static void Require(ContrastiveStageOptions options, PairStore store)
        => Require(options, store.Rows.Select(row => (row.Source, Scored: row.PositiveScores is not null)).Distinct().Select(s => (store.Sources[s.Source], s.Scored)));

    private static string NameOf(PairSource source) => source.Part.Length > 0 ? $"{source.Name} ({source.Part})" : source.Name;

    // Only what matters beside the stage's own options. Types that put the instruction before passages have done so when the texts became ids.
    private static string BatchesOf(ContrastiveStageOptions options, PairSource source, bool scored)
    {
        string size = source.Type == "symmetric_class" && options.GroupSize > 1 ? "as many passages as its negatives make (symmetric_class)"
            : $"{ContrastiveBatch.GroupOf(source, options.GroupSize, options.GroupSize)}";
        string alone = options is { InBatchNegatives: true, Objective: "contrastive" } && source.OwnGroupOnly ? " compared by themselves (no_in_batch_neg)" : "";
        string teacher = options.Distillation?.IsNamed() != false ? "" : scored ? " with a teacher's scores" : " without a teacher's scores";
        return $"groups of {size}{alone}{teacher}";
    }
}

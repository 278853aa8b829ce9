// Title of a page in one language → its text in another. Pages belong together by group, else by an id that is the same but for marks of language
// ("guide/en/a.md" and "guide/zh/a.md", "README.md" and "README_EN.md").

using BgeSharp.Training.Data.Cleaning;

namespace BgeSharp.Training.Data.Miners;

/// <summary>A page asks for itself in another language.</summary>
public sealed class CrossLingualMiner(MiningOptions options) : IJoinedMiner
{
    /// <inheritdoc/>
    public string Name => "cross-lingual";

    /// <inheritdoc/>
    public IEnumerable<PairHalf> Halves(Document document)
    {
        string title = Headings.Plain(document.Title);
        if (document.Language is not ("und" or "") && title.Length > 0)
        {
            string id = LanguageMarks.Without(document.Id);
            yield return new PairHalf(document.Group != document.Id ? document.Group : id, document.Language, Headings.IsGeneric(title) ? "" : title, Passages.Beginning(document, options), document.Group, id);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<JoinedPair> Join(IReadOnlyList<PairHalf> halves)
    {
        if (AllDiffer(halves))
        {
            return Pairs(halves);
        }
        // Several pages of one language: the group is more than one page, so their ids have to agree as well; where that does not help, nothing is paired.
        return halves.GroupBy(h => h.Part).Select(g => g.ToList()).Where(AllDiffer).SelectMany(Pairs);
    }

    private IEnumerable<JoinedPair> Pairs(IReadOnlyList<PairHalf> halves)
    {
        for (int i = 0; i < halves.Count; i++)
        {
            for (int step = 1; step <= Math.Min(options.LanguagesPerDocument, halves.Count - 1); step++)
            {
                PairHalf from = halves[i], to = halves[(i + step) % halves.Count];
                if (from.Query.Length > 0 && from.Passage != to.Passage && Root(from.Language) != Root(to.Language))
                {
                    yield return new JoinedPair(new TrainingExample(from.Query, [to.Passage], []) { Miner = Name, Group = from.Group, Language = $"{from.Language}>{to.Language}" }, to.Group);
                }
            }
        }
    }

    private static bool AllDiffer(IReadOnlyList<PairHalf> halves) => halves.Select(h => h.Language).Distinct(StringComparer.OrdinalIgnoreCase).Count() == halves.Count;

    private static string Root(string tag) => tag.Split('-', '_')[0].ToLowerInvariant();
}

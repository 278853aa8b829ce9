// The miners of a source, by name. None named means structure first: title, summary, questions and headings where a document has them,
// and inverse cloze for the documents in which none of these finds anything.

namespace BgeSharp.Training.Data.Miners;

/// <summary>Miners to run on each document, and one to fall back on.</summary>
/// <param name="All">Run in order on every document; of two equal pairs the first one's counts.</param>
/// <param name="Otherwise">Runs on documents in which the others found nothing; null for none.</param>
public sealed record PairMiners(IReadOnlyList<IPairMiner> All, IPairMiner? Otherwise = null)
{
    private static readonly string[] ByStructure = ["question-answer", "summary-body", "title-body", "heading-section", "translated-title"];

    /// <summary>Miners between documents; their pairs come after all others.</summary>
    public IReadOnlyList<IJoinedMiner> Joined { get; init; } = [];

    /// <summary>Names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByStructure, "code-comment", "inverse-cloze", "neighbours", "random-crop", "cross-lingual", "link-target"];

    /// <summary>Miners by name, in the order of <see cref="Names"/>.</summary>
    /// <param name="names">Names; empty for all that apply: the structural ones, inverse-cloze where they find nothing.</param>
    /// <param name="options">Sizes and seed.</param>
    public static PairMiners Create(IReadOnlyList<string> names, MiningOptions options)
    {
        foreach (string name in names)
        {
            if (!Names.Contains(name))
            {
                string near = BadInput.Nearest(name, Names) is { } nearest ? $"did you mean \"{nearest}\"?" : $"use {string.Join(", ", Names)}.";
                throw new BadInput($"miners: \"{name}\" is not known; {near}");
            }
        }
        if (names.Count == 0)
        {
            return new PairMiners([.. ByStructure.Select(n => One(n, options)!)], new InverseClozeMiner(options));
        }
        IReadOnlyList<string> ordered = [.. Names.Where(names.Contains)];
        return new PairMiners([.. ordered.Select(n => One(n, options)).OfType<IPairMiner>()]) { Joined = [.. ordered.Select(n => Between(n, options)).OfType<IJoinedMiner>()] };
    }

    private static IPairMiner? One(string name, MiningOptions options) => name switch
    {
        "question-answer" => new QuestionAnswerMiner(options),
        "summary-body" => new SummaryBodyMiner(options),
        "title-body" => new TitleBodyMiner(options),
        "heading-section" => new HeadingSectionMiner(options),
        "translated-title" => new TranslatedTitleMiner(options),
        "code-comment" => new CodeCommentMiner(options),
        "inverse-cloze" => new InverseClozeMiner(options),
        "neighbours" => new NeighbourMiner(options),
        "random-crop" => new RandomCropMiner(options),
        _ => null,
    };

    private static IJoinedMiner? Between(string name, MiningOptions options) => name switch
    {
        "cross-lingual" => new CrossLingualMiner(options),
        "link-target" => new LinkTargetMiner(options),
        _ => null,
    };
}

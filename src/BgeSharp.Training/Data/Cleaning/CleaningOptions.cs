// What is cleaned, with the limits and their reasons in one place.

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Steps of cleaning; each can be left out.</summary>
public sealed record CleaningOptions
{
    /// <summary>Take out lines of navigation: by pattern, and lines that 2 % of a source's documents (at least 20) share. Reads each source twice.</summary>
    public bool Boilerplate { get; init; } = true;

    /// <summary>Drop documents that are nearly equal to an earlier one: about .8 of their 5-grams of letters. 29 bytes a document.</summary>
    public bool NearDuplicates { get; init; } = true;

    /// <summary>Drop documents whose script cannot be that of their language tag: pages that nobody translated.</summary>
    public bool Script { get; init; } = true;

    /// <summary>Name the language of documents that do not say it and whose script does not tell (Lingua). Costs some tenths of a millisecond for each of those.</summary>
    public bool DetectLanguage { get; init; }

    /// <summary>Shorter documents are dropped, in characters; what is shorter has no passage to answer with.</summary>
    public int MinCharacters { get; init; } = 20;

    /// <summary>Longer documents are dropped, in characters: dumps and concatenations, of which one would be a tenth of a small corpus. 0 keeps all.</summary>
    public int MaxCharacters { get; init; } = 2_000_000;
}

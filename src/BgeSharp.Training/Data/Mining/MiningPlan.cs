// What a mining run does, in values: the run itself knows no command line and no recipe.

using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Data.Splits;

namespace BgeSharp.Training.Data.Mining;

/// <summary>One source of documents and how it is mined.</summary>
/// <param name="Name">Set as the pairs' source.</param>
/// <param name="Units">Its documents.</param>
/// <param name="Filter">Languages, script and limit; repeats are found over all sources.</param>
/// <param name="Miners">Run on each document that stays.</param>
public sealed record MiningSource(string Name, IDocumentUnits Units, DocumentFilter Filter, PairMiners Miners);

/// <summary>A whole mining run.</summary>
public sealed record MiningPlan
{
    /// <summary>Read in order.</summary>
    public required IReadOnlyList<MiningSource> Sources { get; init; }

    /// <summary>Sizes, the same as the miners were made with.</summary>
    public MiningOptions Options { get; init; } = new();

    /// <summary>Cleaning of documents.</summary>
    public CleaningOptions Cleaning { get; init; } = new();

    /// <summary>Band of shared wording; null for no such filter.</summary>
    public LexicalBand? Lexical { get; init; } = new();

    /// <summary>Evaluation text to keep out; null for none.</summary>
    public Decontamination? Evaluation { get; init; }

    /// <summary>Groups kept out of training: their pairs go to a file of their own.</summary>
    public HeldOutSplit HeldOut { get; init; } = new(1, 0);

    /// <summary>Shares of the sources in the result; null keeps all pairs.</summary>
    public SourceMix? Mix { get; init; }

    /// <summary>Everything that decides the result, as text: a run that was stopped goes on only under the same.</summary>
    public string Fingerprint { get; init; } = "";
}

/// <summary>Where and how fast a mining run goes; nothing here changes its result.</summary>
/// <param name="Out">Pairs to write, .jsonl or .jsonl.gz.</param>
/// <param name="HeldOut">Held-out pairs to write; null when the plan holds nothing out.</param>
/// <param name="Threads">Working threads.</param>
/// <param name="Time">Clock of the checkpoints.</param>
public sealed record MiningPlace(string Out, string? HeldOut, int Threads, TimeProvider Time)
{
    /// <summary>How much is done again after a kill, at most.</summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>True begins anew, whatever a stopped run left.</summary>
    public bool Restart { get; init; }

    /// <summary>Told now and then how far the run is: bytes read, pairs kept; null when nobody watches.</summary>
    public Action<long, long>? Progress { get; init; }
}

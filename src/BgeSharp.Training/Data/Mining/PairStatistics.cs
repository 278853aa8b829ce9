// What a data card shows, counted while pairs pass in order: everything here is a function of the pairs and survives a restart as JSON.

using System.Text.Json.Serialization;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Documents of one source.</summary>
public sealed class SourceCount
{
    /// <summary>Documents read.</summary>
    public long Read { get; set; }

    /// <summary>Documents kept.</summary>
    public long Kept { get; set; }

    /// <summary>Characters (UTF-16 units) of those.</summary>
    public long Characters { get; set; }

    /// <summary>Pairs of training.</summary>
    public long Pairs { get; set; }

    /// <summary>Pairs held out.</summary>
    public long HeldOutPairs { get; set; }
}

/// <summary>What was dropped for one reason.</summary>
public sealed class DropCount
{
    /// <summary>"documents", "pairs" or "lines".</summary>
    public string What { get; set; } = "";

    /// <summary>How many.</summary>
    public long Count { get; set; }

    /// <summary>The first few.</summary>
    public List<string> Examples { get; set; } = [];
}

/// <summary>A pair drawn for the card: those with the smallest keys are shown.</summary>
/// <param name="Key">Hash of the pair.</param>
/// <param name="Query">Its query.</param>
/// <param name="Passage">Its passage.</param>
/// <param name="Source">Where it is from.</param>
public sealed record PairSample(ulong Key, string Query, string Passage, string Source);

/// <summary>Counts, lengths, samples and drops of a mined set.</summary>
public sealed class PairStatistics
{
    /// <summary>Samples of each miner.</summary>
    public const int SamplesShown = 6;

    private const int DropsShown = 3, ProblemsShown = 20, ExampleCharacters = 160;

    /// <summary>Lower edges of the bins of lengths, in characters; the last bin is open.</summary>
    public static IReadOnlyList<int> LengthEdges { get; } = [0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192];

    /// <summary>By source.</summary>
    public SortedDictionary<string, SourceCount> Sources { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Documents kept, by language.</summary>
    public SortedDictionary<string, long> DocumentLanguages { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Training pairs by miner and language.</summary>
    public SortedDictionary<string, SortedDictionary<string, long>> Pairs { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Query lengths by miner, in the bins of <see cref="LengthEdges"/>.</summary>
    public SortedDictionary<string, long[]> QueryLengths { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Passage lengths by miner.</summary>
    public SortedDictionary<string, long[]> PassageLengths { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Document lengths by source.</summary>
    public SortedDictionary<string, long[]> DocumentLengths { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Drops by reason.</summary>
    public SortedDictionary<string, DropCount> Dropped { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Samples by miner.</summary>
    public SortedDictionary<string, List<PairSample>> Samples { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Pairs that the mix of sources left out of the file, by source; they are in the counts above.</summary>
    public SortedDictionary<string, long> MixedOut { get; set; } = new(StringComparer.Ordinal);

    /// <summary>Lines and files passed over because they were wrong.</summary>
    public long Problems { get; set; }

    /// <summary>The first of them, in a sentence each.</summary>
    public List<string> ProblemExamples { get; set; } = [];

    /// <summary>Training pairs.</summary>
    [JsonIgnore] public long PairCount => Pairs.Values.Sum(l => l.Values.Sum());

    /// <summary>Pairs by miner.</summary>
    [JsonIgnore] public IEnumerable<(string Miner, long Count)> ByMiner => Pairs.Select(m => (m.Key, m.Value.Values.Sum()));

    /// <summary>Documents kept.</summary>
    [JsonIgnore] public long DocumentCount => Sources.Values.Sum(s => s.Kept);

    /// <summary>A source's counts.</summary>
    public SourceCount Source(string name) => Sources.TryGetValue(name, out SourceCount? count) ? count : Sources[name] = new SourceCount();

    internal void Keep(string source, string language, int characters)
    {
        SourceCount count = Source(source);
        (count.Kept, count.Characters) = (count.Kept + 1, count.Characters + characters);
        DocumentLanguages[language] = DocumentLanguages.GetValueOrDefault(language) + 1;
        Bin(DocumentLengths, source, characters);
    }

    internal void Keep(MinedPair pair, string source) => Keep(pair.Miner, pair.Language, pair.Query, pair.Passage, pair.SampleKey, source);

    /// <summary>Counts a pair of a file.</summary>
    internal void Keep(TrainingExample pair)
    {
        ulong key = Miners.PairChecks.PairHash(pair, Miners.PairChecks.QueryHash(pair));
        Keep(pair.Miner ?? "given", pair.Language ?? "und", pair.Query, pair.Positives[0], HashCodes.Of(1, (long)key, 7), pair.Source ?? "");
    }

    private void Keep(string miner, string language, string query, string passage, ulong key, string source)
    {
        Source(source).Pairs++;
        if (!Pairs.TryGetValue(miner, out SortedDictionary<string, long>? languages))
        {
            Pairs[miner] = languages = new(StringComparer.Ordinal);
        }
        languages[language] = languages.GetValueOrDefault(language) + 1;
        Bin(QueryLengths, miner, query.Length);
        Bin(PassageLengths, miner, passage.Length);
        if (!Samples.TryGetValue(miner, out List<PairSample>? samples))
        {
            Samples[miner] = samples = [];
        }
        if (samples.Count < SamplesShown || key < samples[^1].Key)
        {
            samples.Add(new PairSample(key, query, passage, source));
            samples.Sort((a, b) => a.Key.CompareTo(b.Key));
            if (samples.Count > SamplesShown)
            {
                samples.RemoveAt(SamplesShown);
            }
        }
    }

    internal void Drop(string reason, string what, string example, long count = 1)
    {
        if (!Dropped.TryGetValue(reason, out DropCount? drop))
        {
            Dropped[reason] = drop = new DropCount { What = what };
        }
        drop.Count += count;
        if (drop.Examples.Count < DropsShown && example.Length > 0)
        {
            drop.Examples.Add(example.Length > ExampleCharacters ? example[..ExampleCharacters] + "…" : example);
        }
    }

    internal void Problem(string sentence)
    {
        Problems++;
        if (ProblemExamples.Count < ProblemsShown)
        {
            ProblemExamples.Add(sentence);
        }
    }

    private static void Bin(SortedDictionary<string, long[]> histograms, string name, int length)
    {
        if (!histograms.TryGetValue(name, out long[]? bins))
        {
            histograms[name] = bins = new long[LengthEdges.Count];
        }
        int bin = LengthEdges.Count - 1;
        while (LengthEdges[bin] > length)
        {
            bin--;
        }
        bins[bin]++;
    }
}

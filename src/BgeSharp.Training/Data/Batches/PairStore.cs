// Training pairs ready for batches: tokenised queries and passages on disk, each distinct passage once, and per example the rows that belong together.
// In memory: 8 bytes a text for the stores, 4 a passage for where its text begins, about 16 bytes an example, and while it is built some 80 bytes a distinct passage and query.

using System.IO.Hashing;
using System.Runtime.InteropServices;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Batches;

/// <summary>One example as rows of the passage store.</summary>
/// <param name="Positives">At least one row.</param>
/// <param name="Negatives">Rows; may be empty.</param>
/// <param name="Source">Number of the source: batches are drawn from one source at a time, unless a stage mixes them.</param>
public sealed record PairRows(int[] Positives, int[] Negatives, int Source)
{
    /// <summary>Teacher scores of the positives; null when there are none.</summary>
    public float[]? PositiveScores { get; init; }

    /// <summary>Teacher scores of the negatives; null when there are none.</summary>
    public float[]? NegativeScores { get; init; }
}

/// <summary>Where texts without instructions are cut.</summary>
/// <param name="Query">Longest query in tokens.</param>
/// <param name="Passage">Longest passage in tokens.</param>
public sealed record PlainLengths(int Query, int Passage)
{
    /// <summary>The longer of each.</summary>
    public PlainLengths Or(PlainLengths other) => new(Math.Max(Query, other.Query), Math.Max(Passage, other.Passage));
}

/// <summary>The texts of a pair store, by example and by passage row.</summary>
/// <param name="Queries">One an example.</param>
/// <param name="Passages">One a row.</param>
public sealed record PairTexts(TokenStore Queries, TokenStore Passages);

/// <summary>Faults of pair files that are put right while reading, counted.</summary>
public sealed class PairFaults
{
    /// <summary>Positives that stood there before.</summary>
    public int RepeatedPositives { get; internal set; }

    /// <summary>Negatives that stood there before.</summary>
    public int RepeatedNegatives { get; internal set; }

    /// <summary>Negatives that are positives of the same query.</summary>
    public int NegativesThatArePositives { get; internal set; }

    /// <summary>Lines with a batch_size or train_group_size of their own: the recipe says these.</summary>
    public int SizesOfLines { get; internal set; }

    /// <summary>In words; empty when there were none.</summary>
    public string Describe() => string.Join(", ", new[] { (NegativesThatArePositives, "negatives that answer their query or are its own text"), (RepeatedPositives, "repeated positives"), (RepeatedNegatives, "repeated negatives"), (SizesOfLines, "lines' batch_size or train_group_size (batchPairs and groupSize of the recipe count)") }
        .Where(f => f.Item1 > 0).Select(f => FormattableString.Invariant($"{f.Item1} {f.Item2}")));
}

/// <summary>Queries, passages and what belongs together.</summary>
public sealed class PairStore : IDisposable
{
    private readonly Dictionary<int, int[]> _shared;
    private readonly int[] _itself, _starts;
    private readonly int _behind;

    private PairStore(TokenStore queries, TokenStore passages, PairTexts? plain, (int[] Starts, int Behind) texts, PairRows[] rows, int[] itself, PassageVersions versions, PairSource[] sources, PairFaults faults)
    {
        (_starts, _behind) = texts;
        Queries = queries;
        Passages = passages;
        Plain = plain ?? new PairTexts(queries, passages);
        Sources = sources;
        Faults = faults;
        _itself = itself;
        _shared = Shared(queries, rows, itself, versions);
        Rows = [.. rows.Select((row, i) => _shared.TryGetValue(i, out int[]? answers) ? Without(row, answers, faults) : row)];
    }

    /// <summary>Tokenised queries, one an example.</summary>
    public TokenStore Queries { get; }

    /// <summary>Tokenised distinct passages.</summary>
    public TokenStore Passages { get; }

    /// <summary>The same texts as a cross-encoder reads them, without instructions; the same stores where they were not kept apart.</summary>
    public PairTexts Plain { get; }

    /// <summary>Per example its passage rows.</summary>
    public PairRows[] Rows { get; private set; }

    /// <summary>The sources by their number.</summary>
    public IReadOnlyList<PairSource> Sources { get; }

    /// <summary>What was dropped while reading.</summary>
    public PairFaults Faults { get; }

    /// <summary>Number of examples.</summary>
    public int Count => Rows.Length;

    /// <summary>
    /// Rows of the passages that answer an example's query: its positives, those of all other examples with the same query, the query's own text, and all texts of one id with any of these. None of them can be its negative.
    /// </summary>
    public int[] AnswersOf(int example) => _shared.GetValueOrDefault(example) ?? Rows[example].Positives;

    /// <summary>The row of the passage that is an example's own query; −1 when nobody has it as a passage.</summary>
    public int OwnTextOf(int example) => _itself[example];

    /// <summary>Where among a passage's ids its text is, behind special tokens and an instruction, and how many of them; null when it has up to <see cref="PassageParts.ShortText"/> characters.</summary>
    internal (int Start, int Length)? LongTextOf(int row)
        => _starts[row] < 0 ? null : (_starts[row], Math.Max(0, Passages.LengthOf(row) - _behind - _starts[row]));

    /// <summary>Tokenises examples into a folder.</summary>
    /// <param name="folder">Where the two files go; they are deleted with the store.</param>
    /// <param name="examples">Read once.</param>
    /// <param name="tokenizer">Makes the ids.</param>
    /// <param name="queryLength">Longest query in tokens.</param>
    /// <param name="passageLength">Longest passage in tokens.</param>
    /// <param name="instruction">Put before a query that has no prompt of its own; empty for none.</param>
    /// <param name="negatives">False leaves the examples' own negatives out.</param>
    /// <param name="passageInstruction">Put before a passage whose example has no passage prompt of its own, in sources that are not symmetric; empty for none.</param>
    /// <param name="plain">Keeps the texts without instructions too, cut to these lengths; null does not.</param>
    public static PairStore Create(string folder, IEnumerable<TrainingExample> examples, ITokenizer tokenizer, int queryLength, int passageLength, string instruction, bool negatives,
        string passageInstruction = "", PlainLengths? plain = null)
    {
        Dictionary<UInt128, int> known = [], sameIds = [];
        var sources = new Dictionary<PairSource, int>();
        var rows = new List<PairRows>();
        var asked = new List<UInt128>();                                        // what each query would be as a passage
        var pending = new Queue<int[]>();
        var dropped = new PairFaults();
        var versions = new PassageVersions();
        var otherwise = new HashSet<(UInt128 Usual, int Row)>();
        var starts = new List<int>();
        (int ahead, int behind) = SpecialTokensOf(tokenizer);
        (string Text, int[] Ids) last = ("", []);                               // the instruction of the long passage before: most have the same
        // All four files grow in one pass over the examples: the passages an example brings are written right after its query is asked for.
        using var writer = new TokenStoreWriter(Path.Combine(folder, "passages.ids"));
        using TokenStoreWriter? plainQueries = plain is not null ? new TokenStoreWriter(Path.Combine(folder, "plain-queries.ids")) : null;
        using TokenStoreWriter? plainPassages = plain is not null ? new TokenStoreWriter(Path.Combine(folder, "plain-passages.ids")) : null;
        int RowOf(string before, string bare)
        {
            string passage = before + bare;
            UInt128 hash = HashOf(passage);
            if (!known.TryGetValue(hash, out int row))
            {
                // Texts that differ where the model does not look are one passage: as two they would be each other's negatives.
                int[] ids = tokenizer.EncodeWithSpecial(passage, passageLength);
                UInt128 read = HashOf(ids);
                if (!sameIds.TryGetValue(read, out row))
                {
                    row = sameIds.Count;
                    sameIds.Add(read, row);
                    starts.Add(StartOf(before, bare, ids));
                    pending.Enqueue(ids);
                    plainPassages?.Add(Plainly(bare, before, ids, passageLength, plain!.Passage));
                }
                known.Add(hash, row);
            }
            if (before != passageInstruction)
            {
                // One text under two instructions is two rows and one passage.
                otherwise.Add((HashOf(passageInstruction + bare), row));
            }
            return row;
        }
        // Below 0 for a short text. An instruction is what the ids have in common with its own: where a tokenizer joins its end to the text, that much less.
        int StartOf(string before, string bare, int[] ids)
        {
            if (bare.Length <= PassageParts.ShortText)
            {
                return -1;
            }
            if (before != last.Text)
            {
                last = (before, tokenizer.Encode(before));
            }
            return ahead + ids.AsSpan(ahead).CommonPrefixLength(last.Ids);
        }
        IEnumerable<int[]> Queries()
        {
            foreach (TrainingExample example in examples)
            {
                PairSource source = PairSource.Of(example);
                dropped.SizesOfLines += example.Extra is { } extra && (extra.ContainsKey("batch_size") || extra.ContainsKey("train_group_size")) ? 1 : 0;
                sources.TryAdd(source, sources.Count);
                string before = source.IsSymmetric ? example.Prompt ?? instruction : example.PassagePrompt ?? passageInstruction;
                rows.Add(Distinct(example, negatives, (p, id) => versions.Note(RowOf(before, p), source.Name, id), sources[source], dropped));
                string prompt = example.Prompt ?? instruction;
                int[] ids = tokenizer.EncodeWithSpecial(prompt + example.Query, queryLength);
                // A text that was not cut has the same ids at both lengths.
                bool same = before == prompt && (queryLength == passageLength || ids.Length < Math.Min(queryLength, passageLength));
                asked.Add(HashOf(same ? ids : tokenizer.EncodeWithSpecial(before + example.Query, passageLength)));
                plainQueries?.Add(Plainly(example.Query, prompt, ids, queryLength, plain!.Query));
                yield return ids;
            }
        }
        // Most texts have no instruction and one length: they are not tokenised twice.
        int[] Plainly(string bare, string before, int[] ids, int length, int plainLength)
            => before.Length == 0 && length == plainLength ? ids : tokenizer.EncodeWithSpecial(bare, plainLength);
        TokenStore queries = TokenStore.Create(Path.Combine(folder, "queries.ids"), Queries().Select(ids =>
        {
            while (pending.TryDequeue(out int[]? passage))
            {
                writer.Add(passage);
            }
            return ids;
        }));
        foreach ((UInt128 usual, int row) in otherwise)
        {
            string text = usual.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
            versions.Note(row, "", text);
            if (known.TryGetValue(usual, out int plainRow))
            {
                versions.Note(plainRow, "", text);
            }
        }
        PairTexts? apart = plain is not null ? new PairTexts(plainQueries!.Open(), plainPassages!.Open()) : null;
        return new PairStore(queries, writer.Open(), apart, ([.. starts], behind), [.. rows], [.. asked.Select(hash => sameIds.GetValueOrDefault(hash, -1))], versions, [.. sources.OrderBy(s => s.Value).Select(s => s.Key)], dropped);
    }

    // How many stand before a text and behind it: before it what the ids of some text and of none begin with.
    private static (int Ahead, int Behind) SpecialTokensOf(ITokenizer tokenizer)
    {
        int[] none = tokenizer.EncodeWithSpecial("");
        int ahead = none.AsSpan().CommonPrefixLength(tokenizer.EncodeWithSpecial("a"));
        return (ahead, none.Length - ahead);
    }

    private static UInt128 HashOf(string text) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(text.AsSpan()));

    private static UInt128 HashOf(ReadOnlySpan<int> ids) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(ids));

    // Answers of examples that have more than their own positives: their query is others' too, or a positive has versions, or the query's own text is somebody's passage (pairs that stand in both
    // orders, as sentence pairs do): nothing is as near to a query as itself.
    private static Dictionary<int, int[]> Shared(TokenStore queries, PairRows[] rows, int[] itself, PassageVersions versions)
    {
        var byQuery = new Dictionary<UInt128, List<int>>();
        for (int i = 0; i < rows.Length; i++)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(byQuery, HashOf(queries[i]), out _) ??= new(1)).Add(i);
        }
        var shared = new Dictionary<int, int[]>();
        foreach (List<int> same in byQuery.Values)
        {
            int[] answers = [.. same.SelectMany(i => rows[i].Positives).Concat(same.Select(i => itself[i]).Where(row => row >= 0)).SelectMany(versions.Of).Distinct()];
            if (same.Count > 1 || answers.Length > rows[same[0]].Positives.Length)
            {
                same.ForEach(i => shared.Add(i, answers));
            }
        }
        return shared;
    }

    private static PairRows Without(PairRows row, int[] answers, PairFaults faults)
    {
        int[] kept = [.. Enumerable.Range(0, row.Negatives.Length).Where(n => !answers.Contains(row.Negatives[n]))];
        faults.NegativesThatArePositives += row.Negatives.Length - kept.Length;
        return kept.Length == row.Negatives.Length ? row
            : row with { Negatives = [.. kept.Select(n => row.Negatives[n])], NegativeScores = row.NegativeScores is { } scores ? [.. kept.Select(n => scores[n])] : null };
    }

    // A text that answers cannot be a negative as well, and a text twice is drawn twice as often: both are dropped and counted.
    private static PairRows Distinct(TrainingExample example, bool withNegatives, Func<string, string?, int> rowOf, int source, PairFaults faults)
    {
        var positives = new Dictionary<int, int>();
        for (int i = 0; i < example.Positives.Count; i++)
        {
            faults.RepeatedPositives += positives.TryAdd(rowOf(example.Positives[i], example.PositiveIds?[i]), i) ? 0 : 1;
        }
        var negatives = new Dictionary<int, int>();
        // The types that make groups by themselves need their negatives whatever the stage's group is.
        withNegatives |= example.Type is "only_1neg" or "symmetric_class";
        for (int i = 0; withNegatives && i < example.Negatives.Count; i++)
        {
            int row = rowOf(example.Negatives[i], example.NegativeIds?[i]);
            if (positives.ContainsKey(row))
            {
                faults.NegativesThatArePositives++;
            }
            else
            {
                faults.RepeatedNegatives += negatives.TryAdd(row, i) ? 0 : 1;
            }
        }
        return new PairRows([.. positives.Keys], [.. negatives.Keys], source)
        {
            PositiveScores = example.PositiveScores is { } p ? [.. positives.Values.Select(i => (float)p[i])] : null,
            NegativeScores = withNegatives && example.NegativeScores is { } n ? [.. negatives.Values.Select(i => (float)n[i])] : null,
        };
    }

    /// <summary>Replaces the negatives of every example; their teacher scores go with them.</summary>
    public void SetNegatives(IReadOnlyList<int[]> negatives)
        => Rows = [.. Rows.Select((row, i) => row with { Negatives = negatives[i], NegativeScores = null })];

    /// <summary>Gives every example the scores of a teacher.</summary>
    /// <param name="scores">Per example, those of its positives and of its negatives.</param>
    public void SetScores(IReadOnlyList<(float[] Positives, float[] Negatives)> scores)
        => Rows = [.. Rows.Select((row, i) => row with { PositiveScores = scores[i].Positives, NegativeScores = scores[i].Negatives })];

    /// <inheritdoc/>
    public void Dispose()
    {
        Queries.Dispose();
        Passages.Dispose();
        if (Plain.Queries != Queries)
        {
            Plain.Queries.Dispose();
            Plain.Passages.Dispose();
        }
    }
}

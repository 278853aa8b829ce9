// The work folder of a run that can be killed at any moment: files that only grow, and a state that names their lengths. The state is replaced in one step
// after the files are on disk, so what it says is always there; what stands behind it is cut off and done again. What repeats were remembered is kept as
// plain hashes (8 bytes each) and read back, so a restart reads neither documents nor pairs.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Mining;

/// <summary>How far a run is.</summary>
internal sealed record MiningState
{
    /// <summary>Hash of what decides the result; another one is another run.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>The source under way; the number of sources when all are read.</summary>
    public int Source { get; init; }

    /// <summary>Where reading goes on in it.</summary>
    public ReadPosition Position { get; init; }

    /// <summary>Fields of the rows before it, in the file it is in.</summary>
    public RowFields Fields { get; init; } = RowFields.None;

    /// <summary>Documents of it that were kept.</summary>
    public long KeptOfSource { get; init; }

    /// <summary>Bytes of documents read.</summary>
    public long Bytes { get; init; }

    /// <summary>True when the pairs between documents are written too.</summary>
    public bool Joined { get; init; }

    /// <summary>Lengths of the files.</summary>
    public Dictionary<string, long> Lengths { get; init; } = [];

    /// <summary>Counts and samples.</summary>
    public PairStatistics Statistics { get; init; } = new();
}

/// <summary>The files of a run.</summary>
internal sealed class MiningFolder : IDisposable
{
    private readonly string _root;
    private readonly AppendFile _documents, _bands, _repeats;

    private MiningFolder(string root, MiningState state, int maxPairsPerQuery, bool nearDuplicates)
    {
        (_root, State) = (root, state);
        AppendFile Open(string name) => new(Path.Combine(root, name), state.Lengths.GetValueOrDefault(name));
        (_documents, _bands, _repeats, Pairs, HeldOut, Keys) = (Open("documents.hashes"), Open("bands.hashes"), Open("repeats.hashes"), Open("pairs.jsonl"), Open("heldout.jsonl"), Open("keys"));
        Spool = JoinSpool.Open(Path.Combine(root, "halves"), state.Lengths.GetValueOrDefault("halves"));
        foreach (ulong hash in _documents.Numbers())
        {
            Bodies.Add(hash);
        }
        foreach (ulong[] bands in nearDuplicates ? _bands.Numbers().Chunk(MinHash.Bands) : [])
        {
            NearDuplicates.Add(bands);
        }
        Repeats = new RepeatedPairs(maxPairsPerQuery);
        foreach (ulong[] pair in _repeats.Numbers().Chunk(2))
        {
            Repeats.Reason(pair[0], pair[1]);
        }
    }

    /// <summary>As of the last checkpoint, or of <see cref="Checkpoint"/>.</summary>
    public MiningState State { get; private set; }

    /// <summary>Hashes of the bodies kept.</summary>
    public PackedHashSet Bodies { get; } = new(60);

    /// <summary>Bands of the bodies kept.</summary>
    public NearDuplicates NearDuplicates { get; } = new();

    /// <summary>Pairs and queries seen.</summary>
    public RepeatedPairs Repeats { get; }

    /// <summary>Training pairs, a line each.</summary>
    public AppendFile Pairs { get; }

    /// <summary>Held-out pairs, a line each.</summary>
    public AppendFile HeldOut { get; }

    /// <summary>For a mix: two numbers a training pair, its key and its source.</summary>
    public AppendFile Keys { get; }

    /// <summary>Halves of pairs between documents.</summary>
    public JoinSpool Spool { get; }

    /// <summary>Opens the folder of a run, which <see cref="MiningLock"/> has to hold: goes on with one of the same fingerprint, else begins anew.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="fingerprint">Hash of what decides the result.</param>
    /// <param name="maxPairsPerQuery">As in <see cref="MiningOptions"/>.</param>
    /// <param name="nearDuplicates">Whether bands are kept.</param>
    public static MiningFolder Open(string root, string fingerprint, int maxPairsPerQuery, bool nearDuplicates)
    {
        MiningState? before = Load(Path.Combine(root, "state.json"));
        if (before?.Fingerprint != fingerprint)
        {
            Delete(root);
            before = null;
        }
        Directory.CreateDirectory(root);
        return new MiningFolder(root, before ?? new MiningState { Fingerprint = fingerprint }, maxPairsPerQuery, nearDuplicates);
    }

    /// <summary>Path of a file of the folder.</summary>
    public string PathOf(string name) => Path.Combine(_root, name);

    /// <summary>Takes a body in: "repeated body", "near duplicate", or null when it is new.</summary>
    public string? Repeated(MinedDocument document)
    {
        if (!Bodies.Add(document.BodyHash))
        {
            return "repeated body";
        }
        _documents.Write(document.BodyHash);
        if (document.Bands is null)
        {
            return null;
        }
        if (!NearDuplicates.Add(document.Bands))
        {
            return "near duplicate";
        }
        foreach (ulong band in document.Bands)
        {
            _bands.Write(band);
        }
        return null;
    }

    /// <summary>Takes a pair in: why it is a repeat, or null when it is new.</summary>
    public string? Repeated(MinedPair pair)
    {
        // Dropped repeats are remembered too: they count for later ones.
        _repeats.Write(pair.PairHash);
        _repeats.Write(pair.QueryHash);
        return Repeats.Reason(pair.PairHash, pair.QueryHash);
    }

    /// <summary>Makes the state what the run goes on from after a kill.</summary>
    public void Checkpoint(MiningState state)
    {
        foreach (AppendFile file in (ReadOnlySpan<AppendFile>)[_documents, _bands, _repeats, Pairs, HeldOut, Keys])
        {
            file.Flush();
        }
        State = state with
        {
            Lengths = new()
            {
                ["documents.hashes"] = _documents.Length,
                ["bands.hashes"] = _bands.Length,
                ["repeats.hashes"] = _repeats.Length,
                ["pairs.jsonl"] = Pairs.Length,
                ["heldout.jsonl"] = HeldOut.Length,
                ["keys"] = Keys.Length,
                ["halves"] = Spool.Flush(),
            },
        };
        AtomicFile.Write(PathOf("state.json"), stream => JsonSerializer.Serialize(stream, State));
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (AppendFile file in (ReadOnlySpan<AppendFile>)[_documents, _bands, _repeats, Pairs, HeldOut, Keys])
        {
            file.Dispose();
        }
        Spool.Dispose();
    }

    /// <summary>Removes a work folder, its state first: without one, the rest is nothing.</summary>
    public static void Delete(string root)
    {
        if (Directory.Exists(root))
        {
            File.Delete(Path.Combine(root, "state.json"));
            Directory.Delete(root, recursive: true);
        }
    }

    private static MiningState? Load(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<MiningState>(File.ReadAllBytes(path)) : null;
        }
        catch (JsonException)
        {
            return null; // not ours, or of another version: begin anew
        }
    }
}

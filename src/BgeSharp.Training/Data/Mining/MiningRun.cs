// Documents → cleaned, mined, filtered, counted pairs, on all cores, in an order that depends on the documents alone. Kill it at any moment and start it again
// with the same plan: it goes on from its last checkpoint and ends with the same bytes. Memory: about 6 bytes a document, 29 more for near duplicates,
// 6 a pair and 7 a query; everything else is bounded.

using System.Security.Cryptography;
using System.Text;
using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Readers;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Mines a plan.</summary>
public sealed class MiningRun(MiningPlan plan, MiningPlace place)
{
    private const long CheapDocuments = 50_000; // reading so few again costs less than keeping the counters

    private MiningFolder _folder = null!;
    private MiningState _state = new();
    private long _since;

    /// <summary>The folder that holds what a killed run goes on from; gone when a run is finished.</summary>
    public string WorkFolder => place.Out + ".work";

    /// <summary>Whether there is a run to go on with.</summary>
    public bool Resumes => File.Exists(Path.Combine(WorkFolder, "state.json"));

    /// <summary>Runs to the end.</summary>
    /// <param name="finished">Called with the counts when the pairs are in place, before the work folder goes; a kill before its end runs it again.</param>
    /// <param name="stop">Asks for an orderly stop: a checkpoint is left.</param>
    /// <exception cref="BadInput">A document is wrong and wrong ones are not passed over, there is no document at all, or another run writes to the same file.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public PairStatistics Run(Action<PairStatistics>? finished = null, CancellationToken stop = default)
    {
        using MiningLock held = MiningLock.Take(WorkFolder);
        if (place.Restart)
        {
            MiningFolder.Delete(WorkFolder);
        }
        try
        {
            return MineAll(finished, stop);
        }
        catch (BadInput) when (!Resumes)
        {
            MiningFolder.Delete(WorkFolder); // nothing to go on with
            throw;
        }
    }

    private PairStatistics MineAll(Action<PairStatistics>? finished, CancellationToken stop)
    {
        using (_folder = MiningFolder.Open(WorkFolder, Fingerprint(), plan.Options.MaxPairsPerQuery, plan.Cleaning.NearDuplicates))
        {
            _state = _folder.State;
            _since = place.Time.GetTimestamp();
            DocumentWork[] works = new DocumentWork[plan.Sources.Count];
            for (int i = 0; i < plan.Sources.Count; i++)
            {
                Boilerplate? lines = _state.Source <= i && plan.Cleaning.Boilerplate ? Lines(i, stop) : null;
                works[i] = new DocumentWork(plan, plan.Sources[i], i, lines);
                if (_state.Source <= i)
                {
                    Mine(i, works[i], stop);
                }
            }
            if (!_state.Joined)
            {
                Join(works, stop);
            }
            if (HasText)
            {
                new MiningResult(plan, _folder).Write(place, _state.Statistics);
                finished?.Invoke(_state.Statistics);
            }
        }
        MiningFolder.Delete(WorkFolder);
        return HasText ? _state.Statistics : throw Nothing();
    }

    // Hashed, since it is written at every checkpoint.
    private string Fingerprint()
    {
        string whole = string.Join('\n', plan.Sources.Select(s => s.Name + "\n" + s.Units.Fingerprint).Prepend(plan.Fingerprint));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)));
    }

    private bool HasText => _state.Statistics.Sources.Values.Any(s => s.Read > 0);

    private BadInput Nothing()
    {
        string wrong = _state.Statistics.Problems == 0 ? "" : $" Passed over as wrong: {_state.Statistics.Problems}, the first: {_state.Statistics.ProblemExamples[0]}";
        return new BadInput($"{string.Join(", ", plan.Sources.Select(s => s.Name))}: read to the end, and there is no text in it; nothing was written.{wrong}");
    }

    // First reading of a source: which lines it repeats. Kept in the folder, so that it is done once.
    private Boilerplate Lines(int number, CancellationToken stop)
    {
        string path = _folder.PathOf($"lines-{number}");
        if (LineCounts.Load(path) is { } known)
        {
            return new Boilerplate(known, Boilerplate.ThresholdFor(known.Documents));
        }
        var counts = new LineCounts();
        RowFields fields = RowFields.None;
        foreach ((DocumentUnit unit, int documents, RowFields own) in OrderedWork.Map(plan.Sources[number].Units.From(default), Count, place.Threads))
        {
            stop.ThrowIfCancellationRequested();
            (fields, _) = unit.Taken(fields, own); // what is passed over is counted in the second reading
            counts.Documents += documents;
        }
        if (counts.Documents > CheapDocuments)
        {
            counts.Save(path);
        }
        return new Boilerplate(counts, Boilerplate.ThresholdFor(counts.Documents));

        (DocumentUnit Unit, int Documents, RowFields Fields) Count(DocumentUnit unit)
        {
            UnitContent content = unit.Parse();
            int wanted = 0;
            foreach (Document document in content.Documents.Where(d => plan.Sources[number].Filter.Reason(d) is null))
            {
                counts.Add(document);
                wanted++;
            }
            return (unit, wanted, content.Fields);
        }
    }

    private void Mine(int number, DocumentWork work, CancellationToken stop)
    {
        MiningSource source = plan.Sources[number];
        foreach (MinedUnit unit in OrderedWork.Map(source.Units.From(_state.Position), work.Do, place.Threads))
        {
            bool full = false;
            (RowFields fields, string? slip) = unit.Unit.Taken(_state.Fields, unit.Fields);
            foreach (string problem in unit.Problems)
            {
                _state.Statistics.Problem(problem);
            }
            if (slip is not null)
            {
                _state.Statistics.Problem(slip);
            }
            foreach (MinedDocument document in unit.Documents)
            {
                full = full || (source.Filter.Limit > 0 && _state.KeptOfSource >= source.Filter.Limit);
                if (!full)
                {
                    Take(document, source.Name, number);
                }
            }
            _state = _state with { Position = unit.Unit.After, Fields = fields, Bytes = _state.Bytes + unit.Bytes };
            place.Progress?.Invoke(_state.Bytes, _state.Statistics.PairCount);
            if (stop.IsCancellationRequested || place.Time.GetElapsedTime(_since) >= place.CheckpointEvery)
            {
                Checkpoint();
                stop.ThrowIfCancellationRequested();
            }
            if (full)
            {
                break;
            }
        }
        _state = _state with { Source = number + 1, Position = default, Fields = RowFields.None, KeptOfSource = 0 };
        Checkpoint();
        File.Delete(_folder.PathOf($"lines-{number}"));
    }

    private void Take(MinedDocument document, string source, int number)
    {
        PairStatistics counts = _state.Statistics;
        counts.Source(source).Read++;
        if (document.Dropped is { } drop)
        {
            counts.Drop(drop.Reason, "documents", drop.Example);
            return;
        }
        if (_folder.Repeated(document) is { } reason)
        {
            counts.Drop(reason, "documents", document.Example);
            return;
        }
        counts.Keep(source, document.Language, document.Characters);
        _state = _state with { KeptOfSource = _state.KeptOfSource + 1 };
        if (document.RemovedLines > 0)
        {
            counts.Drop("boilerplate", "lines", document.RemovedLine, document.RemovedLines);
        }
        bool found = Take(document.Pairs, document.PairDrops, source, number);
        if (!found && document.Otherwise is { } otherwise)
        {
            (IReadOnlyList<MinedPair> pairs, IReadOnlyList<Drop> drops) = otherwise();
            Take(pairs, drops, source, number);
        }
        foreach ((int miner, PairHalf half) in document.Halves)
        {
            _folder.Spool.Add(miner, half);
        }
    }

    private bool Take(IReadOnlyList<MinedPair> pairs, IReadOnlyList<Drop> drops, string source, int number)
    {
        bool found = false;
        foreach (Drop drop in drops)
        {
            _state.Statistics.Drop(drop.Reason, "pairs", drop.Example);
        }
        foreach (MinedPair pair in pairs)
        {
            if (_folder.Repeated(pair) is { } reason)
            {
                _state.Statistics.Drop(reason, "pairs", pair.Query);
                continue;
            }
            found = true;
            if (pair.HeldOut)
            {
                _folder.HeldOut.Write(pair.Line);
                _state.Statistics.Source(source).HeldOutPairs++;
                continue;
            }
            _folder.Pairs.Write(pair.Line);
            if (plan.Mix is not null)
            {
                _folder.Keys.Write(pair.SampleKey);
                _folder.Keys.Write((ulong)number);
            }
            _state.Statistics.Keep(pair, source);
        }
        return found;
    }

    private void Join(DocumentWork[] works, CancellationToken stop)
    {
        Dictionary<int, IJoinedMiner> miners = [];
        foreach ((int s, MiningSource source) in plan.Sources.Index())
        {
            foreach ((int m, IJoinedMiner miner) in source.Miners.Joined.Index())
            {
                miners[(s * DocumentWork.MinersPerSource) + m] = miner;
            }
        }
        foreach ((int number, JoinedPair joined) in _folder.Spool.Join(miners))
        {
            stop.ThrowIfCancellationRequested();
            int s = number / DocumentWork.MinersPerSource;
            (MinedPair? pair, Drop? drop) = works[s].Finish(joined);
            Take(pair is null ? [] : [pair], drop is { } dropped ? [dropped] : [], plan.Sources[s].Name, s);
        }
        _state = _state with { Joined = true };
        Checkpoint();
    }

    private void Checkpoint()
    {
        _folder.Checkpoint(_state);
        _since = place.Time.GetTimestamp();
    }
}

// What a stage on pairs needs before its first step: tokenised pairs, mined negatives, a teacher's scores. The same again when negatives are refreshed.

using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>The pairs of a contrastive or reranker stage, ready.</summary>
internal sealed class PairTraining : IDisposable
{
    private const string Gap = ".step-", End = ".bin";

    private readonly RunFolder _folder;
    private readonly string _label, _data;
    private readonly IRunObserver _observer;
    private readonly long _seed;
    private readonly IProcessGroup _group;
    private readonly TimeProvider _time;
    private readonly Compute _compute;
    private readonly ITokenizer _tokenizer;

    private PairTraining(RunContext run, string label, long seed, PairStore store)
    {
        (_folder, _label, _observer, _group, _time, _data, _seed, Store) = (run.Folder, label, run.Options.Observer, run.Options.Group, run.Options.Time, run.Data, seed, store);
        (_compute, _tokenizer) = (run.Options.Compute, run.Tokenizer);
    }

    /// <summary>The pairs.</summary>
    public PairStore Store { get; }

    /// <summary>Reads and tokenises the pairs of a stage.</summary>
    /// <exception cref="BadInput">There are fewer than two, one lacks what the stage needs, or sources cannot be mixed.</exception>
    /// <exception cref="StopRequested">A stop was asked for, on any rank.</exception>
    public static PairTraining Read(StageOptions stage, PairLengths lengths, RunContext run, long seed, CancellationToken stop)
    {
        IRunObserver observer = run.Options.Observer;
        observer.Message("reading pairs");
        var work = new WatchedWork(run.Options.Group, observer, run.Options.Time, stop);
        PairStore store = PairStore.Create(run.Folder.Work, work.Read(StagePairs.Read(StagePairs.Of(stage), run.Documents, seed, ExampleNeeds.Of(stage), () => work.Stopping), "pairs"), run.Tokenizer,
            lengths.Query, lengths.Passage, lengths.QueryInstruction, lengths.Negatives, lengths.PassageInstruction, lengths.Plain);
        try
        {
            work.Meet();
            StagePairs.RequireEnough(stage, store.Count);
            if (stage is ContrastiveStageOptions contrastive)
            {
                MixedSources.Require(contrastive, store);
            }
        }
        catch
        {
            store.Dispose();
            throw;
        }
        observer.Message($"{store.Count} pairs, {store.Passages.Count} distinct passages");
        if (store.Faults.Describe() is { Length: > 0 } faults)
        {
            observer.Message($"dropped: {faults}");
        }
        return new PairTraining(run, stage.Label, seed, store);
    }

    /// <summary>Removes negatives of later steps: what a stage that goes on from a step will mine again, perhaps with other weights.</summary>
    /// <param name="folder">The run.</param>
    /// <param name="label">The stage.</param>
    /// <param name="step">The last step whose negatives stay; below 0 for none.</param>
    public static void ForgetAfter(RunFolder folder, string label, int step)
    {
        bool removed = false;
        foreach (string file in Directory.Exists(folder.Negatives) ? Directory.GetFiles(folder.Negatives, label + Gap + "*" + End) : [])
        {
            string number = Path.GetFileName(file)[(label.Length + Gap.Length)..^End.Length].Split('-')[0];
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int of) && of > step)
            {
                FileSystem.Current.Delete(file);
                removed = true;
            }
        }
        if (removed)
        {
            FileSystem.Current.FlushFolder(folder.Negatives);
            if (!Directory.EnumerateFileSystemEntries(folder.Negatives).Any())
            {
                FileSystem.Current.DeleteFolder(folder.Negatives);
            }
        }
    }

    /// <summary>Mines negatives with a model; those of a step that was mined before are read back, so that a stage that was resumed or went back trains on the same.</summary>
    /// <param name="options">Ranks and margins.</param>
    /// <param name="encoder">The model as it is at this step.</param>
    /// <param name="teacher">A cross-encoder's folder that drops what it takes for an answer; null for none.</param>
    /// <param name="step">0 at the start, else a step at which negatives are refreshed.</param>
    /// <param name="now">Step that the weights are of.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <exception cref="StopRequested">It was asked for, on any rank; nothing is written or changed.</exception>
    public void MineNegatives(HardNegativeOptions options, IEncoder encoder, string? teacher, int step, int now, CancellationToken stop)
    {
        // Without refreshing, the start's are a function of the weights that the stage starts from and cost no file.
        bool kept = options.RefreshSteps > 0;
        string file = Path.Combine(_folder.Negatives, string.Create(CultureInfo.InvariantCulture, $"{_label}{Gap}{step}-{_data[..Math.Min(16, _data.Length)]}{End}"));
        if (kept && _group.Agree(() => File.Exists(file)))
        {
            Store.SetNegatives(PackedRows.Unpack(File.ReadAllBytes(file), Store.Count, Store.Passages.Count, file));
            return;
        }
        if (now > step)
        {
            _observer.Message(string.Create(CultureInfo.InvariantCulture, $"warning: the negatives of step {step} are not there any more, or are of other data; they are mined with the weights of step {now}, so the end will not be that of an undisturbed run."));
        }
        _observer.Message(step == 0 ? "mining hard negatives" : $"mining hard negatives anew at step {step}");
        using TorchReranker? judge = teacher is null ? null : Teacher(teacher);
        int[][] negatives = HardNegativeSearch.Find(Store, encoder, options, _seed + step, new WatchedWork(_group, _observer, _time, stop), judge is null ? null : new TeacherVeto(Store, judge, options.TeacherMargin, teacher!));
        if (negatives.Count(n => n.Length == 0) is > 0 and int none)
        {
            _observer.Message($"{none} of {negatives.Length} queries have no passage in the rank range that passes the margins{(judge is null ? "" : " and the teacher")}");
        }
        if (kept)
        {
            _group.First(() =>
            {
                if (!Directory.Exists(_folder.Negatives))
                {
                    FileSystem.Current.CreateFolder(_folder.Negatives);
                    FileSystem.Current.FlushFolder(_folder.Root);
                }
                AtomicFile.Write(file, stream => stream.Write(PackedRows.Pack(negatives)));
                FileSystem.Current.FlushFolder(_folder.Negatives);
            });
        }
        Store.SetNegatives(negatives);
    }

    /// <summary>Throws unless a teacher reads the ids that its pupil does.</summary>
    /// <param name="folder">The teacher's.</param>
    /// <param name="teacher">Its vocabulary.</param>
    /// <param name="pupil">The run's vocabulary.</param>
    /// <exception cref="BadInput">The vocabularies differ.</exception>
    public static void RequireVocabulary(string folder, ITokenizer teacher, ITokenizer pupil)
    {
        if (!teacher.HasTokensOf(pupil))
        {
            throw new BadInput($"{folder}: the teacher's vocabulary is not the run's; write its scores into the pair files with \"bge score --pairs\" and leave \"teacher\" out.");
        }
    }

    /// <summary>Lets a teacher score the positives and negatives of every example.</summary>
    /// <param name="folder">The teacher's.</param>
    /// <param name="stop">Asks for an orderly stop.</param>
    /// <exception cref="BadInput">The teacher's vocabulary is another one.</exception>
    /// <exception cref="StopRequested">A stop was asked for, on any rank; no score is kept.</exception>
    public void ScoreWith(string folder, CancellationToken stop)
    {
        _observer.Message($"scoring pairs with {folder}");
        using TorchReranker teacher = Teacher(folder);
        // Blocks of examples go over the ranks in turn; a score that another rank computes is 0 here until they are added up.
        const int block = 512;
        var starts = new int[Store.Count + 1];
        for (int i = 0; i < Store.Count; i++)
        {
            starts[i + 1] = checked(starts[i] + Store.Rows[i].Positives.Length + Store.Rows[i].Negatives.Length);
        }
        var all = new float[starts[^1]];
        var work = new WatchedWork(_group, _observer, _time, stop);
        for (int round = 0; round < Store.Count; round += _group.Size * block)
        {
            work.Meet();
            int start = round + (_group.Rank * block), before = starts[round];
            if (start >= Store.Count)
            {
                continue;       // the last round has no block for this rank
            }
            var pairs = new List<(int[] Query, int[] Passage)>();
            for (int i = start; i < Math.Min(start + block, Store.Count); i++)
            {
                int[] query = Store.Plain.Queries[i].ToArray();
                pairs.AddRange(Store.Rows[i].Positives.Concat(Store.Rows[i].Negatives).Select(row => (query, Store.Plain.Passages[row].ToArray())));
            }
            try
            {
                teacher.Score(pairs, done =>
                {
                    work.Tell($"scored {Math.Min(before + ((long)done * _group.Size), all.Length)} of {all.Length} passages");
                    stop.ThrowIfCancellationRequested();
                }).CopyTo(all, starts[start]);
            }
            catch (OperationCanceledException) when (work.Stopping)
            {
                // This rank's block takes minutes: it is left, and the ranks end where they meet next.
            }
        }
        work.Meet();
        all = _group.Total(all);
        if (!Array.TrueForAll(all, float.IsFinite))
        {
            throw new BadInput($"{folder}: the teacher gives scores that are no finite numbers; train or import it anew, or score in float32 (--precision float32).");
        }
        var scores = new (float[] Positives, float[] Negatives)[Store.Count];
        for (int i = 0; i < Store.Count; i++)
        {
            int negatives = starts[i] + Store.Rows[i].Positives.Length;
            scores[i] = (all[starts[i]..negatives], all[negatives..starts[i + 1]]);
        }
        Store.SetScores(scores);
    }

    private TorchReranker Teacher(string folder)
    {
        TorchReranker teacher = TorchReranker.Load(folder, _compute);
        try
        {
            RequireVocabulary(folder, teacher.Tokenizer, _tokenizer);
            return teacher;
        }
        catch
        {
            teacher.Dispose();
            throw;
        }
    }

    /// <summary>Throws before the first step when an example that a teacher is to order has no negatives left.</summary>
    /// <param name="scored">True where these are the examples with scores of their own, false where all are.</param>
    /// <exception cref="BadInput">Names the source, the example and what to do.</exception>
    public void RequireNegatives(bool scored)
    {
        if (scored && Array.TrueForAll(Store.Rows, r => r.PositiveScores is null))
        {
            throw new BadInput($"stage \"{_label}\": none of the pairs that were drawn has \"pos_scores\", which distillation learns from; raise the limit of the files that have them, or name a teacher in \"distillation\".");
        }
        int without = Array.FindIndex(Store.Rows, r => r.Negatives.Length == 0 && !(scored && r.PositiveScores is null));
        if (without >= 0)
        {
            throw new BadInput($"{Store.Sources[Store.Rows[without].Source].Name}: every \"neg\" of example {without + 1} of stage \"{_label}\" is a text that answers its query, and distillation needs one that does not; give others, mine them (hardNegatives), or leave the example out.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Store.Dispose();
}

/// <summary>How the texts of pairs become ids.</summary>
/// <param name="Query">Longest query in tokens.</param>
/// <param name="Passage">Longest passage in tokens.</param>
/// <param name="QueryInstruction">Before every query.</param>
/// <param name="PassageInstruction">Before every passage.</param>
/// <param name="Negatives">Whether the files' own negatives are used.</param>
/// <param name="Plain">Where a cross-encoder, which reads the texts without instructions, cuts them; null where only the model reads them.</param>
internal sealed record PairLengths(int Query, int Passage, string QueryInstruction, string PassageInstruction, bool Negatives, PlainLengths? Plain);

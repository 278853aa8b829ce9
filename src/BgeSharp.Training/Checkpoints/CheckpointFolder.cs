// The checkpoints folder of a run: reserve (a staging folder) → write (every file hashed and flushed) → publish (one rename) → retain (the newest few, and those they need).
// A kill at any moment leaves whole checkpoints and leftovers that the next start removes. Loading checks every byte; a damaged checkpoint is set aside and the one before it counts.

using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;

namespace BgeSharp.Training.Checkpoints;

/// <summary>A checkpoint that was found whole.</summary>
/// <param name="Folder">Where it is.</param>
/// <param name="State">What its state.json says.</param>
public sealed record FoundCheckpoint(string Folder, CheckpointState State);

/// <summary>Publishes, finds and prunes checkpoints.</summary>
public sealed class CheckpointFolder
{
    private const string Damaged = ".damaged";
    private const string StateFile = "state.json";
    private const string RecipeFile = "recipe.json";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly string _root;
    private readonly int _keep;
    private readonly Action<string> _warn;

    /// <param name="root">The folder; made when absent. What a kill left half written or half removed in it goes.</param>
    /// <param name="keep">How many of the newest to keep.</param>
    /// <param name="warn">Told about damage, in whole sentences.</param>
    public CheckpointFolder(string root, int keep, Action<string>? warn = null)
    {
        _root = Path.GetFullPath(root);
        _keep = keep;
        _warn = warn ?? (_ => { });
        if (!Directory.Exists(root))
        {
            FileSystem.Current.CreateFolder(root);
            FileSystem.Current.FlushFolder(Path.GetDirectoryName(_root)!);
        }
        AtomicFolder.RemoveLeftovers(root);
    }

    /// <summary>The newest checkpoint.</summary>
    public CheckpointPointer LatestPointer => new(Path.Combine(_root, "LATEST"));

    /// <summary>The checkpoint with the best score of its stage.</summary>
    public CheckpointPointer BestPointer => new(Path.Combine(_root, "BEST"));

    /// <summary>Writes a checkpoint, publishes it, sets the pointers and removes what is no longer kept.</summary>
    /// <param name="state">What it says.</param>
    /// <param name="snapshot">Weights and moments.</param>
    /// <param name="recipe">The resolved recipe, for people who find the folder.</param>
    public void Publish(CheckpointState state, CheckpointSnapshot snapshot, string recipe)
    {
        string name = NameOf(state.StageIndex, state.Stage, state.Step);
        AtomicFolder.Publish(Path.Combine(_root, name), staging =>
        {
            snapshot.Write(staging);
            AtomicFile.WriteText(Path.Combine(staging, StateFile), JsonSerializer.Serialize(state, Json) + "\n");
            AtomicFile.WriteText(Path.Combine(staging, RecipeFile), recipe);
            CheckpointManifest.Write(staging);
        });
        Tidy();
    }

    /// <summary>
    /// The newest whole checkpoint of a stage that belongs to the recipe and has all it needs, or null. Damaged ones are set aside with a warning, and those that need one that is gone are removed.
    /// </summary>
    /// <exception cref="IOException">One cannot be read, which may be another time: nothing is set aside.</exception>
    public FoundCheckpoint? Latest(int stageIndex, string recipe)
    {
        foreach (CheckpointPointer pointer in new[] { LatestPointer, BestPointer })
        {
            if (pointer.Damage() is string damage)
            {
                _warn($"{pointer.Path}: {damage}; it is set anew from the checkpoints themselves.");
                pointer.Clear();
            }
        }
        foreach (Published one in Newest().Where(p => p.StageIndex == stageIndex))
        {
            // It may have been set aside a moment ago, because a later one needs it.
            if (!Directory.Exists(one.Path) || Check(one, "the one before it is used") is not { } state || state.Recipe != recipe)
            {
                continue;
            }
            int lacking = state.Needs.FirstOrDefault(step => step != state.Step && At(stageIndex, step, recipe) is null);
            if (lacking == 0)
            {
                return new FoundCheckpoint(one.Path, state);
            }
            _warn(string.Create(CultureInfo.InvariantCulture, $"{one.Path}: needs the checkpoint of step {lacking}, which is not there or damaged; the one before it is used."));
            AtomicFolder.Remove(one.Path);
        }
        return null;
    }

    /// <summary>The whole checkpoint of one step of a stage, or null.</summary>
    public FoundCheckpoint? At(int stageIndex, int step, string recipe)
        => Newest().FirstOrDefault(p => p.StageIndex == stageIndex && p.Step == step) is { } one && Check(one, "it cannot be used") is { } state && state.Recipe == recipe
            ? new FoundCheckpoint(one.Path, state)
            : null;

    /// <summary>A checkpoint that somebody else has found whole; nothing is checked or changed.</summary>
    public static FoundCheckpoint Open(string folder)
        => new(folder, ReadState(folder) ?? throw new IOException($"{folder}: the checkpoint that rank 0 found cannot be read here; all ranks need one folder that they share"));

    /// <summary>Removes checkpoints of a stage beyond a step: a rollback makes their future another one.</summary>
    public void RemoveAfter(int stageIndex, int step)
    {
        foreach (Published one in Newest().Where(p => p.StageIndex == stageIndex && p.Step > step).ToArray())
        {
            AtomicFolder.Remove(one.Path);
        }
    }

    /// <summary>Sets the pointers and removes what is no longer kept. <see cref="Publish"/> does so each time, unless the disk refused or the process ended.</summary>
    public void Tidy()
    {
        Published[] all = [.. Newest()];
        CheckpointState? newest = all.Length > 0 ? ReadState(all[0].Path) : null;
        Point(LatestPointer, all.Length > 0 ? Path.GetFileName(all[0].Path) : null);
        Point(BestPointer, newest is { BestStep: >= 0 } ? NameOf(newest.StageIndex, newest.Stage, newest.BestStep) : null);
        FileSystem.Current.FlushFolder(_root);

        HashSet<string> kept = [.. all.Take(_keep).Select(p => p.Path)];
        foreach (Published one in all.Take(_keep))
        {
            CheckpointState? state = ReadState(one.Path);
            kept.UnionWith(state is null ? [] : state.Needs.Select(step => Path.Combine(_root, NameOf(state.StageIndex, state.Stage, step))));
        }
        foreach (Published old in all.Where(p => !kept.Contains(p.Path)))
        {
            AtomicFolder.Remove(old.Path);
        }
        foreach (string damaged in Directory.GetDirectories(_root, "*" + Damaged))
        {
            AtomicFolder.Remove(damaged);
        }
        // What an earlier removal left when the disk refused.
        AtomicFolder.RemoveLeftovers(_root);
    }

    /// <summary>Fills weights and optimizer from a checkpoint.</summary>
    public static void Restore(FoundCheckpoint found, Weights weights, AdamW optimizer)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using (SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(found.Folder, CheckpointSnapshot.WeightsFile)))
        {
            foreach (WeightShape shape in weights.Shapes)
            {
                weights.Set(shape.Name, file.ReadFloat32(shape.Name));
            }
        }
        using (SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(found.Folder, CheckpointSnapshot.OptimizerFile)))
        {
            optimizer.SetMoments(tensor(file.ReadFloat32("exp_avg")), tensor(file.ReadFloat32("exp_avg_sq")));
        }
        optimizer.Steps = found.State.OptimizerSteps;
        if (found.State.Random is { } random)
        {
            set_rng_state(tensor(Convert.FromBase64String(random.Torch)));
        }
    }

    private CheckpointState? Check(Published one, string consequence)
    {
        string? damage;
        try
        {
            damage = CheckpointManifest.Damage(one.Path, out _);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{one.Path}: this checkpoint cannot be read ({e.Message.TrimEnd('.')}); start again, or remove it to go on from the one before it", e);
        }
        CheckpointState? state = damage is null ? ReadState(one.Path) : null;
        if (state is not null)
        {
            return state;
        }
        _warn($"{one.Path}: this checkpoint is damaged: {damage ?? "its state.json is not of this version"}; {consequence}.");
        if (damage is not null)
        {
            FileSystem.Current.DeleteFolder(one.Path + Damaged);
            FileSystem.Current.MoveFolder(one.Path, one.Path + Damaged);
        }
        return null;
    }

    private static CheckpointState? ReadState(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize<CheckpointState>(File.ReadAllText(Path.Combine(folder, StateFile)), Json);
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            return null;
        }
    }

    private void Point(CheckpointPointer pointer, string? name)
    {
        if (name is not null && CheckpointManifest.Load(Path.Combine(_root, name)) is { } manifest)
        {
            pointer.Set(name, manifest);
        }
        else
        {
            pointer.Clear();
        }
    }

    private static string NameOf(int stageIndex, string stage, int step) => string.Create(CultureInfo.InvariantCulture, $"{stageIndex + 1:00}-{stage}-{step:000000}");

    private IEnumerable<Published> Newest()
        => Directory.GetDirectories(_root).Select(Published.Parse).OfType<Published>().OrderByDescending(p => p.StageIndex).ThenByDescending(p => p.Step);

    // NN-label-NNNNNN; anything else in the folder is not ours to read.
    private sealed record Published(string Path, int StageIndex, int Step)
    {
        public static Published? Parse(string path)
        {
            string name = System.IO.Path.GetFileName(path);
            int first = name.IndexOf('-', StringComparison.Ordinal), last = name.LastIndexOf('-');
            return first > 0 && last > first && int.TryParse(name[..first], NumberStyles.None, CultureInfo.InvariantCulture, out int stage)
                && int.TryParse(name[(last + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int step)
                ? new Published(path, stage - 1, step)
                : null;
        }
    }
}

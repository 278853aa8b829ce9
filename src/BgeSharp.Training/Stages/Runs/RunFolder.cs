// What a run leaves in its folder, and where.

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Paths of a run.</summary>
/// <param name="Root">The run's folder.</param>
public sealed record RunFolder(string Root)
{
    /// <summary>The final model folder.</summary>
    public string Model => Path.Combine(Root, "model");

    /// <summary>Checkpoints of the stage under way.</summary>
    public string Checkpoints => Path.Combine(Root, "checkpoints");

    /// <summary>Figures of each logged step.</summary>
    public string Metrics => Path.Combine(Root, "metrics.jsonl");

    /// <summary>Bad steps and what was done about them; made when there is one.</summary>
    public string Events => Path.Combine(Root, "events.jsonl");

    /// <summary>Files the run reads, with their hashes.</summary>
    public string Data => Path.Combine(Root, "data.json");

    /// <summary>Locked while a process works on the run; empty.</summary>
    public string Lock => Path.Combine(Root, ".lock");

    /// <summary>Model folders of finished stages.</summary>
    public string Stages => Path.Combine(Root, "stages");

    /// <summary>TensorBoard event files.</summary>
    public string TensorBoard => Path.Combine(Root, "tensorboard");

    /// <summary>Vocabulary made by the run.</summary>
    public string Tokenizer => Path.Combine(Root, "tokenizer");

    /// <summary>Word list that masks hide whole words by; made by the run when a stage asks for it.</summary>
    public string Words => Path.Combine(Root, "words.txt");

    /// <summary>The resolved recipe.</summary>
    public string Recipe => Path.Combine(Root, "recipe.json");

    /// <summary>What is done so far: evaluations and time.</summary>
    public string Progress => Path.Combine(Root, "progress.json");

    /// <summary>Tokenised texts of the stage under way; removed at its end. Each rank has a folder of its own in that of rank 0.</summary>
    public string Work => Rank == 0 ? Path.Combine(Root, "work") : Path.Combine(Root, "work", FormattableString.Invariant($"rank-{Rank}"));

    /// <summary>Negatives that a stage mined anew while it trained; they outlive a restart, and go when the stage is done.</summary>
    public string Negatives => Path.Combine(Root, "negatives");

    /// <summary>The rank that looks at the folder.</summary>
    public int Rank { get; init; }

    /// <summary>Throws where a run would write among things that are not its own, and take or remove what goes by its names.</summary>
    /// <exception cref="BadInput">The folder is there, is not empty and holds no run.</exception>
    public void RefuseForeign()
    {
        if (File.Exists(Root))
        {
            throw new BadInput($"{Root}: is a file, and a run needs a folder; choose another --out.");
        }
        Formats.AtomicFile.RequireFolder(Root);
        if (!File.Exists(Progress) && Directory.Exists(Root) && Directory.EnumerateFileSystemEntries(Root).Select(Path.GetFileName).FirstOrDefault(name => !IsOfFirstMoment(name!)) is { } foreign)
        {
            throw new BadInput($"{Root}: is not empty (\"{foreign}\") and holds no run; choose a new folder with --out.");
        }
    }

    /// <summary>Whether nothing but what a start leaves before progress.json is there: a run that was killed in its first moment.</summary>
    public bool IsHardlyBegun => !File.Exists(Progress) && Directory.EnumerateFileSystemEntries(Root).All(e => IsOfFirstMoment(Path.GetFileName(e)));

    private bool IsOfFirstMoment(string name) => name == Path.GetFileName(Lock) || name == Path.GetFileName(Data) || name == Path.GetFileName(Recipe) || Formats.AtomicFile.IsTemporary(name)
        || (name == Path.GetFileName(Stages) && !Directory.EnumerateFileSystemEntries(Stages).Any());

    /// <summary>Model folder of a finished stage.</summary>
    /// <param name="index">From 0.</param>
    /// <param name="label">The stage's label.</param>
    public string Stage(int index, string label) => Path.Combine(Stages, $"{index + 1:00}-{label}");
}

// A disk on which the n-th operation goes wrong. Operations are: opening, every 64 KiB written, flushing, renaming, removing, making a folder, flushing a folder.
// After a crash nothing changes the disk any more, whatever the dying code tries: every operation throws an exception that production code does not know.

namespace BgeSharp.Training.Tests.Faults;

/// <summary>What happens at the n-th operation.</summary>
public enum Fault
{
    /// <summary>It fails as on a full disk; the next one works again.</summary>
    Fails,

    /// <summary>It and all after it fail as on a full disk, but removing works.</summary>
    DiskFull,

    /// <summary>The process vanishes; half of what was to be written or removed is.</summary>
    Vanishes,

    /// <summary>The machine loses power: content and names that were not flushed are lost.</summary>
    PowerCut,

    /// <summary>As before, but names survive: files are there with the content they had when last flushed.</summary>
    PowerCutKeepingNames,
}

/// <summary>The process is gone. Not an IOException: nobody may handle it.</summary>
public sealed class ProcessVanished() : Exception("the process has vanished");

/// <summary>Counts operations and lets one go wrong.</summary>
public sealed class FaultyFileSystem(int n, Fault fault) : IFileSystem, IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<FaultyStream> _streams = [];
    private readonly Dictionary<string, long> _unflushed = [];                      // file → length that a power cut leaves
    private readonly List<(string Folder, Action Undo)> _names = [];                // changes of names that a power cut takes back
    private readonly string _aside = Directory.CreateTempSubdirectory("bge-aside").FullName;
    private bool _dead;

    /// <summary>Operations so far.</summary>
    public int Count { get; private set; }

    /// <summary>True when the fault has happened.</summary>
    public bool Fired => Count >= n;

    public FileStream Open(string path, FileMode mode, FileAccess access, FileShare share, int bufferSize)
    {
        lock (_gate)
        {
            Operation();
            string full = Path.GetFullPath(path);
            bool made = !File.Exists(full) && mode is not FileMode.Open;
            if (mode is FileMode.Create or FileMode.Truncate || made)
            {
                _unflushed[full] = 0;
            }
            var stream = new FaultyStream(this, full, mode, access, share);
            if (made)
            {
                _names.Add((Parent(full), () => File.Delete(full)));
            }
            _streams.Add(stream);
            return stream;
        }
    }

    public void Move(string from, string to) => Rename(from, to, folder: false);

    public void MoveFolder(string from, string to) => Rename(from, to, folder: true);

    public void Delete(string path)
    {
        lock (_gate)
        {
            Operation(removes: true);
            if (File.Exists(path))
            {
                SetAside(Path.GetFullPath(path), folder: false);
            }
        }
    }

    public void DeleteFolder(string path)
    {
        lock (_gate)
        {
            if (!Directory.Exists(path))
            {
                return;
            }
            string full = Path.GetFullPath(path);
            Operation(removes: true, half: () =>
            {
                foreach (string file in Directory.GetFiles(full).Order(StringComparer.Ordinal).Where((_, i) => i % 2 == 0))
                {
                    SetAside(file, folder: false);
                }
            });
            SetAside(full, folder: true);
        }
    }

    public void CreateFolder(string path)
    {
        lock (_gate)
        {
            if (Directory.Exists(path))
            {
                return;
            }
            Operation();
            string full = Path.GetFullPath(path);
            Directory.CreateDirectory(full);
            _names.Add((Parent(full), () => Directory.Delete(full, recursive: true)));
        }
    }

    public void FlushFolder(string path)
    {
        lock (_gate)
        {
            Operation();
            string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
            _names.RemoveAll(n => n.Folder == full);
        }
    }

    public void Dispose()
    {
        foreach (FaultyStream stream in _streams)
        {
            stream.Abandon();
        }
        Directory.Delete(_aside, recursive: true);
    }

    // The caller holds the gate (a Lock may be entered again by its owner).
    internal void Operation(bool removes = false, Action? half = null)
    {
        if (_dead)
        {
            throw new ProcessVanished();
        }
        Count++;
        if (Count < n || (Count > n && fault != Fault.DiskFull))
        {
            return;
        }
        switch (fault)
        {
            case Fault.DiskFull when removes:
                return;
            case Fault.Fails or Fault.DiskFull:
                half?.Invoke();
                throw new IOException("No space left on device") { HResult = 28 };
            case Fault.Vanishes:
                half?.Invoke();
                _dead = true;
                break;
            default:
                _dead = true;
                CutPower();
                break;
        }
        throw new ProcessVanished();
    }

    internal Lock Gate => _gate;

    internal bool Dead => _dead;

    internal void Written(string path, long lengthBefore) => _unflushed.TryAdd(path, lengthBefore);

    internal void Flushed(string path) => _unflushed.Remove(path);

    private void CutPower()
    {
        _streams.ForEach(s => s.Abandon());     // locks too
        foreach ((string path, long length) in _unflushed)
        {
            if (File.Exists(path))
            {
                // A copy takes the place: the dying code may have the file mapped, and must not be hit by it.
                string kept = Path.Combine(_aside, Guid.NewGuid().ToString("N"));
                byte[] content = File.ReadAllBytes(path);
                File.WriteAllBytes(kept, content[..(int)Math.Min(length, content.Length)]);
                File.Move(kept, path, overwrite: true);
            }
        }
        if (fault == Fault.PowerCut)
        {
            foreach ((_, Action undo) in Enumerable.Reverse(_names))
            {
                undo();
            }
        }
    }

    private void Rename(string from, string to, bool folder)
    {
        lock (_gate)
        {
            Operation();
            (from, to) = (Path.GetFullPath(from), Path.GetFullPath(to));
            if (!folder && File.Exists(to))
            {
                SetAside(to, folder: false);
            }
            MoveEither(from, to, folder);
            foreach (string path in _unflushed.Keys.Where(p => p == from || p.StartsWith(from + Path.DirectorySeparatorChar, StringComparison.Ordinal)).ToArray())
            {
                _unflushed.Remove(path, out long length);
                _unflushed[to + path[from.Length..]] = length;
            }
            _names.Add((Parent(to), () => MoveEither(to, from, folder)));
        }
    }

    private void SetAside(string path, bool folder)
    {
        string kept = Path.Combine(_aside, Guid.NewGuid().ToString("N"));
        MoveEither(path, kept, folder);
        _names.Add((Parent(path), () =>
        {
            if (Directory.Exists(Parent(path)))
            {
                MoveEither(kept, path, folder);
            }
        }
        ));
    }

    private static void MoveEither(string from, string to, bool folder)
    {
        if (folder)
        {
            Directory.Move(from, to);
        }
        else
        {
            File.Move(from, to);
        }
    }

    private static string Parent(string path) => Path.GetDirectoryName(path)!;
}

// Vectors of many texts, made by several ranks and put together in the order of the texts. Each window of texts is a file of its own while the work goes on:
// ranks take windows in turn, a window that is there is not made again, so a run that was killed goes on where it was, at any number of ranks.

using System.Runtime.InteropServices;
using BgeSharp.Training.Collectives;

namespace BgeSharp.Training.Data.Vectors;

/// <summary>A folder of finished windows.</summary>
/// <param name="folder">Made when absent; its name must cover model, texts and lengths (see <see cref="FolderFor"/>), since what it holds is believed.</param>
/// <param name="dimension">D.</param>
/// <param name="group">Ranks that share the work and the folder.</param>
public sealed class VectorParts(string folder, int dimension, IProcessGroup group)
{
    /// <summary>Texts of a window.</summary>
    public const int Window = 4096;

    /// <summary>The folder beside an output file.</summary>
    /// <param name="output">The file that the vectors end in.</param>
    /// <param name="key">Everything that the vectors depend on.</param>
    public static string FolderFor(string output, string key) => FormattableString.Invariant($"{output}.parts-{HashCodes.Of(0, key):x8}");

    /// <summary>Makes this rank's windows. Returns when all ranks have made theirs.</summary>
    /// <param name="texts">All texts, read once; the same on every rank.</param>
    /// <param name="encode">Vectors of the texts of a window, in order.</param>
    /// <param name="progress">Called with the number of texts passed so far.</param>
    public void Make(IEnumerable<string> texts, Func<string[], IEnumerable<float[]>> encode, Action<long>? progress = null)
    {
        group.First(() => FileSystem.Current.CreateFolder(folder));
        long passed = 0;
        int number = 0;
        foreach (string[] window in texts.Chunk(Window))
        {
            string path = PathOf(number);
            if (number++ % group.Size == group.Rank && !IsWhole(path, window.Length))
            {
                Formats.AtomicFile.Write(path, stream =>
                {
                    foreach (float[] vector in encode(window))
                    {
                        stream.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
                    }
                });
            }
            passed += window.Length;
            progress?.Invoke(passed);
        }
        group.Barrier();
    }

    /// <summary>All vectors, in the order of the texts. For rank 0, after <see cref="Make"/>.</summary>
    public IEnumerable<float[]> Read()
    {
        for (int number = 0; File.Exists(PathOf(number)); number++)
        {
            using FileStream file = FileSystem.Current.Open(PathOf(number), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
            for (long left = file.Length; left > 0; left -= dimension * sizeof(float))
            {
                var vector = new float[dimension];
                file.ReadExactly(MemoryMarshal.AsBytes(vector.AsSpan()));
                yield return vector;
            }
        }
    }

    /// <summary>Removes the folder: what it held has another place now.</summary>
    public void Remove() => FileSystem.Current.DeleteFolder(folder);

    private bool IsWhole(string path, int texts) => File.Exists(path) && new FileInfo(path).Length == (long)texts * dimension * sizeof(float);

    private string PathOf(int number) => Path.Combine(folder, FormattableString.Invariant($"{number:00000000}.f32"));
}

// Scalars for TensorBoard. Each stage writes into a folder of its own (TensorBoard shows it as a run of its own), because steps count
// from 0 in each stage and TensorBoard forgets by step alone when a run is resumed.

using System.Globalization;

namespace BgeSharp.Training.Stages.Logs;

/// <summary>Writes one event file.</summary>
public sealed class TensorBoardWriter : IDisposable
{
    private readonly FileStream file;
    private readonly TimeProvider time;

    /// <param name="folder">Folder of the stage; made when absent.</param>
    /// <param name="time">Clock of the events and of the file's name.</param>
    /// <param name="resumeAt">Step at which a resumed run goes on; TensorBoard then drops what earlier files hold from that step on. 0 for a new run.</param>
    /// <param name="host">Last part of the file's name; the machine's name when null.</param>
    public TensorBoardWriter(string folder, TimeProvider time, int resumeAt = 0, string? host = null)
    {
        this.time = time;
        FileSystem.Current.CreateFolder(folder);
        string name = string.Create(CultureInfo.InvariantCulture, $"events.out.tfevents.{time.GetUtcNow().ToUnixTimeSeconds()}.{host ?? Environment.MachineName}");
        file = CreateNew(System.IO.Path.Combine(folder, name));
        Append(TensorBoardRecord.Version(Now));
        if (resumeAt > 0)
        {
            Append(TensorBoardRecord.SessionStart(Now, resumeAt));
        }
    }

    /// <summary>The file written.</summary>
    public string Path => file.Name;

    private double Now => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;

    /// <summary>Writes the figures of one step.</summary>
    /// <param name="step">Optimizer steps done in the stage.</param>
    /// <param name="figures">Tag to value; values are stored as float32.</param>
    public void Write(int step, IReadOnlyDictionary<string, double> figures) => Append(TensorBoardRecord.Scalars(Now, step, figures));

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    private void Append(ReadOnlySpan<byte> message)
    {
        file.Write(TensorBoardRecord.Frame(message));
        file.Flush();
    }

    // Two runs within one second must not share a file.
    private static FileStream CreateNew(string path)
    {
        for (int n = 0; ; n++)
        {
            string candidate = n == 0 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}.{n}");
            if (!File.Exists(candidate))
            {
                return FileSystem.Current.Open(candidate, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 12);
            }
        }
    }
}

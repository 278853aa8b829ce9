// metrics.jsonl: one JSON object a line, appended while a run goes on. Everything but "time", which comes last, is a function of the
// recipe, so two runs can be compared with a plain diff. Lines go to the operating system one by one and to the disk before each checkpoint:
// a power cut may cost the last ones, which a resumed run writes again.

using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace BgeSharp.Training.Stages.Logs;

/// <summary>Appends figures to metrics.jsonl: <c>{"stage":"retromae","step":10,"loss":5.1,...,"time":"2026-01-31T12:00:00Z"}</c>.</summary>
public sealed class MetricsLog : IDisposable
{
    private static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly FileStream file;
    private readonly TimeProvider time;

    private MetricsLog(FileStream file, TimeProvider time) => (this.file, this.time) = (file, time);

    /// <summary>Opens a log for appending; makes it when absent. A last line that a crash cut off is removed.</summary>
    /// <param name="path">metrics.jsonl of the run's folder.</param>
    /// <param name="time">Clock of the "time" field.</param>
    public static MetricsLog Open(string path, TimeProvider time)
    {
        FileStream file = FileSystem.Current.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1);
        long end = 0;
        foreach (LineSpan line in Lines(file))
        {
            end = line.Complete ? line.End : end;
        }
        var log = new MetricsLog(file, time);
        log.CutAt(end);
        return log;
    }

    /// <summary>Appends one line.</summary>
    /// <param name="stage">The stage's label.</param>
    /// <param name="step">Optimizer steps done in the stage.</param>
    /// <param name="figures">In the order in which they are to stand; not named "stage", "step", "batches" or "time". A value that is not finite becomes null.</param>
    /// <param name="batches">Running hash of the stage's batches, written as "batches"; empty leaves it out.</param>
    public void Write(string stage, int step, IReadOnlyDictionary<string, double> figures, string batches = "")
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, OneLine))
        {
            json.WriteStartObject();
            json.WriteString("stage", stage);
            json.WriteNumber("step", step);
            foreach ((string name, double value) in figures)
            {
                if (name is "stage" or "step" or "batches" or "time")
                {
                    throw new ArgumentException($"a figure cannot be named \"{name}\"", nameof(figures));
                }
                if (double.IsFinite(value))
                {
                    json.WriteNumber(name, value);
                }
                else
                {
                    json.WriteNull(name);
                }
            }
            if (batches.Length > 0)
            {
                json.WriteString("batches", batches);
            }
            json.WriteString("time", time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
    }

    /// <summary>Removes what a killed run wrote after its last checkpoint: lines of the stage beyond a step, and lines of later stages.</summary>
    /// <param name="stage">Stage of the checkpoint.</param>
    /// <param name="step">Step of the checkpoint; its own line stays. −1 removes the stage whole.</param>
    /// <remarks>Stages stand in the file one after another, so another stage's line after the first of this stage belongs to a later one.</remarks>
    public void TruncateAfter(string stage, int step)
    {
        long end = 0;
        bool seen = false;
        BadInput? unread = null;
        foreach (LineSpan line in Lines(file))
        {
            MetricsLine entry;
            try
            {
                entry = Read(line, file.Name);
            }
            catch (BadInput e)
            {
                // After a power cut there may be anything behind what was flushed; before it, damage.
                unread ??= e;
                continue;
            }
            if (entry.Stage == stage ? entry.Step > step : seen)
            {
                break;
            }
            if (unread is not null)
            {
                throw unread;
            }
            seen |= entry.Stage == stage;
            end = line.End;
        }
        CutAt(end);
    }

    /// <summary>Writes to the disk what the operating system still holds.</summary>
    public void Flush() => file.Flush(flushToDisk: true);

    /// <summary>Reads a log line by line; an incomplete last line is left out.</summary>
    /// <exception cref="BadInput">The file is missing, or a line is not what <see cref="Write"/> writes.</exception>
    public static IEnumerable<MetricsLine> Read(string path)
    {
        BadInput.RequireFile(path, "metrics");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        foreach (LineSpan line in Lines(file))
        {
            if (line.Complete)
            {
                yield return Read(line, path);
            }
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => file.Dispose();

    private void CutAt(long end)
    {
        if (file.Length != end)
        {
            file.SetLength(end);
        }
        file.Seek(end, SeekOrigin.Begin);
    }

    private readonly record struct LineSpan(byte[] Text, long Number, long End, bool Complete);

    // Keeps byte offsets, which StreamReader does not.
    private static IEnumerable<LineSpan> Lines(FileStream file)
    {
        file.Seek(0, SeekOrigin.Begin);
        byte[] block = new byte[1 << 16];
        var line = new MemoryStream();
        long offset = 0;
        long number = 0;
        for (int read; (read = file.Read(block)) > 0;)
        {
            int start = 0;
            for (int length; (length = block.AsSpan(start, read - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
            {
                line.Write(block, start, length);
                yield return new LineSpan(line.ToArray(), ++number, offset + start + length + 1, true);
                line.SetLength(0);
            }
            line.Write(block, start, read - start);
            offset += read;
        }
        if (line.Length > 0)
        {
            yield return new LineSpan(line.ToArray(), ++number, offset, false);
        }
    }

    private static MetricsLine Read(LineSpan line, string path)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line.Text);
            var figures = new OrderedDictionary<string, double>();
            foreach (JsonProperty field in json.RootElement.EnumerateObject())
            {
                if (field.Name is not ("stage" or "step" or "batches" or "time"))
                {
                    figures[field.Name] = field.Value.ValueKind == JsonValueKind.Null ? double.NaN : field.Value.GetDouble();
                }
            }
            return new MetricsLine(json.RootElement.GetProperty("stage").GetString()!, json.RootElement.GetProperty("step").GetInt32(), figures)
            {
                Batches = json.RootElement.TryGetProperty("batches", out JsonElement batches) ? batches.GetString() ?? "" : "",
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            string shown = Encoding.UTF8.GetString(line.Text.AsSpan(0, Math.Min(60, line.Text.Length)));
            throw BadInput.At(path, line.Number, $"\"{shown}\" is not a line of metrics; remove the line, or the file, and run again.");
        }
    }
}

// events.jsonl: what went wrong while training and what was done, one JSON object a line, with the rows of the batch. Written only when something happens.
// A resumed run that meets the same bad step again says so again: unlike metrics.jsonl this is a diary, not a function of the recipe.

using System.Text.Encodings.Web;
using System.Text.Json;

namespace BgeSharp.Training.Stages.Logs;

/// <summary>Appends to events.jsonl.</summary>
/// <param name="path">The file; made at the first event.</param>
/// <param name="time">Clock of the "time" field.</param>
public sealed class EventLog(string path, TimeProvider time)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Notes a bad step.</summary>
    public void Write(BadStep bad)
    {
        JsonElement fields = JsonSerializer.SerializeToElement(bad, Json);
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach (JsonProperty field in fields.EnumerateObject())
            {
                field.WriteTo(json);
            }
            json.WriteString("time", time.GetUtcNow());
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        using FileStream file = FileSystem.Current.Open(path, FileMode.Append, FileAccess.Write, FileShare.Read, 1);
        file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
    }
}

// evaluation.json: the report for programs and for comparisons. "version" is 1 and rises when a field changes its meaning or goes away; fields may be added.

using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Reports;

/// <summary>Reads and writes reports.</summary>
public static class ReportFile
{
    /// <summary>Version of the schema.</summary>
    public const int Version = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        IgnoreReadOnlyProperties = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private sealed record Envelope(int Version, EvaluationReport Report);

    /// <summary>Writes a report, all or nothing.</summary>
    public static void Write(string path, EvaluationReport report) => AtomicFile.Write(path, stream =>
    {
        JsonSerializer.Serialize(stream, new Envelope(Version, report), Options);
        stream.WriteByte((byte)'\n');
    });

    /// <summary>Reads a report.</summary>
    /// <exception cref="BadInput">Not such a file, or of a later version.</exception>
    public static EvaluationReport Read(string path)
    {
        using JsonDocument document = JsonFile.Parse(path, "evaluation report");
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("version", out JsonElement version) || !version.TryGetInt32(out int number))
        {
            throw new BadInput($"{path}: has no \"version\"; an evaluation.json of \"bge eval --report\" is needed.");
        }
        if (number != Version)
        {
            throw new BadInput(string.Create(CultureInfo.InvariantCulture, $"{path}: has version {number}, this program reads version {Version}."));
        }
        try
        {
            return document.RootElement.Deserialize<Envelope>(Options)?.Report ?? throw new BadInput($"{path}: the report is empty.");
        }
        catch (JsonException e)
        {
            throw new BadInput($"{path}: is no evaluation report ({e.Message.Split(" Path:")[0].TrimEnd('.')}).", e);
        }
    }
}

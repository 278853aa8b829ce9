// Everything the loop carries from step to step beside weights and moments. A checkpoint holds it as JSON, so a resumed run goes on in the middle of an average,
// of a row of bad steps or of an early-stopping count as if nothing had happened.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace BgeSharp.Training.Stages;

/// <summary>The counters and histories of a stage.</summary>
public sealed record TrainerState
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Steps whose batches were passed over: the next step takes the batches of step <see cref="Step"/> + this.</summary>
    public long PassedOver { get; set; }

    /// <summary>Bad steps in a row up to now.</summary>
    public int BadInARow { get; set; }

    /// <summary>Rollbacks of the stage.</summary>
    public int RollBacks { get; set; }

    /// <summary>Running hash of all batches so far, 16 hexadecimal digits.</summary>
    public string Batches { get; set; } = "";

    /// <summary>Losses of the newest good steps, oldest first: what a spike is measured against.</summary>
    public IList<double> Losses { get; init; } = [];

    /// <summary>Sums since the last report.</summary>
    public ReportSums Sums { get; set; } = new();

    /// <summary>Evaluations while training, in order.</summary>
    public IList<Score> Scores { get; init; } = [];

    /// <summary>Warnings that were given, each once a stage.</summary>
    public IList<string> Warned { get; init; } = [];

    /// <summary>The best evaluation, the earliest of equals; null before the first.</summary>
    [JsonIgnore] public Score? Best => Scores.Count == 0 ? null : Scores.MaxBy(s => s.Value);

    /// <summary>Evaluations since the best one.</summary>
    [JsonIgnore] public int SinceBest => Best is null ? 0 : Scores.Count - 1 - Scores.IndexOf(Best);

    /// <summary>As JSON.</summary>
    public JsonElement ToJson() => JsonSerializer.SerializeToElement(this, Json);

    /// <summary>From <see cref="ToJson"/>; a new stage's when null.</summary>
    public static TrainerState From(JsonElement? json) => json is { } given ? given.Deserialize<TrainerState>(Json)! : new TrainerState();
}

/// <summary>One evaluation while training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Value">Higher is better.</param>
public sealed record Score(int Step, double Value);

/// <summary>Sums over the steps since the last report.</summary>
public sealed record ReportSums
{
    /// <summary>Sum of losses of good steps.</summary>
    public double Loss { get; set; }

    /// <summary>Steps.</summary>
    public int Steps { get; set; }

    /// <summary>Bad ones among them.</summary>
    public int Skipped { get; set; }

    /// <summary>Sums of the other figures, in the order they first came.</summary>
    public OrderedDictionary<string, double> Figures { get; init; } = [];
}

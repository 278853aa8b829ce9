// Where training pairs come from and of what kind they are: FlagEmbedding says both by names.

namespace BgeSharp.Training.Data.Batches;

/// <summary>Examples of one origin and one task type: what a batch is drawn from.</summary>
/// <param name="Name">File or folder.</param>
/// <param name="Type">FlagEmbedding's task type; empty for none.</param>
public sealed record PairSource(string Name, string Type)
{
    /// <summary>Between the file of an example and the source that its line names, in <see cref="TrainingExample.Source"/>.</summary>
    public const char PartSign = '\n';

    /// <summary>The source that lines of the file name; empty for none.</summary>
    public string Part { get; init; } = "";

    /// <summary>The source of an example.</summary>
    public static PairSource Of(TrainingExample example)
    {
        string[] parts = (example.Source ?? "").Split(PartSign, 2);
        return new PairSource(parts[0], example.Type ?? "") { Part = parts.Length > 1 ? parts[1] : "" };
    }

    /// <summary>FlagEmbedding's sign that other queries' passages are no negatives: the name of the file or of its folder ends so.</summary>
    public bool OwnGroupOnly => Marked(Bare(Name)) || Marked(Path.GetDirectoryName(Name) ?? "");

    private static bool Marked(string name) => name.EndsWith("no_in_batch_neg", StringComparison.OrdinalIgnoreCase);

    /// <summary>Both sides are of one kind: the query's instruction stands before passages too. FlagEmbedding: symmetric_sts and symmetric_clustering.</summary>
    public bool IsSymmetric => Type is "symmetric_sts" or "symmetric_clustering";

    private static string Bare(string name)
    {
        string last = name.TrimEnd('/', '\\');
        foreach (string ending in new[] { ".gz", ".jsonl", ".json" })
        {
            last = last.EndsWith(ending, StringComparison.OrdinalIgnoreCase) ? last[..^ending.Length] : last;
        }
        return last;
    }
}

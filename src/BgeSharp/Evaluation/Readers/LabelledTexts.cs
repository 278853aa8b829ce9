// Texts with a class, for classification and clustering: JSONL (text, label) or tab-separated (text, label), a header line with these names is allowed.
// A clustering file may hold whole sets a line ("sentences" and "labels" as lists), as MTEB's do.

using System.Text.Json;
using BgeSharp.Evaluation.Tasks;
using BgeSharp.Formats;

namespace BgeSharp.Evaluation.Readers;

/// <summary>Reads labelled texts.</summary>
public static class LabelledTexts
{
    private static readonly string[] TextFields = ["text", "sentence", "sentences"], LabelFields = ["label", "labels", "label_text"];

    /// <summary>One text a line.</summary>
    /// <exception cref="BadInput">A text or label is missing, or there is none.</exception>
    public static List<LabelledText> Read(string path)
    {
        List<LabelledText> texts = [.. TextRows.Read(path, TextFields, LabelFields).Select(Labelled)];
        return texts.Count > 0 ? texts : throw new BadInput($"{path}: there is no labelled text in it.");
    }

    /// <summary>A folder with train and test files (.jsonl or .tsv, .gz allowed) as a classification task.</summary>
    public static ClassificationTask ReadClassification(string folder, string? name = null) =>
        new(name ?? TextRows.NameOf(folder), Read(Find(folder, "train")), Read(Find(folder, "test", "validation", "dev")));

    /// <summary>Sets to cluster: each line with lists is a set; a file with one text a line is one set.</summary>
    public static ClusteringTask ReadClustering(string path, string? name = null)
    {
        var sets = new List<IReadOnlyList<LabelledText>>();
        var single = new List<LabelledText>();
        foreach (TextRow row in TextRows.Read(path, TextFields, LabelFields))
        {
            if (row.Json is { } line && line.Value.TryGetProperty("sentences", out JsonElement sentences) && sentences.ValueKind == JsonValueKind.Array)
            {
                string[] texts = Strings(line, "sentences"), labels = Strings(line, "labels");
                if (texts.Length != labels.Length)
                {
                    throw row.Error($"{texts.Length} sentences and {labels.Length} labels; as many of both are needed");
                }
                sets.Add([.. texts.Zip(labels, (t, l) => new LabelledText(t, l))]);
            }
            else
            {
                single.Add(Labelled(row));
            }
        }
        return new ClusteringTask(name ?? TextRows.NameOf(path), single.Count > 0 ? [.. sets, single] : sets);
    }

    /// <summary>The strings of a list; numbers by their digits.</summary>
    internal static string[] Strings(JsonLine line, string field)
    {
        if (!line.Value.TryGetProperty(field, out JsonElement list) || list.ValueKind != JsonValueKind.Array)
        {
            throw line.Error($"a list \"{field}\" is missing");
        }
        return [.. list.EnumerateArray().Select(v => JsonLine.StringOf(v) ?? (v.ValueKind == JsonValueKind.Number ? v.GetRawText() : throw line.Error($"\"{field}\" holds {JsonLine.Describe(v)}, strings are needed")))];
    }

    private static LabelledText Labelled(TextRow row) => new(row.Require(0, TextFields), row.Require(1, LabelFields));

    private static readonly string[] Endings = [".jsonl", ".jsonl.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"];

    private static string Find(string folder, params string[] names) =>
        names.SelectMany(n => Endings.Select(e => n + e)).Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists)
        ?? throw new BadInput($"{folder}: {string.Join(" or ", names)} (.jsonl or .tsv, each may end in .gz) is missing.");
}

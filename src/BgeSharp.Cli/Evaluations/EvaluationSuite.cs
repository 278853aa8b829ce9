// A suite: a list of sets in one JSON file, so that a whole report is one command that anyone can repeat. Paths in it are relative to its "data" folder,
// which is relative to the file and can be replaced on the command line.

using System.Text.Json;
using BgeSharp.Evaluation.Modes;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Sets and what holds for all of them.</summary>
internal sealed record EvaluationSuite
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
    };

    /// <summary>For headings.</summary>
    public string Name { get; init; } = "evaluation";

    /// <summary>Folder that paths are relative to.</summary>
    public string Data { get; init; } = ".";

    /// <summary>Ways to search where a set names none. BM25 is measured once, beside all stages.</summary>
    public IReadOnlyList<string> Modes { get; init; } = ["dense", "bm25"];

    /// <summary>Depth of the rankings.</summary>
    public int TopK { get; init; } = 100;

    /// <summary>Longest query in tokens; the model's own limit when 0.</summary>
    public int QueryMaxLength { get; init; }

    /// <summary>Longest passage in tokens; the model's own limit when 0.</summary>
    public int PassageMaxLength { get; init; }

    /// <summary>Measure the held-out documents of the run's recipe too.</summary>
    public bool HeldOut { get; init; } = true;

    /// <summary>The sets.</summary>
    public required IReadOnlyList<EvaluationSet> Sets { get; init; }

    /// <summary>Reads a suite; every path in it exists afterwards.</summary>
    /// <param name="path">JSON; comments are allowed.</param>
    /// <param name="data">Replaces the folder of the data; null to take the file's.</param>
    /// <exception cref="BadInput">A field is unknown or wrong, or a file is missing.</exception>
    public static EvaluationSuite Load(string path, string? data)
    {
        BadInput.RequireFile(path, "evaluation suite");
        EvaluationSuite suite;
        try
        {
            suite = JsonSerializer.Deserialize<EvaluationSuite>(File.ReadAllBytes(path), Options) ?? throw new BadInput($"{path}: is null, an object with \"sets\" is needed.");
        }
        catch (JsonException e)
        {
            throw BadInput.At(path, (e.LineNumber ?? 0) + 1, $"not a suite: {e.Message.Split(" Path:")[0].Split(" LineNumber:")[0].TrimEnd('.')}.");
        }
        foreach ((string name, int value, int least) in (ReadOnlySpan<(string, int, int)>)[("topK", suite.TopK, 1), ("queryMaxLength", suite.QueryMaxLength, 0), ("passageMaxLength", suite.PassageMaxLength, 0)])
        {
            if (value < least)
            {
                throw new BadInput($"{path}: \"{name}\" is {value}; {least} or more is needed.");
            }
        }
        string folder = data ?? Path.GetFullPath(suite.Data, Path.GetDirectoryName(Path.GetFullPath(path))!);
        string Full(string relative) => relative.Length == 0 ? "" : Exists(path, Path.Combine(folder, relative));
        EvaluationSet[] sets =
        [
            .. suite.Sets.Select((s, i) => s is null ? throw new BadInput($"{path}: set {i + 1} is null; an object with \"path\" is needed.") : EvaluationSet.Tasks.Contains(s.Task)
                ? s with { Path = Full(s.Path), Other = Full(s.Other), Corpus = Full(s.Corpus), Paragraphs = [.. s.Paragraphs.Select(Full)] }
                : throw new BadInput($"{path}: task \"{s.Task}\" is not known; {string.Join(", ", EvaluationSet.Tasks)} are.")),
        ];
        foreach (string mode in suite.Modes.Concat(sets.SelectMany(s => s.Modes)))
        {
            RetrievalMode.Parse(mode);
        }
        return suite with { Sets = sets };
    }

    private static string Exists(string suite, string path) => File.Exists(path) || Directory.Exists(path) ? path : throw new BadInput($"{suite}: {path} is not there; --data names the folder that paths in it are relative to.");
}

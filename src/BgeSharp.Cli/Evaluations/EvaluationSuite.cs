// A suite: a list of sets in one JSON file, so that a whole report is one command that anyone can repeat. Paths in it are relative to its "data" folder,
// which is relative to the file and can be replaced on the command line.

using System.ComponentModel.DataAnnotations;
using BgeSharp.Evaluation.Modes;
using BgeSharp.Evaluation.Readers;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Sets and what holds for all of them.</summary>
internal sealed record EvaluationSuite
{
    /// <summary>For headings.</summary>
    public string Name { get; init; } = "evaluation";

    /// <summary>Folder that paths are relative to.</summary>
    public string Data { get; init; } = ".";

    /// <summary>Ways to search where a set names none. BM25 is measured once, beside all stages.</summary>
    [MinLength(1)] public IReadOnlyList<string> Modes { get; init; } = ["dense", "bm25"];

    /// <summary>Depth of the rankings.</summary>
    [Range(1, int.MaxValue)] public int TopK { get; init; } = 100;

    /// <summary>Longest query in tokens; the model's own limit when 0.</summary>
    [Range(0, int.MaxValue)] public int QueryMaxLength { get; init; }

    /// <summary>Longest passage in tokens; the model's own limit when 0.</summary>
    [Range(0, int.MaxValue)] public int PassageMaxLength { get; init; }

    /// <summary>Measure the held-out documents of the run's recipe too.</summary>
    public bool HeldOut { get; init; } = true;

    /// <summary>The sets.</summary>
    [Required] public required IReadOnlyList<EvaluationSet> Sets { get; init; }

    /// <summary>Reads a suite; every path in it exists afterwards.</summary>
    /// <param name="path">JSON; comments are allowed.</param>
    /// <param name="data">Replaces the folder of the data; null to take the file's.</param>
    /// <exception cref="BadInput">A field is unknown or wrong, or a file is missing; names file, line and field.</exception>
    public static EvaluationSuite Load(string path, string? data)
    {
        EvaluationSuite suite = RecipeFile.LoadOptions<EvaluationSuite>(path, "evaluation suite", out RecipePlaces places);
        CheckModes(suite.Modes, "modes", places);
        string folder = data ?? Path.GetFullPath(suite.Data, Path.GetDirectoryName(Path.GetFullPath(path))!);
        EvaluationSet[] sets = [.. suite.Sets.Select((set, i) => Checked(set, $"sets[{i}]", folder, places))];
        var named = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < sets.Length; i++)
        {
            if (sets[i].Name is { Length: > 0 } name && !named.TryAdd(name, i))
            {
                throw places.Error($"sets[{i}].name", $"is \"{name}\", as is that of sets[{named[name]}]; give each its own name.");
            }
        }
        return suite with { Sets = sets };
    }

    private static EvaluationSet Checked(EvaluationSet set, string at, string folder, RecipePlaces places)
    {
        // Required in code, but a file may lack it.
        if (string.IsNullOrEmpty(set.Path))
        {
            throw places.Error(at + ".path", "is missing or empty; name a file or folder.");
        }
        RequireKnown(set.Task, EvaluationSet.Tasks, at + ".task", places);
        RequireKnown(set.Format, CollectionReader.Formats, at + ".format", places);
        foreach ((string field, int value) in (ReadOnlySpan<(string, int)>)[("maxQueries", set.MaxQueries), ("splitTokens", set.SplitTokens)])
        {
            if (value < 0)
            {
                throw places.Error($"{at}.{field}", $"is {value}; allowed is 0 and above.");
            }
        }
        CheckModes(set.Modes, at + ".modes", places);
        return set with
        {
            Path = Found(set.Path, at + ".path"),
            Other = Found(set.Other, at + ".other"),
            Corpus = Found(set.Corpus, at + ".corpus"),
            Paragraphs = [.. set.Paragraphs.Select((file, i) => Found(file, $"{at}.paragraphs[{i}]"))],
        };

        string Found(string given, string field)
        {
            string full = Path.Combine(folder, given);
            return given.Length == 0 ? "" : File.Exists(full) || Directory.Exists(full) ? full
                : throw places.Error(field, $"is \"{given}\", and {full} is not there; correct it, or name by --data the folder that paths in the suite are relative to.");
        }
    }

    private static void CheckModes(IReadOnlyList<string> modes, string field, RecipePlaces places)
    {
        for (int i = 0; i < modes.Count; i++)
        {
            try
            {
                RetrievalMode.Parse(modes[i]);
            }
            catch (BadInput e)
            {
                throw places.Error($"{field}[{i}]", $"is no mode: {e.Message}");
            }
        }
    }

    private static void RequireKnown(string value, IReadOnlyList<string> known, string field, RecipePlaces places)
    {
        if (!known.Contains(value))
        {
            string? near = BadInput.Nearest(value, known);
            throw places.Error(field, $"is \"{value}\"; allowed are {string.Join(", ", known)}" + (near is null ? "." : $"; did you mean \"{near}\"?"));
        }
    }
}

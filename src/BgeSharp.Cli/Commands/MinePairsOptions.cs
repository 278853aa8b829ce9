// The options of "bge mine pairs" that make a recipe without a file.

using System.CommandLine;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Cli.Commands;

/// <summary>Options for one kind of source.</summary>
internal sealed class MinePairsOptions
{
    private readonly Option<string[]> _input = new("--input") { Description = "Documents: files, folders or globs.", HelpName = "DOCS", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string> _format = new("--format") { Description = "auto (by extension), markdown, html, text, jsonl, csv, tsv or parquet.", HelpName = "FORMAT", DefaultValueFactory = _ => "auto" };
    private readonly Option<string[]> _fields = new("--fields") { Description = "Rows: our field = field of the file, for example title=headline; ours are id, title, text, sections, language, summary, group, translatedTitle.", HelpName = "OURS=THEIRS", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string[]> _miners = new("--miners") { Description = $"Some of {string.Join(", ", PairMiners.Names)}; all that apply when left out.", HelpName = "NAMES", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string[]> _languages = new("--languages") { Description = "Keep documents of these languages; \"zh\" keeps zh, zh-CN, zh-TW and so on.", HelpName = "TAGS", AllowMultipleArgumentsPerToken = true };
    private readonly Option<bool> _detect = new("--detect-languages") { Description = "Name the language of documents that do not say it." };
    private readonly Option<double> _minHanShare = new("--min-han-share") { Description = "Keep documents whose letters are Han to at least this share, 0 to 1.", HelpName = "SHARE" };
    private readonly Option<int> _passage = new("--passage-characters") { Description = "Longest passage; longer ones are cut at a sentence end.", HelpName = "N", DefaultValueFactory = _ => 600 };
    private readonly Option<double> _heldOut = new("--held-out") { Description = "Share of document groups whose pairs go to a file of their own, 0 to 0.5.", HelpName = "SHARE" };
    private readonly Option<string[]> _decontaminate = new("--decontaminate") { Description = "Evaluation sets whose text is kept out: SQuAD JSON, BEIR folders, JSONL, text.", HelpName = "SETS", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string[]> _without = new("--without") { HelpName = "STEPS", AllowMultipleArgumentsPerToken = true };
    private readonly Option<bool> _skipBad = new("--skip-bad") { Description = "Passes over wrong lines and files, names and counts them, instead of stopping at the first." };
    private readonly Option<int> _seed = new("--seed") { Description = "Seed of what is drawn at random.", HelpName = "N", DefaultValueFactory = _ => 1 };

    /// <summary>Adds the options to the command.</summary>
    public void AddTo(Command command, string[] steps)
    {
        _without.Description = $"Steps to leave out: {string.Join(", ", steps)}.";
        _passage.Validators.Add(r => Require(r, r.GetValueOrDefault<int>() >= 32, "takes 32 or more"));
        _minHanShare.Validators.Add(r => Require(r, r.GetValueOrDefault<double>() is >= 0 and <= 1, "takes a share from 0 to 1"));
        _heldOut.Validators.Add(r => Require(r, r.GetValueOrDefault<double>() is >= 0 and <= 0.5, "takes a share from 0 to 0.5"));
        _without.Validators.Add(r => Require(r, Split(r.GetValueOrDefault<string[]>()).All(steps.Contains), $"takes some of {string.Join(", ", steps)}"));
        foreach (Option option in (ReadOnlySpan<Option>)[_input, _format, _fields, _miners, _languages, _detect, _minHanShare, _passage, _heldOut, _decontaminate, _without, _skipBad, _seed])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What --input names.</summary>
    public string[] Inputs(ParseResult line) => line.GetValue(_input) ?? [];

    /// <summary>The recipe that the options make.</summary>
    public PairRecipe Recipe(ParseResult line)
    {
        string[] without = Split(line.GetValue(_without));
        Dictionary<string, string> fields = FieldArguments.Parse(line.GetValue(_fields) ?? []);
        return new PairRecipe
        {
            Name = Path.GetFileName(Inputs(line)[0].TrimEnd('/', '\\')) is { Length: > 0 } name ? name : "pairs",
            Seed = line.GetValue(_seed),
            Sources = [.. Inputs(line).Distinct().Select(input => new DocumentSourceOptions
            {
                Name = input,
                Path = input,
                Format = line.GetRequiredValue(_format),
                Fields = fields,
                Languages = Split(line.GetValue(_languages)),
                MinHanShare = line.GetValue(_minHanShare),
                Miners = Split(line.GetValue(_miners)),
            })],
            PassageCharacters = line.GetValue(_passage),
            HeldOut = line.GetValue(_heldOut),
            SkipBad = line.GetValue(_skipBad),
            Cleaning = new PairCleaningOptions
            {
                Boilerplate = !without.Contains("boilerplate"),
                NearDuplicates = !without.Contains("near-duplicates"),
                Script = !without.Contains("script"),
                DetectLanguage = line.GetValue(_detect),
            },
            Filters = new PairFilterOptions
            {
                LexicalLow = without.Contains("lexical-band") ? 0 : new PairFilterOptions().LexicalLow,
                LexicalHigh = without.Contains("lexical-band") ? 1 : new PairFilterOptions().LexicalHigh,
                Decontaminate = [.. (line.GetValue(_decontaminate) ?? []).Select(p => new EvaluationTextOptions { Path = p })],
            },
        };
    }

    private static string[] Split(string[]? values) => [.. (values ?? []).SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    private static void Require(System.CommandLine.Parsing.OptionResult result, bool holds, string takes)
    {
        if (!holds)
        {
            result.AddError($"{result.Option.Name} {takes}.");
        }
    }
}

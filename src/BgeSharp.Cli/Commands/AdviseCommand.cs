// bge advise: looks at documents, says which stages are worth running on this machine and why, and writes the recipe.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Advice;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge advise".</summary>
internal static class AdviseCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var input = new Option<string[]>("--input") { Description = "Documents: files, folders or globs.", HelpName = "DOCS", Required = true, AllowMultipleArgumentsPerToken = true };
        var format = new Option<string>("--format") { Description = "auto (by extension), markdown, html, text, jsonl, csv, tsv or parquet.", HelpName = "FORMAT", DefaultValueFactory = _ => "auto" };
        var fields = new Option<string[]>("--fields") { Description = "Rows: our field = field of the file.", HelpName = "OURS=THEIRS", AllowMultipleArgumentsPerToken = true };
        var labelled = new Option<string[]>("--labelled") { Description = "Judged pairs: FlagEmbedding JSONL or SQuAD-format JSON.", HelpName = "PAIRS", AllowMultipleArgumentsPerToken = true };
        var hours = new Option<double>("--hours") { Description = "Time that training may take.", HelpName = "H", DefaultValueFactory = _ => 1 };
        var limit = new Option<int>("--limit") { Description = "Documents of each source to look at.", HelpName = "N", DefaultValueFactory = _ => 20_000 };
        var output = new Option<string>("--out") { Description = "Recipe to write; must not exist.", HelpName = "FILE", DefaultValueFactory = _ => "advised.json" };
        hours.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<double>() is not (> 0 and < 10_000))
            {
                r.AddError("--hours takes a number above 0.");
            }
        });
        var machine = new MachineOptions();
        var command = new Command("advise", "Say which stages are worth running on documents, and write the recipe.") { input, format, fields, labelled, hours, limit, output };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            RequireNew(line.GetRequiredValue(output));
            Dictionary<string, string> map = FieldArguments.Parse(line.GetValue(fields) ?? []);
            DocumentSourceOptions[] sources = [.. line.GetRequiredValue(input).Distinct().Select(path => new DocumentSourceOptions
            {
                Name = Path.GetFileName(path.TrimEnd('/', '\\')).Split('.')[0].Replace("*", "", StringComparison.Ordinal),
                Path = Path.GetFullPath(path),
                Format = line.GetRequiredValue(format),
                Fields = map,
            })];
            sources = sources.DistinctBy(s => s.Name).Count() == sources.Length ? sources : [.. sources.Select((s, i) => s with { Name = $"{s.Name}-{i + 1}" })];
            string[] judged = [.. (line.GetValue(labelled) ?? []).Select(Path.GetFullPath)];
            string work = Directory.CreateTempSubdirectory("bge-advise-").FullName;
            try
            {
                Advise(terminal, sources, judged, line.GetValue(hours), line.GetValue(limit), line.GetRequiredValue(output), work, () => machine.Start(line), cancellation);
                return Task.FromResult(ExitCode.Done);
            }
            finally
            {
                Directory.Delete(work, recursive: true);
            }
        });
        return command;
    }

    // A recipe is written to be edited: one that is there is not replaced, as no model folder is.
    private static void RequireNew(string recipe)
    {
        AtomicFile.RequirePlace(recipe);
        if (File.Exists(recipe))
        {
            throw new BadInput($"{recipe}: is there already, and somebody may have edited it; name another recipe by --out, or remove this one; nothing was written.");
        }
    }

    private static void Advise(Terminal terminal, DocumentSourceOptions[] sources, string[] labelled, double hours, int limit, string output, string work, Func<Compute> start, CancellationToken cancellation)
    {
        long judged = labelled.Sum(path => path.Contains(".json", StringComparison.OrdinalIgnoreCase) && !path.Contains(".jsonl", StringComparison.OrdinalIgnoreCase) && !PairFile.HoldsLines(path) ? SquadPairs.Read(path).Count : PairFile.Read(path).LongCount());
        terminal.Output.WriteLine("looking at the documents");
        PairRecipe mining = new() { Name = "survey", Sources = [.. sources.Select(s => s with { Limit = limit })], SkipBad = true };
        RecipeFile.Check(mining);
        PairStatistics mined = new MiningRun(PairRecipePlan.Of(mining), new MiningPlace(Path.Combine(work, "pairs.jsonl"), null, Environment.ProcessorCount, TimeProvider.System)).Run(stop: cancellation);
        if (mined.DocumentCount == 0)
        {
            throw new BadInput($"{sources[0].Path}: no document was left after cleaning; bge mine pairs with the same input says what was dropped and why.");
        }
        var survey = new DataSurvey(mined, judged, 0.6, mined.Sources.Values.Any(s => s.Kept >= limit));
        Compute compute = start();
        terminal.Output.WriteLine("measuring this machine");
        (MeasuredSpeed speed, double perCharacter) = SpeedProbe.Measure(mining.Sources, StageAdvice.Model(survey.Tokens), Path.Combine(work, "probe"), compute, Pairs(mined.PairCount, judged, labelled), cancellation);
        survey = survey with { TokensPerCharacter = perCharacter };
        string name = Path.GetFileNameWithoutExtension(output);
        (IReadOnlyList<StageVerdict> verdicts, Recipe recipe) = StageAdvice.Of(survey, speed, hours, sources, labelled, name);

        Tell(terminal, survey, speed);
        foreach (StageVerdict verdict in verdicts)
        {
            string time = verdict.Hours > 0 ? string.Create(CultureInfo.InvariantCulture, $" About {(verdict.Hours < 1 ? $"{Math.Max(1, verdict.Hours * 60):0} minutes" : $"{verdict.Hours:0.0} hours")}.") : "";
            terminal.Output.WriteLine($"{verdict.Stage,-12} {(verdict.Run ? "yes" : "no"),-4} {verdict.Why}{time}");
        }
        if (recipe.Stages.Count == 0)
        {
            terminal.Output.WriteLine("no stage is worth running on this alone; no recipe was written.");
            return;
        }
        RecipeFile.Check(recipe);
        AtomicFile.WriteText(output, RecipeFile.ToJson(recipe));
        terminal.Output.WriteLine($"recipe: {output}; run it with: ./bge run {output}");
    }

    // What contrastive training is timed on: the documents' own pairs, or judged ones where there are next to none. With neither there is nothing to time, and no stage will want it.
    private static IReadOnlyList<PairSourceOptions>? Pairs(long mined, long judged, string[] labelled)
        => mined >= StageAdvice.LeastPairs ? [] : judged >= StageAdvice.LeastLabelledPairs ? [.. labelled.Select(path => new PairSourceOptions { Path = path, Limit = (int)StageAdvice.LeastPairs })] : null;

    private static void Tell(Terminal terminal, DataSurvey survey, MeasuredSpeed speed)
    {
        PairStatistics mined = survey.Mined;
        string least = survey.Limited ? "at least " : "";
        void Say(FormattableString text) => terminal.Output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
        Say($"{least}{survey.Documents} documents, {survey.Characters / 1e6:0.0} M characters, about {survey.Tokens / 1e6:0.0} M tokens ({survey.TokensPerCharacter:0.00} a character)");
        Say($"languages: {string.Join(", ", mined.DocumentLanguages.OrderByDescending(l => l.Value).Take(6).Select(l => $"{l.Key} {l.Value}"))}");
        Say($"pairs: {(mined.PairCount == 0 ? "none" : string.Join(", ", mined.ByMiner.Select(m => $"{m.Count} {m.Miner}")))}; middle query {survey.QueryCharacters} and passage {survey.PassageCharacters} characters");
        if (mined.Dropped.Count > 0)
        {
            Say($"left out: {string.Join(", ", mined.Dropped.Select(d => $"{d.Value.Count} {d.Value.What} ({d.Key})"))}");
        }
        if (mined.Problems > 0)
        {
            Say($"{mined.Problems} lines or files are wrong, for example: {mined.ProblemExamples[0]}");
        }
        Say($"this machine: {speed.RetroMae:0} tokens a second of RetroMAE{(speed.Contrastive > 0 ? FormattableString.Invariant($", {speed.Contrastive:0} of contrastive training") : "")}");
    }
}

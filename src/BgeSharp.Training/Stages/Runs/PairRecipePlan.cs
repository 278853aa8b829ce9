// A recipe of pairs as a plan of mining: files found, miners made, evaluation text taken in.

using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Data.Splits;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Plans recipes of pairs.</summary>
public static class PairRecipePlan
{
    /// <summary>The plan of a checked recipe.</summary>
    /// <exception cref="BadInput">A source has no documents, or evaluation text cannot be read.</exception>
    public static MiningPlan Of(PairRecipe recipe)
    {
        var options = new MiningOptions
        {
            PassageCharacters = recipe.PassageCharacters,
            MinPassageCharacters = recipe.MinPassageCharacters,
            QueryCharacters = recipe.QueryCharacters,
            MinQueryWords = recipe.MinQueryWords,
            MaxPairsPerQuery = recipe.MaxPairsPerQuery,
            ClozePairsPerDocument = recipe.ClozePairsPerDocument,
            LanguagesPerDocument = recipe.LanguagesPerDocument,
            Seed = recipe.Seed,
        };
        PairCleaningOptions cleaning = recipe.Cleaning;
        PairFilterOptions filters = recipe.Filters;
        return new MiningPlan
        {
            Sources = [.. recipe.Sources.Select(s => new MiningSource(
                RecipeDocuments.NameOf(s),
                new DocumentUnits(s.Path, s.Format, s.Fields, recipe.SkipBad),
                new DocumentFilter { Languages = s.Languages, MinHanShare = s.MinHanShare, Limit = s.Limit },
                PairMiners.Create(s.Miners, options)))],
            Options = options,
            Cleaning = new CleaningOptions
            {
                Boilerplate = cleaning.Boilerplate,
                NearDuplicates = cleaning.NearDuplicates,
                Script = cleaning.Script,
                DetectLanguage = cleaning.DetectLanguage,
                MinCharacters = cleaning.MinCharacters,
                MaxCharacters = cleaning.MaxCharacters,
            },
            Lexical = filters is { LexicalLow: 0, LexicalHigh: 1 } ? null : new LexicalBand(filters.LexicalLow, filters.LexicalHigh),
            Evaluation = filters.Decontaminate.Count == 0 ? null : EvaluationTexts.Of(filters.Decontaminate.Select(d => d.Path)),
            HeldOut = new HeldOutSplit(recipe.Seed, recipe.HeldOut),
            Mix = recipe.Mix is { } mix ? new SourceMix(mix.Alpha, mix.Total, mix.Cap) : null,
            Fingerprint = RecipeFile.ToJson(recipe),
        };
    }
}

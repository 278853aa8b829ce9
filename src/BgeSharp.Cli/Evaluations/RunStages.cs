// The models of a finished run: what it began with, and the folder of each stage.

using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;

namespace BgeSharp.Cli.Evaluations;

/// <summary>Finds the models of a run.</summary>
internal static class RunStages
{
    /// <summary>The run's recipe, as it was resolved.</summary>
    public static Recipe RecipeOf(string folder) => RecipeFile.Load(new RunFolder(folder).Recipe, []);

    /// <summary>Folders of the cross-encoders that the run trained.</summary>
    public static IReadOnlyList<string> RerankersOf(string run, Recipe recipe)
    {
        var folder = new RunFolder(run);
        return [.. recipe.Stages.Select((stage, i) => folder.Stage(i, stage.Label)).Where(TorchReranker.IsReranker)];
    }

    /// <summary>Label and model folder of each stage that gives embeddings, in order; the untrained model is made anew from the recipe's seed in a folder of the caller.</summary>
    /// <param name="run">Folder of the run.</param>
    /// <param name="recipe">Its recipe.</param>
    /// <param name="scratch">Where the untrained model may be written.</param>
    /// <param name="compute">Device and precision.</param>
    /// <exception cref="BadInput">No stage is finished.</exception>
    public static IReadOnlyList<(string Label, string Folder)> Of(string run, Recipe recipe, string scratch, Compute compute)
    {
        var folder = new RunFolder(run);
        (string Label, string Folder)[] stages =
        [
            .. recipe.Stages.Select((stage, i) => (stage.Label, Folder: folder.Stage(i, stage.Label)))
                .Where(s => File.Exists(Path.Combine(s.Folder, "config.json")) && !TorchReranker.IsReranker(s.Folder)),
        ];
        if (stages.Length == 0)
        {
            throw new BadInput($"{run}: no stage of this run is finished.");
        }
        ITokenizer tokenizer = TokenizerFile.Load(stages[0].Folder);
        ModelConfig config = RunModel.Config(recipe.Model, tokenizer);
        using (Weights weights = RunModel.Create(Training.Modeling.Encoder.Shapes("", config), "", config, compute, recipe.Seed, recipe.Model.From.Length > 0 ? recipe.Model.From : null))
        {
            ModelFolder.Save(scratch, weights, "", config, tokenizer, (recipe.Model.From.Length > 0 ? ModelCard.LoadStart(recipe.Model.From) : new ModelCard()) with { Pooling = recipe.Model.Pooling });
        }
        return [("untrained", scratch), .. stages];
    }
}

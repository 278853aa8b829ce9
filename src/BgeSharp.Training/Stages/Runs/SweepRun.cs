// A learning-rate sweep of one stage of a recipe: the stage is made as a run would make it, in a folder that is removed at the end. Nothing of a run is touched.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Sweeps the learning rate of a stage.</summary>
public static class SweepRun
{
    /// <param name="recipe">A checked recipe.</param>
    /// <param name="index">Number of the stage, from 0.</param>
    /// <param name="from">Model folder that the stage starts from; null starts as the recipe does.</param>
    /// <param name="sweep">Rates.</param>
    /// <param name="options">Device, clock and observer; its folder is where the sweep works.</param>
    /// <param name="stop">Ends the sweep early.</param>
    /// <returns>What was seen.</returns>
    /// <exception cref="BadInput">As a run of the recipe.</exception>
    /// <exception cref="OperationCanceledException">It was asked to stop: a part of a curve suggests nothing.</exception>
    public static LearningRateCurve Run(Recipe recipe, int index, string? from, LearningRateSweep sweep, RunOptions options, CancellationToken stop)
    {
        var folder = new RunFolder(options.Out);
        FileSystem.Current.CreateFolder(folder.Root);
        try
        {
            var documents = new RecipeDocuments(recipe);
            if (from is null && index > 0)
            {
                options.Observer.Message($"warning: no model is named (--model), so stage \"{recipe.Stages[index].Label}\" starts here as the recipe's first stage does, not from the stage before it.");
            }
            // A run's stages share its vocabulary: that of a model to start from is the run's.
            ITokenizer tokenizer = from is null ? RunVocabulary.Prepare(recipe, documents, folder, options.Observer) : TokenizerFile.Load(from);
            ModelConfig config = RunModel.Config(recipe.Model, tokenizer);
            LearningRateCurve curve = new([]);
            StageOptions swept = WithTeacher(recipe, index, from);
            StageRun.Check(recipe with { Stages = [swept] }, config, tokenizer);
            // No evaluation while sweeping: the sets are not even read.
            Recipe bare = recipe with { Evaluation = [], Development = null, Stages = [.. recipe.Stages.Select((s, i) => i == index ? swept with { EvaluateEvery = 0, EarlyStop = 0, KeepBest = false } : s)] };
            using var metrics = MetricsLog.Open(folder.Metrics, options.Time);
            var run = new RunContext(bare, RecipeFile.Hash(bare), "", folder, documents, tokenizer, config, options with { Sweep = (stage, optimizer) => curve = sweep.Run(stage, optimizer, _ => { }, stop) },
                metrics, null, (_, _) => { });
            new StageRun(run, index).Train(from ?? (recipe.Model.From.Length > 0 ? recipe.Model.From : null), stop);
            stop.ThrowIfCancellationRequested();
            return curve;
        }
        finally
        {
            FileSystem.Current.DeleteFolder(folder.Root);
        }
    }

    // No stage before this one is trained here: a teacher among them is taken from the run that the model to start from belongs to.
    private static StageOptions WithTeacher(Recipe recipe, int index, string? from)
    {
        return recipe.Stages[index] switch
        {
            ContrastiveStageOptions stage => stage with
            {
                Distillation = stage.Distillation is { } distillation ? distillation with { Teacher = Folder(distillation), TeacherStage = "" } : null,
                HardNegatives = Negatives(stage.HardNegatives),
            },
            RerankerStageOptions stage => stage with
            {
                Distillation = stage.Distillation is { } distillation ? distillation with { Teacher = Folder(distillation), TeacherStage = "" } : null,
                HardNegatives = Negatives(stage.HardNegatives),
            },
            StageOptions other => other,
        };

        HardNegativeOptions? Negatives(HardNegativeOptions? options) => options is null ? null : options with { Teacher = Folder(options), TeacherStage = "" };

        string Folder(ITeacherChoice choice)
        {
            if (choice.TeacherStage.Length == 0)
            {
                return choice.Teacher;
            }
            int at = recipe.Stages.TakeWhile(s => s.Label != choice.TeacherStage).Count();
            for (string? root = from is null ? null : Path.GetDirectoryName(Path.GetFullPath(from)); root is not null; root = Path.GetDirectoryName(root))
            {
                string folder = new RunFolder(root).Stage(at, choice.TeacherStage);
                if (TorchReranker.IsReranker(folder))
                {
                    return folder;
                }
            }
            throw new BadInput($"stage \"{recipe.Stages[index].Label}\": its teacher is the stage \"{choice.TeacherStage}\", which a sweep does not train; start from a model of a run that has (--model RUN/stages/NN-NAME).");
        }
    }
}

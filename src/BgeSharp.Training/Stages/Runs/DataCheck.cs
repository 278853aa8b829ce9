// What a run will read, read through once before anything is made of it: a wrong line in the pairs of the last stage is told in the first minutes, not days later.
// Held-out documents and evaluation sets are not here: they are read to be searched at that time anyway.

using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Reads the data of a run without training on it.</summary>
/// <param name="recipe">A checked recipe.</param>
/// <param name="documents">Its documents.</param>
/// <param name="observer">Told what is read.</param>
/// <param name="stop">Ends the reading.</param>
internal sealed class DataCheck(Recipe recipe, RecipeDocuments documents, IRunObserver observer, CancellationToken stop)
{
    private readonly Dictionary<(PairSourceOptions, ExampleNeeds?), (long Count, HashSet<(PairSource Source, bool Scored)> Sources)> _files = [];

    /// <summary>Documents that no evaluation reads. A vocabulary that is trained on them reads them before anything is made; where none is, this does.</summary>
    /// <exception cref="BadInput">One cannot be read; names file and line.</exception>
    public void Documents()
    {
        if (recipe.Tokenizer.From.Length + recipe.Model.From.Length > 0 && documents.AnyOnlyTrained)
        {
            observer.Message("checking documents");
            Read(documents.OnlyTrained());
        }
    }

    /// <summary>The pair files and the teacher of a stage. A file is read once for all stages that ask the same of it.</summary>
    /// <exception cref="BadInput">A line is wrong or lacks what its stage needs, a stage has too few pairs or mixes sources that cannot be mixed, or a teacher is none; names file, line and field.</exception>
    public void Stage(StageOptions stage)
    {
        foreach ((ITeacherChoice choice, _) in TeacherChoices.Of(stage).Where(t => t.Choice.Teacher.Length > 0))
        {
            TorchReranker.Require(choice.Teacher);
        }
        ExampleNeeds? needs = ExampleNeeds.Of(stage);
        long count = 0;
        var sources = new HashSet<(PairSource Source, bool Scored)>();
        PairSourceOptions[] files = [.. StagePairs.Of(stage).Where(s => !s.IsMined)];
        foreach (PairSourceOptions source in files)
        {
            var file = new PairSourceOptions { Path = source.Path, Format = source.Format };
            if (!_files.TryGetValue((file, needs), out (long Count, HashSet<(PairSource Source, bool Scored)> Sources) read))
            {
                observer.Message($"checking {source.Path}");
                read.Sources = [];
                read.Count = Read(StagePairs.Read([file], documents, 0, needs).Select(example => read.Sources.Add((PairSource.Of(example), example.PositiveScores is not null))));
                _files.Add((file, needs), read);
            }
            sources.UnionWith(read.Sources);
            count += source.Repeat * (source.Limit > 0 ? Math.Min(source.Limit, read.Count) : read.Count);
        }
        if (needs is { AnyScores: true } && !sources.Any(s => s.Scored) && !stop.IsCancellationRequested)
        {
            throw new BadInput($"stage \"{stage.Label}\": none of its pairs has \"pos_scores\", which distillation learns from; add scores with \"bge score --pairs\", or name a teacher in \"distillation\".");
        }
        if (files.Length > 0 && files.Length == StagePairs.Of(stage).Count && !stop.IsCancellationRequested)
        {
            StagePairs.RequireEnough(stage, count);
        }
        if (stage is ContrastiveStageOptions contrastive)
        {
            bool mined = contrastive.Pairs.Count == 0 || contrastive.Pairs.Any(p => p.IsMined);
            MixedSources.Require(contrastive, mined ? sources.Append((new PairSource(PairSourceOptions.Mined, ""), false)) : sources);
        }
    }

    private long Read<T>(IEnumerable<T> items)
    {
        long count = 0;
        foreach (T _ in items.TakeWhile(_ => !stop.IsCancellationRequested))
        {
            count++;
        }
        return count;
    }
}

// bge score: a cross-encoder's scores into training pairs (pos_scores, neg_scores), for distillation. Streaming, some hundred examples at a time.

using System.CommandLine;
using System.Globalization;
using BgeSharp.Cli.Terminals;
using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Pairs;
using BgeSharp.Training.Modeling;

namespace BgeSharp.Cli.Commands;

/// <summary>"bge score".</summary>
internal static class ScoreCommand
{
    private const int Block = 256;

    /// <summary>The command.</summary>
    public static Command Create(Terminal terminal)
    {
        var model = new Option<string>("--model") { Description = "Folder of a cross-encoder.", HelpName = "DIR", Required = true };
        var pairs = new Option<string>("--pairs", "--input") { Description = "Training pairs, FlagEmbedding JSONL, .gz allowed.", HelpName = "FILE", Required = true };
        var output = new Option<string>("--out") { Description = "The same pairs with pos_scores and neg_scores.", HelpName = "FILE", Required = true };
        var machine = new MachineOptions();
        var command = new Command("score", "Let a cross-encoder score training pairs.") { model, pairs, output };
        machine.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            AtomicFile.RequirePlace(line.GetValue(output));
            IEnumerable<TrainingExample> examples = PairFile.Read(line.GetValue(pairs)!);
            using TorchReranker reranker = TorchReranker.Load(line.GetValue(model)!, machine.Start(line));
            using WorkProgress progress = terminal.Watch(cancellation);
            IReranker watched = progress.Watch(reranker);
            long texts = 0;
            long written = PairFile.Write(line.GetValue(output)!, examples.Chunk(Block).SelectMany(block =>
            {
                cancellation.ThrowIfCancellationRequested();
                TrainingExample[] scored = Score(watched, block);
                texts += block.Sum(e => e.Positives.Count + e.Negatives.Count);
                return scored;
            }));
            progress.Clear();
            terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.GetValue(output)}: {written} pairs with the scores of {texts} passages."));
            return Task.FromResult(ExitCode.Done);
        });
        return command;
    }

    /// <summary>Examples with scores in place of what they had.</summary>
    internal static TrainingExample[] Score(IReranker reranker, TrainingExample[] examples)
    {
        float[] scores = reranker.Score([.. examples.SelectMany(e => e.Positives.Concat(e.Negatives).Select(p => new TextPair(e.Query, p)))]);
        if (Array.FindIndex(scores, s => !float.IsFinite(s)) is >= 0 and int broken)
        {
            throw new BadInput($"the cross-encoder gives {scores[broken]} for a passage of the query \"{examples.SelectMany(e => e.Positives.Concat(e.Negatives).Select(_ => e.Query)).ElementAt(broken)}\": its weights are broken; train or import it anew; nothing was written.");
        }
        int next = 0;
        return
        [
            .. examples.Select(e =>
            {
                double[] own = [.. scores[next..(next += e.Positives.Count + e.Negatives.Count)].Select(s => (double)s)];
                return e with { PositiveScores = own[..e.Positives.Count], NegativeScores = own[e.Positives.Count..] };
            }),
        ];
    }
}

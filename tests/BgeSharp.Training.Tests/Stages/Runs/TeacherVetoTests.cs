// A cross-encoder beside mining: it drops what it takes for an answer, by its margin, and nothing else.

using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Collectives;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class TeacherVetoTests : IDisposable
{
    private const int Queries = 150;       // more than are judged at once
    private static readonly HardNegativeOptions s_all = new() { FromRank = 0, ToRank = 40, PerQuery = 40, RelativeMargin = 0, DuplicateCosine = 1 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(0.0, 40), InlineData(0.0, 3), InlineData(0.2, 40), InlineData(-0.2, 2)]
    public void What_it_scores_within_the_margin_of_the_best_positive_is_dropped(double margin, int perQuery)
    {
        using Weights weights = Weighed();
        TorchReranker judge = Judge(weights);
        TrainingExample[] examples = Examples();
        using PairStore store = Store("pairs", examples);
        HardNegativeOptions options = s_all with { PerQuery = perQuery };
        int[][] all = Find(store, s_all, null), kept = Find(store, options, new TeacherVeto(store, judge, margin, "judge"));
        string[] texts = [.. examples.SelectMany(e => e.Positives)];
        int dropped = 0;
        for (int n = 0; n < Queries; n++)
        {
            double Score(string passage) => judge.Score([new TextPair(examples[n].Query, passage)])[0];
            double limit = examples[n].Positives.Max(Score) - margin;
            int[] allowed = [.. all[n].Where(row => Score(texts[row]) < limit - 1e-5)];
            Assert.Subset(allowed.ToHashSet(), kept[n].ToHashSet());
            Assert.Equal(Math.Min(perQuery, allowed.Length), kept[n].Length);
            Assert.Equal(kept[n].Length, kept[n].Distinct().Count());
            dropped += all[n].Length - allowed.Length;
        }
        Assert.InRange(dropped, 1, all.Sum(rows => rows.Length) - 1);
    }

    [Fact]
    public void Ranks_find_together_what_one_process_finds()
    {
        string Found(IProcessGroup group)
        {
            using Weights weights = Weighed();
            using PairStore store = Store($"{group.Size}-{group.Rank}", Examples());
            int[][] found = Find(store, s_all with { PerQuery = 3 }, new TeacherVeto(store, Judge(weights), 0.1, "judge"), group);
            return string.Join(' ', found.Select(rows => string.Join(',', rows)));
        }
        string alone = Found(LocalProcessGroup.Instance);
        Assert.All(ThreadGroup.Run(3, Found), together => Assert.Equal(alone, together));
    }

    private static Weights Weighed()
    {
        var weights = new Weights(CrossEncoder.Shapes(TinyModel.Config), Compute.Float32);
        weights.Initialize(0.3, 3);
        return weights;
    }

    private TorchReranker Judge(Weights weights) => new(new CrossEncoder(new Encoder(weights, "", TinyModel.Config), new RelevanceHead(weights), _tokenizer.Special), _tokenizer, 16);

    private static TrainingExample[] Examples() => [.. Enumerable.Range(0, Queries).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3, 1000 + n), TinyModel.Text(3, 2000 + n)], []))];

    private PairStore Store(string name, TrainingExample[] examples)
        => PairStore.Create(Path.Combine(_folder.Path, name), examples, _tokenizer, 16, 16, "q ", negatives: false, "p ", new PlainLengths(16, 16));

    private static int[][] Find(PairStore store, HardNegativeOptions options, TeacherVeto? veto, IProcessGroup? group = null)
        => HardNegativeSearch.Find(store, new Same(), options, 5, new WatchedWork(group ?? LocalProcessGroup.Instance, SilentObserver.Instance, TimeProvider.System, CancellationToken.None), veto);

    // All passages are equally near.
    private sealed class Same : IEncoder
    {
        public int Dimension => 2;

        public int MaxLength => 64;

        public M3Embedding[] Encode(TokenBatch batch) => [.. Enumerable.Range(0, batch.Count).Select(_ => new M3Embedding([1f, 0f]))];
    }
}

// Batches over all sources together: every pair once a pass, any position to go to, and no batch that a source does not ask for.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using CsCheck;

namespace BgeSharp.Training.Tests.Stages.Contrastive;

public sealed class MixedSourcesTests : IDisposable
{
    private static readonly ContrastiveStageOptions s_mixed = new() { Steps = 40, BatchPairs = 8, GroupSize = 3, MixSources = true };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_pass_has_every_pair_once_but_for_what_fills_the_last_batch_and_any_position_can_be_gone_to()
    {
        using PairStore store = Store(new("a"), new("b"), new("c"));
        Gen.Select(Gen.Int[2, 20], Gen.Int[0, 1_000_000]).Sample((size, seed) =>
        {
            PairOrder order = ContrastiveSettings.Order(s_mixed with { BatchPairs = size }, store, seed);
            int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
            int[] rows = [.. pass.SelectMany(batch => batch)];
            int skipped = seed % (2 * pass.Length);
            return pass.Length == (store.Count + size - 1) / size
                && pass.All(batch => batch.Length == size && batch.Distinct().Count() == size)
                && rows.Distinct().Count() == store.Count
                && rows.GroupBy(row => row).All(g => g.Count() <= 2)
                && order.From(0).Skip(skipped).Take(5).Zip(ContrastiveSettings.Order(s_mixed with { BatchPairs = size }, store, seed).From(skipped)).All(b => b.First.SequenceEqual(b.Second));
        }, iter: 60);
    }

    [Fact]
    public void Batches_are_of_several_sources_and_of_one_where_nothing_is_said()
    {
        using PairStore store = Store(new("a"), new("b"), new("c"));
        int[] Sources(ContrastiveStageOptions options)
        {
            PairOrder order = ContrastiveSettings.Order(options, store, 3);
            return [.. order.From(0).Take(order.BatchesPerEpoch()).Select(batch => batch.Select(row => store.Rows[row].Source).Distinct().Count())];
        }
        Assert.Equal(8, Sources(s_mixed).Length);       // 60 pairs; of one source each they would be three times three
        Assert.InRange(Sources(s_mixed).Count(n => n > 1), 7, 8);
        Assert.Equal(Enumerable.Repeat(1, 9), Sources(s_mixed with { MixSources = false }));
        Assert.Equal(
            new PairOrder(3, [.. store.Rows.Select(r => r.Source)], 8).From(0).Take(20),
            ContrastiveSettings.Order(s_mixed with { MixSources = false }, store, 3).From(0).Take(20));
    }

    [Fact]
    public void A_budget_of_tokens_cuts_mixed_batches_too()
    {
        using PairStore store = Store(new("a"), new("b"), new("c") { Words = 12 });
        ContrastiveStageOptions options = s_mixed with { BatchTokens = 256 };
        PairOrder order = ContrastiveSettings.Order(options, store, 3);
        int[][] pass = [.. order.From(0).Take(order.BatchesPerEpoch())];
        Assert.Equal(Enumerable.Range(0, store.Count), pass.SelectMany(batch => batch).Distinct().Order());
        Assert.All(pass, rows =>
        {
            ContrastiveBatch batch = ContrastiveBatch.Draw(store, rows, ContrastiveSettings.Draw(options), 3, 0);
            Assert.True(rows.Length == 2 || batch.Queries.TokenCount + batch.Passages.TokenCount <= options.BatchTokens);
        });
        Assert.Contains(pass, rows => rows.Select(row => store.Rows[row].Source).Distinct().Count() > 1);
        Assert.True(pass.Select(rows => rows.Length).Distinct().Count() > 1);
    }

    [Fact]
    public void Each_pair_keeps_the_instructions_of_its_source()
    {
        using PairStore store = Store(new("a"), new("s") { Type = "symmetric_sts" });
        int[] rows = [3, 25, 7, 30];
        ContrastiveBatch batch = ContrastiveBatch.Draw(store, rows, ContrastiveSettings.Draw(s_mixed), 1, 0);
        Assert.Equal(3, batch.Group);
        Assert.Equal([false, true, false, true], Enumerable.Range(0, 4).Select(i => _tokenizer.Decode(batch.Passages[3 * i]).StartsWith("qqq ", StringComparison.Ordinal)));
        Assert.All(Enumerable.Range(0, 4), i => Assert.StartsWith("qqq ", _tokenizer.Decode(batch.Queries[i]), StringComparison.Ordinal));
    }

    [Fact]
    public void Sources_that_ask_for_different_batches_are_refused_and_named()
    {
        Refused("stage \"contrastive\": mixSources puts pairs of all sources into one batch, but a asks for groups of 3 and b for groups of 2; leave mixSources out", s_mixed, new("a"), new("b") { Type = "only_1neg" });
        Refused("a asks for groups of 3 and b for groups of as many passages as its negatives make (symmetric_class);", s_mixed, new("a"), new("b") { Type = "symmetric_class" });
        Refused("a asks for groups of 3 and b_no_in_batch_neg.jsonl for groups of 3 compared by themselves (no_in_batch_neg);", s_mixed, new("a"), new("b_no_in_batch_neg.jsonl"));
        Refused("a asks for groups of 3 with a teacher's scores and b for groups of 3 without a teacher's scores;", s_mixed with { Distillation = new DistillationOptions() }, new("a") { Scored = true }, new("b"));
    }

    [Fact]
    public void Sources_that_ask_for_the_same_are_mixed_whatever_their_names_and_types()
    {
        Taken(s_mixed with { GroupSize = 2 }, new("a"), new("b") { Type = "only_1neg" });
        Taken(s_mixed, new("a") { Type = "only_1neg" }, new("b") { Type = "only_1neg" });
        Taken(s_mixed, new("a_no_in_batch_neg"), new("b_no_in_batch_neg"));
        Taken(s_mixed with { InBatchNegatives = false }, new("a"), new("b_no_in_batch_neg"));
        Taken(s_mixed, new("a") { Scored = true }, new("b"));
        Taken(s_mixed with { Distillation = new DistillationOptions() }, new("a") { Scored = true }, new("b") { Scored = true });
        Taken(s_mixed with { Distillation = new DistillationOptions { TeacherStage = "t" } }, new("a") { Scored = true }, new("b"));
        Taken(s_mixed with { MixSources = false }, new("a"), new("b") { Type = "only_1neg" });
    }

    [Fact]
    public void A_stage_steps_through_the_mixed_order()
    {
        using PairStore store = Store(new("a"), new("b"), new("c"));
        ModelConfig config = TinyModel.Config with { InitializerRange = 0.3 };
        using Weights weights = RunModel.Create(s_mixed, config, Compute.Float32, 1, null).Weights;
        using var stage = new ContrastiveStage(s_mixed, weights, new M3Encoder(new Encoder(weights, "", config), Pooling.Mean), store, 3, 1);
        int[][] order = [.. ContrastiveSettings.Order(s_mixed, store, 3).From(1).Take(2)];
        Assert.All(order, (rows, step) => Assert.Equal(rows, stage.ForwardBackward(step).Batch!.Rows));
    }

    private void Refused(string message, ContrastiveStageOptions options, params Kind[] sources)
    {
        using PairStore store = Store(sources);
        Assert.Contains(message, Assert.Throws<BadInput>(() => ContrastiveSettings.Order(options, store, 3)).Message, StringComparison.Ordinal);
    }

    private void Taken(ContrastiveStageOptions options, params Kind[] sources)
    {
        using PairStore store = Store(sources);
        int[] rows = ContrastiveSettings.Order(options, store, 3).From(0).First();
        Assert.Equal(options.BatchPairs, ContrastiveBatch.Draw(store, rows, ContrastiveSettings.Draw(options with { Distillation = null }), 3, 0).Queries.Count);
    }

    // Twenty pairs of each.
    private PairStore Store(params Kind[] sources) => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), sources.SelectMany((source, s) => Enumerable.Range(100 * s, 20).Select(n =>
        new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(source.Words, n + 1000)], [TinyModel.Text(source.Words, n + 2000), TinyModel.Text(source.Words, n + 3000)])
        {
            Source = source.Name,
            Type = source.Type,
            PositiveScores = source.Scored ? new double[] { 2 } : null,
            NegativeScores = source.Scored ? new double[] { 1, 0.5 } : null,
        })), _tokenizer, 16, 32, "qqq ", negatives: true);

    /// <param name="Name">Of the file.</param>
    private sealed record Kind(string Name)
    {
        public string? Type { get; init; }

        public bool Scored { get; init; }

        /// <summary>Of a passage.</summary>
        public int Words { get; init; } = 4;
    }
}

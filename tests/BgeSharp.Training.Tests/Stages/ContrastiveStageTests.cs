using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

public sealed class ContrastiveStageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Kinds() => ["plain", "cached", "outputs", "heads alone", "kl_div", "m3_kd", "m3_kd_unsorted", "margin_mse", "own group", "cosent", "cosine", "lora", "budget"];

    [Theory, MemberData(nameof(Kinds))]
    public void Every_kind_of_step_learns(string kind)
    {
        ContrastiveStageOptions options = Options(kind);
        (double first, double last, _) = Train(options, 12);
        Assert.True(last < 0.95 * first, $"{kind}: the loss went from {first} to {last}");
    }

    [Fact]
    public void Frozen_weights_stay_as_they_are_and_adapters_are_added_into_the_model()
    {
        ContrastiveStageOptions options = Options("lora");
        (_, _, Weights weights) = Train(options, 5);
        using Weights owned = weights;
        using Weights before = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        foreach (WeightShape shape in before.Shapes)
        {
            bool same = before[shape.Name].data<float>().ToArray().SequenceEqual(weights[shape.Name].data<float>().ToArray());
            Assert.Equal(!LinearLayer.IsAdapter(shape.Name), same);
        }
        string folder = Path.Combine(_folder.Path, "model");
        ModelFolder.Save(folder, weights, "", TinyModel.Config, _tokenizer, new ModelCard { Pooling = "mean" });
        using TextModel merged = TextModel.Load(folder, Compute.Float32);
        TokenBatch text = TokenBatch.Of([_tokenizer.EncodeWithSpecial("ab cd ef")]);
        float[] trained = new TorchEncoder(new Encoder(weights, "", TinyModel.Config), Pooling.Mean).EncodeDense(text), loaded = merged.Encoder.EncodeDense(text);
        Assert.All(trained.Zip(loaded), p => Assert.Equal(p.First, p.Second, 1e-5));
    }

    [Theory, InlineData("embeddings"), InlineData("layers:1")]
    public void Parts_that_are_frozen_stay_as_they_are(string part)
    {
        ContrastiveStageOptions options = Options("plain") with { Freeze = [part] };
        using Weights weights = Train(options, 3).Weights;
        using Weights before = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        string[] same = [.. before.Shapes.Select(s => s.Name).Where(n => before[n].data<float>().ToArray().SequenceEqual(weights[n].data<float>().ToArray()))];
        string[] frozen = [.. before.Shapes.Select(s => s.Name).Where(n => n.StartsWith("embeddings.", StringComparison.Ordinal) || (part != "embeddings" && n.StartsWith("encoder.layer.0.", StringComparison.Ordinal)))];
        Assert.NotEmpty(frozen);
        Assert.Equal(frozen, same);
    }

    [Fact]
    public void Trained_heads_are_saved_and_loaded_and_a_dense_stage_after_them_keeps_them()
    {
        (_, _, Weights weights) = Train(Options("outputs"), 3);
        using Weights owned = weights;
        string folder = Path.Combine(_folder.Path, "model");
        ModelFolder.Save(folder, weights, "", TinyModel.Config, _tokenizer, new ModelCard { Pooling = "mean" });
        using TextModel model = TextModel.Load(folder, Compute.Float32);
        Assert.Equal(EmbeddingModes.All, model.Encoder.Modes);
        M3Embedding embedding = model.Encoder.Encode(TokenBatch.Of([_tokenizer.EncodeWithSpecial("ab cd")]), EmbeddingModes.All)[0];
        Assert.Equal(8, embedding.MultiVector![0].Length);
        Assert.DoesNotContain(_tokenizer.Special.Cls, embedding.LexicalWeights!.Keys);
        using Weights next = RunModel.Create(Options("plain"), TinyModel.Config, Compute.Float32, 1, folder).Weights;
        Assert.Equal(weights["colbert_linear.weight"].data<float>().ToArray(), next["colbert_linear.weight"].data<float>().ToArray());
        Assert.False(next["colbert_linear.weight"].requires_grad);
    }

    [Fact]
    public void Distillation_without_scores_says_so()
    {
        using PairStore store = Store([new("a", ["b"], ["c"]), new("d", ["e"], ["f"])]);
        BadInput fault = Assert.Throws<BadInput>(() => ContrastiveBatch.Draw(store, [0, 1], new GroupDraw(2, WithTeacher: true), 1, 0));
        Assert.Contains("bge score", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Types_and_names_of_FlagEmbedding_shape_the_batch()
    {
        TrainingExample Example(string type, string source) => new("a", ["b"], ["c", "d", "e"]) { Type = type, Source = source };
        using PairStore store = Store([Example("only_1neg", "x"), Example("symmetric_class", "x"), Example("normal", "set_no_in_batch_neg.jsonl"), Example("symmetric_sts", "x")]);
        Assert.Equal(2, ContrastiveBatch.Draw(store, [0], 8, 1, 0).Group);
        Assert.Equal(4, ContrastiveBatch.Draw(store, [1], 8, 1, 0).Group);
        Assert.Equal(8, ContrastiveBatch.Draw(store, [2], 8, 1, 0).Group);
        Assert.True(ContrastiveBatch.Draw(store, [2], 8, 1, 0).OwnGroupOnly);
        Assert.False(ContrastiveBatch.Draw(store, [0], 8, 1, 0).OwnGroupOnly);
        // "q " stands before the passages of symmetric pairs only.
        Assert.Equal(_tokenizer.EncodeWithSpecial("q b"), store.Passages[store.Rows[3].Positives[0]].ToArray());
        Assert.Equal(_tokenizer.EncodeWithSpecial("b"), store.Passages[store.Rows[0].Positives[0]].ToArray());
    }

    [Fact]
    public void Contradictions_and_repeats_are_dropped_and_counted()
    {
        using PairStore store = Store([new("a", ["b", "b", "c"], ["b", "d", "d"]) { PositiveScores = [1, 2, 3], NegativeScores = [4, 5, 6] }]);
        Assert.Equal([0, 1], store.Rows[0].Positives);
        Assert.Equal([2], store.Rows[0].Negatives);
        Assert.Equal([1f, 3f], store.Rows[0].PositiveScores!);
        Assert.Equal([5f], store.Rows[0].NegativeScores!);
        Assert.Equal("1 negatives that answer their query or are its own text, 1 repeated positives, 1 repeated negatives", store.Faults.Describe());
    }

    [Fact]
    public void With_too_few_negatives_a_group_of_its_own_repeats_them_and_an_in_batch_group_borrows()
    {
        using PairStore store = Store([new("a", ["b"], ["c", "d"]), new("e", ["f"], ["g", "h"])]);
        string[] Group(GroupDraw draw) => [.. Enumerable.Range(1, 4).Select(i => _tokenizer.Decode(ContrastiveBatch.Draw(store, [0, 1], draw, 1, 0).Passages[i].ToArray()))];
        Assert.Equal(["c", "d"], Group(new GroupDraw(5) { OwnGroup = true }).Distinct().Order());
        Assert.Contains("f", Group(new GroupDraw(5)));
        // Nothing of the teacher's distribution falls on what it has not read, at any temperature.
        using PairStore scored = Store([new("a", ["b"], []) { PositiveScores = [2], NegativeScores = [] }, new("e", ["f"], []) { PositiveScores = [2], NegativeScores = [] }]);
        float[] teacher = ContrastiveBatch.Draw(scored, [0, 1], new GroupDraw(4, WithTeacher: true) { TeacherTemperature = 10 }, 1, 0).Teacher!;
        Assert.True(teacher.Skip(1).Take(3).Sum(s => Math.Exp((s - teacher[0]) / 10)) < 1e-12);
    }

    [Fact]
    public void Negatives_of_types_that_make_groups_are_kept_and_sources_go_by_file_and_line()
    {
        string folder = Path.Combine(_folder.Path, "files", "a_no_in_batch_neg"), other = Path.Combine(_folder.Path, "files", "b");
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(other);
        string first = Path.Combine(folder, "x_no_in_batch_neg.jsonl"), second = Path.Combine(other, "x.jsonl");
        File.WriteAllText(first, "{\"query\":\"a\",\"pos\":[\"b\"],\"neg\":[\"c\"],\"type\":\"only_1neg\",\"source\":\"one\"}\n");
        File.WriteAllText(second, "{\"query\":\"d\",\"pos\":[\"e\"],\"neg\":[\"f\"]}\n");
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "kept"), StagePairs.Read([new PairSourceOptions { Path = first }, new PairSourceOptions { Path = second }], new RecipeDocuments(new Recipe()), 1), _tokenizer, 16, 32, "", negatives: false);
        Assert.Equal([(first, "one", true), (second, "", false)], store.Sources.Select(s => (s.Name, s.Part, s.OwnGroupOnly)));
        Assert.Single(store.Rows[0].Negatives);
        Assert.Empty(store.Rows[1].Negatives);
    }

    [Fact]
    public void Adapters_for_layers_that_are_not_there_are_refused()
        => Assert.Contains("\"q_proj\"", Assert.Throws<BadInput>(() => ContrastiveSettings.Shapes(Options("plain") with { Lora = new LoraOptions { Layers = ["query", "q_proj"] } }, TinyModel.Config, [])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_cross_encoder_reads_the_texts_of_a_store_without_instructions()
    {
        TrainingExample[] examples = [new("a b", ["c", "d"], ["e"]) { Prompt = "own " }, new("f", ["c"], ["g"]), new("h", ["i"], ["c"]) { Type = "symmetric_sts" }];
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "both"), examples, _tokenizer, 16, 32, "q ", negatives: true, "p ", new PlainLengths(16, 32));
        int[] Ids(string text) => _tokenizer.EncodeWithSpecial(text);
        Assert.Equal(["own a b", "q f", "q h"], examples.Select((_, i) => _tokenizer.Decode(store.Queries[i].ToArray())));
        for (int i = 0; i < examples.Length; i++)
        {
            Assert.Equal(Ids(examples[i].Query), store.Plain.Queries[i].ToArray());
            string before = i == 2 ? "q " : "p ";
            string[] texts = [.. examples[i].Positives, .. examples[i].Negatives];
            int[] rows = [.. store.Rows[i].Positives, .. store.Rows[i].Negatives];
            Assert.All(texts.Zip(rows), t =>
            {
                Assert.Equal(Ids(before + t.First), store.Passages[t.Second].ToArray());
                Assert.Equal(Ids(t.First), store.Plain.Passages[t.Second].ToArray());
            });
        }
        ContrastiveBatch read = ContrastiveBatch.Draw(store, [0, 1], new GroupDraw(2), 1, 0), plain = ContrastiveBatch.Draw(store, [0, 1], new GroupDraw(2, Plain: true), 1, 0);
        Assert.Equal(Ids("q f"), read.Queries[1].ToArray());
        Assert.Equal(Ids("f"), plain.Queries[1].ToArray());
        Assert.Equal(Ids("p g"), read.Passages[3].ToArray());
        Assert.Equal(Ids("g"), plain.Passages[3].ToArray());
        // Without instructions each text is tokenised once, where both are cut alike.
        using PairStore bare = PairStore.Create(Path.Combine(_folder.Path, "bare"), [new("a b c d", ["e f g h"], []), new("i", ["j"], [])], _tokenizer, 16, 32, "", negatives: true, plain: new PlainLengths(4, 32));
        Assert.Equal(Ids("a b c d"), bare.Queries[0].ToArray());
        Assert.Equal(_tokenizer.EncodeWithSpecial("a b c d", 4), bare.Plain.Queries[0].ToArray());
        Assert.NotSame(bare.Passages, bare.Plain.Passages);
        Assert.All(new[] { bare.Passages, bare.Plain.Passages }, passages => Assert.Equal([Ids("e f g h"), Ids("j")], new[] { passages[0].ToArray(), passages[1].ToArray() }));
        using PairStore one = Store(examples);
        Assert.Same(one.Passages, one.Plain.Passages);
    }

    [Theory, InlineData("plain", 8), InlineData("plain", 5), InlineData("outputs", 24)]
    public void The_held_out_loss_is_that_of_each_query_against_the_positives_of_its_batch(string kind, int batch)
    {
        ContrastiveStageOptions options = Options(kind) with { BatchPairs = batch, ScoreBlock = 3 };
        using Weights weights = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", TinyModel.Config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));      // with dropout, which takes no part
        using PairStore store = Store(Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99)])));
        using var stage = new ContrastiveStage(options, weights, encoder, store, 3, 0);
        double loss = stage.HeldOutLoss(store);
        Assert.Equal(loss, stage.HeldOutLoss(store));
        if (kind == "outputs")
        {
            Assert.InRange(loss, 0.1, 20);
            return;
        }
        float[][] Vectors(TokenStore texts, Func<int, int> row) => [.. Enumerable.Range(0, 24).Select(i => new TorchEncoder(encoder.Encoder, Pooling.Mean).EncodeDense(TokenBatch.Of([texts[row(i)].ToArray()])))];
        float[][] queries = Vectors(store.Queries, i => i), passages = Vectors(store.Passages, i => store.Rows[i].Positives[0]);
        double expected = 0;
        int batches = (24 + batch - 1) / batch;
        for (int b = 0; b < batches; b++)
        {
            (int first, int count) = WorkShare.Range(24, batches, b);
            int end = first + count;
            for (int q = first; q < end; q++)
            {
                double[] logits = [.. Enumerable.Range(first, end - first).Select(p => queries[q].Zip(passages[p], (x, y) => x * y).Sum() / options.Temperature)];
                expected += Math.Log(logits.Sum(Math.Exp)) - logits[q - first];
            }
        }
        Assert.Equal(expected / 24, loss, 1e-3);
    }

    [Theory, InlineData("budget"), InlineData("cosine")]
    public void A_step_is_the_mean_over_all_its_queries_however_they_are_cut_into_micro_batches(string kind)
    {
        ContrastiveStageOptions options = Options(kind) with { BatchTokens = 256, Accumulate = 1 };
        ModelConfig config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
        using PairStore store = Store(Enumerable.Range(0, 40).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(1 + (n % 25), n + 50)], [TinyModel.Text(1 + (n % 25), n + 99)]) { PositiveScores = [(n % 5) / 4.0] }));
        using Weights weights = RunModel.Create(options, config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
        (StepFigures Figures, float[] Gradients) Step(ContrastiveStage stage, int step)
        {
            weights.Zero();
            StepFigures figures = stage.ForwardBackward(step);
            return (figures, weights.Gradients.data<float>().ToArray());
        }
        const int parts = 5;
        using var whole = new ContrastiveStage(options with { Accumulate = parts }, weights, encoder, store, 3, 0);
        using var single = new ContrastiveStage(options, weights, encoder, store, 3, 0);
        (StepFigures figures, float[] gradients) = Step(whole, 0);
        (StepFigures Figures, float[] Gradients)[] each = [.. Enumerable.Range(0, parts).Select(step => Step(single, step))];
        int[] counts = [.. ContrastiveSettings.Order(options, store, 3).From(0).Take(parts).Select(rows => rows.Length)];
        Assert.True(counts.Distinct().Count() > 1);
        double total = counts.Sum();
        Assert.Equal(each.Zip(counts, (e, n) => e.Figures.Loss * n).Sum() / total, figures.Loss, 1e-5);
        double[] expected = [.. gradients.Select((_, i) => each.Zip(counts, (e, n) => e.Gradients[i] * n).Sum() / total)];
        double largest = expected.Max(Math.Abs);
        Assert.True(largest > 0);
        Assert.All(expected.Zip(gradients), p => Assert.Equal(p.First, p.Second, 1e-5 * largest));
    }

    [Fact]
    public void Negatives_that_will_be_mined_anew_leave_batches_within_their_budget_and_in_their_order()
    {
        // Every negative is short at first, and a passage is long that may become one.
        using PairStore store = Store(Enumerable.Range(0, 40).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(n == 0 ? 25 : 1 + (n % 4), n + 50)], ["x"])));
        ContrastiveStageOptions options = Options("budget") with { SourceMixing = 1, HardNegatives = new HardNegativeOptions { RefreshSteps = 2 } };
        int[][] Pass(ContrastiveStageOptions stage)
        {
            PairOrder order = ContrastiveSettings.Order(stage, store, 3);
            return [.. order.From(0).Take(order.BatchesPerEpoch())];
        }
        int Tokens(int[] rows)
        {
            ContrastiveBatch batch = ContrastiveBatch.Draw(store, rows, ContrastiveSettings.Draw(options), 3, 0);
            return batch.Queries.TokenCount + batch.Passages.TokenCount;
        }
        int[][] before = Pass(options), minedOnce = Pass(options with { HardNegatives = new HardNegativeOptions() });
        Assert.All(minedOnce, rows => Assert.InRange(Tokens(rows), 1, options.BatchTokens));
        int longest = Enumerable.Range(0, store.Passages.Count).MaxBy(store.Passages.LengthOf);
        store.SetNegatives([.. store.Rows.Select(row => row.Positives.Contains(longest) ? row.Negatives : new[] { longest })]);
        Assert.Equal(before, Pass(options));
        Assert.All(before, rows => Assert.InRange(Tokens(rows), 1, options.BatchTokens));
        Assert.Contains(before, rows => rows.Length > 2);
        Assert.Contains(minedOnce, rows => Tokens(rows) > options.BatchTokens);
    }

    [Fact]
    public void Outputs_learn_from_the_ensemble_once_more_than_the_start_step_s_steps_are_done_and_with_the_weights_that_are_set()
    {
        ContrastiveStageOptions options = Options("outputs") with { SelfDistillationStart = 1, EnsembleWeights = new() { Sparse = 0, Multi = 0 }, LossWeights = new() { Dense = 0.5, Sparse = 0, Multi = 0 } };
        ModelConfig config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
        using PairStore store = Store(Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99)])));
        using Weights weights = RunModel.Create(options, config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
        using var stage = new ContrastiveStage(options, weights, encoder, store, 3, 0);
        StepFigures[] steps = [.. Enumerable.Range(0, 3).Select(stage.ForwardBackward)];
        Assert.Equal([false, false, true], steps.Select(s => s.Figures.ContainsKey("self_distill_dense")));
        // The ensemble is the dense output here, and the other outputs weigh nothing: (0.5 · dense + dense) over the four terms.
        IReadOnlyDictionary<string, double> figures = steps[0].Figures;
        Assert.Equal(figures["loss_dense"], figures["loss_ensemble"], 1e-5);
        Assert.NotEqual(figures["loss_dense"], figures["loss_sparse"], 1e-3);
        Assert.Equal(1.5 * figures["loss_dense"] / 4, steps[0].Loss, 1e-5);
    }

    private (double First, double Last, Weights Weights) Train(ContrastiveStageOptions options, int steps)
    {
        using PairStore store = Store(Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99), TinyModel.Text(4, n + 200)])
        {
            PositiveScores = [options.Objective == "contrastive" ? 4 : (n % 5) / 4.0],
            NegativeScores = [-1, -3],
        }));
        Weights weights = RunModel.Create(options, TinyModel.Config with { InitializerRange = 0.3 }, Compute.Float32, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 }), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
        using var stage = new ContrastiveStage(options, weights, encoder, store, 3, 0);
        using var optimizer = new AdamW(weights, 0.01);
        var losses = new List<double>();
        for (int step = 0; step < steps; step++)
        {
            weights.Zero();
            losses.Add(stage.ForwardBackward(step).Loss);
            weights.ClipTo(weights.Norm(), 1);
            optimizer.Step(options.Lora is not null || options.Freeze.Count > 0 ? 2e-2 : 1e-2);
        }
        return (losses.Take(3).Average(), losses.TakeLast(3).Average(), weights);
    }

    private static ContrastiveStageOptions Options(string kind)
    {
        var plain = new ContrastiveStageOptions { Steps = 40, BatchPairs = 8, GroupSize = 2, Temperature = 0.05, SubBatchTokens = 128 };
        ContrastiveStageOptions distilled = plain with { GroupSize = 3, Distillation = new DistillationOptions { Loss = kind.Contains('_', StringComparison.Ordinal) ? kind : "kl_div" } };
        return kind switch
        {
            "cached" => plain with { Memory = "cached", ScoreBlock = 3, BothDirections = true, QueryQuery = true, PassagePassage = true, MatryoshkaDimensions = [8], FalseNegativeMargin = 0.3 },
            "outputs" => plain with { Outputs = ["dense", "sparse", "multi"], VectorSize = 8, SelfDistillation = true, SelfDistillationStart = 2 },
            "heads alone" => plain with { Outputs = ["sparse", "multi"], VectorSize = 8, Freeze = ["encoder"] },
            "own group" => distilled with { InBatchNegatives = false, Outputs = ["dense", "sparse", "multi"], VectorSize = 8, SelfDistillation = true },
            "cosent" or "cosine" => plain with { GroupSize = 1, Objective = kind },
            "lora" => plain with { Lora = new LoraOptions { Rank = 4, Alpha = 8, Layers = ["query", "value", "intermediate.dense"] } },
            "budget" => plain with { BatchTokens = 256, SourceMixing = 0.5 },
            "plain" => plain,
            _ => distilled,
        };
    }

    private PairStore Store(IEnumerable<TrainingExample> examples) => PairStore.Create(Path.Combine(_folder.Path, Guid.NewGuid().ToString("N")), examples, _tokenizer, 16, 32, "q ", negatives: true);
}

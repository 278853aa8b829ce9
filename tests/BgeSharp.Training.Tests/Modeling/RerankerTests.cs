using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

public sealed class RerankerTests : IDisposable
{
    private static readonly TextPair[] s_pairs = [new("ab c", "de fgh i"), new("x", "ab c"), new("ab c", "ab c d e f g h i j k l m n o p")];
    private static readonly ModelConfig s_xlmRoberta = TinyModel.Config with { Kind = ModelKind.XlmRoberta, Architecture = "XLMRobertaModel", TypeVocabularySize = 1, LayerNormEpsilon = 1e-5 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(ModelKind.Bert), InlineData(ModelKind.XlmRoberta)]
    public void A_saved_cross_encoder_and_one_brought_in_from_Hugging_Face_give_the_same_scores(ModelKind kind)
    {
        ModelConfig config = kind == ModelKind.Bert ? TinyModel.Config : s_xlmRoberta;
        using Weights weights = Model(config);
        string saved = Path.Combine(_folder.Path, "saved"), foreign = Path.Combine(_folder.Path, "foreign"), imported = Path.Combine(_folder.Path, "imported");
        ModelFolder.Save(saved, weights, "", config, _tokenizer, new ModelCard { PassageMaxLength = 24 });
        Directory.CreateDirectory(foreign);
        foreach (string file in Directory.GetFiles(saved).Where(f => Path.GetFileName(f) is not ("bge.json" or "reranker.safetensors" or "model.safetensors")))
        {
            File.Copy(file, Path.Combine(foreign, Path.GetFileName(file)));
        }
        // BERT's classifier stands on its pooler; XLM-RoBERTa's has both layers and the names that they have here.
        WeightFile.Write(Path.Combine(foreign, "model.safetensors"), weights, name => !RelevanceHead.Has(name) ? Encoder.PrefixOf(config) + name : kind == ModelKind.XlmRoberta ? name
            : name.Replace("classifier.dense", "bert.pooler.dense", StringComparison.Ordinal).Replace("classifier.out_proj", "classifier", StringComparison.Ordinal));
        ModelAccount account = ModelImport.Run(foreign, imported, cancellation: TestContext.Current.CancellationToken);
        Assert.Contains(account.Taken, line => line.Contains("cross-encoder", StringComparison.Ordinal));

        using TorchReranker own = TorchReranker.Load(saved, Compute.Float32), other = TorchReranker.Load(imported, Compute.Float32);
        float[] scores = own.Score(s_pairs);
        Assert.Equal(24, own.MaxLength);
        Assert.Equal(3, scores.Distinct().Count());
        Assert.Equal(scores[..2], other.Score(s_pairs)[..2]);
        Assert.Equal(scores[0], own.Score([s_pairs[0]])[0], 1e-5);
    }

    [Theory, InlineData(ModelKind.Bert), InlineData(ModelKind.XlmRoberta)]
    public void Scores_and_gradients_are_those_of_the_formula(ModelKind kind)
    {
        using var scope = NewDisposeScope();
        ModelConfig config = kind == ModelKind.Bert ? TinyModel.Config : s_xlmRoberta with { PadTokenId = 1, MaxPositions = 66 };
        using var weights = new Weights(CrossEncoder.Shapes(config), Compute.Float64);
        random.manual_seed(5);
        using (no_grad())
        {
            weights.Values.copy_(randn([weights.Count], ScalarType.Float64) * 0.4);      // biases and LayerNorms too
        }
        Dictionary<string, Tensor> plain = weights.Shapes.ToDictionary(s => s.Name, s => weights[s.Name].detach().clone().requires_grad_());
        CrossEncoder model = Cross(weights, config);
        int[] query = [2, 10, 11, 12, 3];
        int[][] passages = [[2, 20, 21, 22, 23, 24, 25, 3], [2, 30, 10, 3]];
        int[] between = kind == ModelKind.Bert ? [3] : [3, 3];
        Tensor expected = cat([.. passages.Select(passage => Formula(plain, config, [2, 10, 11, 12, .. between, .. passage[1..]], 4 + between.Length))], 0);
        Tensor logits = model.Logits([.. passages.Select(passage => model.Join(query, passage, 64))], training: false);
        AssertClose("logits", expected, logits);

        Tensor factor = tensor(new[] { 1.0, -0.7 });
        BackwardPass.Run((logits * factor).sum());
        (expected * factor).sum().backward();
        foreach ((string name, Tensor weight) in plain)
        {
            using Tensor gradient = weights.GradientOf(name);
            AssertClose(name, weight.grad!, gradient);
        }
        Assert.True(plain["classifier.dense.weight"].grad!.abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void A_query_is_cut_as_it_was_in_training_before_the_pair_is()
    {
        using Weights weights = Model();
        string saved = Path.Combine(_folder.Path, "cut");
        ModelFolder.Save(saved, weights, "", TinyModel.Config, _tokenizer, new ModelCard { QueryMaxLength = 5, PassageMaxLength = 24 });
        using TorchReranker own = TorchReranker.Load(saved, Compute.Float32);
        TextPair[] pairs = [new("a b c d e f g h", "x y"), new("a b c", "x y")];
        float[] scores = own.Score(pairs);
        Assert.Equal(scores[1], scores[0], 1e-5);
        Assert.Equal(scores, own.Score([.. pairs.Select(p => (_tokenizer.EncodeWithSpecial(p.Query), _tokenizer.EncodeWithSpecial(p.Passage)))]));
    }

    [Fact]
    public void Scoring_tells_of_each_pass_and_ends_where_that_is_asked_for()
    {
        using Weights weights = Model();
        var judge = new TorchReranker(Cross(weights, TinyModel.Config), _tokenizer, 24) { BatchTokens = 1 };
        var told = new List<int>();
        Assert.Equal(judge.Score(s_pairs), judge.Score(s_pairs, told.Add));
        Assert.Equal([1, 2, 3], told);
        told.Clear();
        Assert.Throws<OperationCanceledException>(() => judge.Score(s_pairs, done =>
        {
            told.Add(done);
            throw new OperationCanceledException();
        }));
        Assert.Equal([1], told);
    }

    [Fact]
    public void A_cross_encoder_is_no_embedding_model()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "judge"));
        File.WriteAllBytes(Path.Combine(_folder.Path, "judge", "reranker.safetensors"), []);
        Assert.Contains("is a cross-encoder", Assert.Throws<BadInput>(() => TextModel.Load(Path.Combine(_folder.Path, "judge"), Compute.Float32)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_head_is_refused_with_a_remedy()
    {
        using Weights weights = TinyModel.Encoder(Compute.Float32);
        ModelFolder.Save(_folder.Path + "/m", weights, "", TinyModel.Config, _tokenizer, new ModelCard());
        Assert.Contains("bge import", Assert.Throws<BadInput>(() => TorchReranker.Load(_folder.Path + "/m", Compute.Float32)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_are_cut_at_the_longer_side_and_follow_the_family_s_template()
    {
        using Weights weights = Model();
        int[] query = [2, 10, 11, 12, 3], passage = [2, 20, 21, 22, 23, 24, 25, 3];
        CrossEncoder bert = Cross(weights, TinyModel.Config);
        Assert.Equal([2, 10, 11, 12, 3, 20, 21, 22, 23, 24, 25, 3], bert.Join(query, passage, 64));
        Assert.Equal([2, 10, 11, 12, 3, 20, 21, 22, 3], bert.Join(query, passage, 9));
        Assert.Equal([2, 10, 11, 3, 20, 21, 3], bert.Join(query, passage, 7));
        Assert.Equal([2, 10, 11, 12, 3, 3, 20, 3], Cross(weights, TinyModel.Config with { Kind = ModelKind.XlmRoberta }).Join(query, [2, 20, 3], 64));
    }

    [Fact]
    public void Training_puts_the_positive_first()
    {
        using Weights weights = Model();
        using PairStore store = PairStore.Create(_folder.Path, Enumerable.Range(0, 12).Select(n => new TrainingExample(((char)('a' + n)).ToString(), [((char)('a' + n)) + " z"], [((char)('b' + n)) + " y"])), _tokenizer, 16, 16, "", negatives: true);
        var options = new RerankerStageOptions { Steps = 40, BatchPairs = 6, GroupSize = 2, MaxLength = 16, QueryMaxLength = 8, SubBatchTokens = 64 };
        using var stage = new RerankerStage(options, weights, Cross(weights, TinyModel.Config), store, 1, 0);
        using var optimizer = new AdamW(weights, 0);
        double first = 0, last = 0;      // dropout makes single steps differ: the mean of the last five
        for (int step = 0; step < 40; step++)
        {
            weights.Zero();
            double loss = stage.ForwardBackward(step).Loss;
            optimizer.Step(1e-2);
            (first, last) = (step == 0 ? loss : first, last + (step < 35 ? 0 : loss / 5));
        }
        Assert.True(last < first / 2, $"{first} fell to {last} only");
    }

    [Fact]
    public void Every_query_of_a_step_counts_the_same_whatever_its_micro_batch()
    {
        using Weights weights = Model();
        TrainingExample Example(int n, string source) => new(TinyModel.Text(2, n), [TinyModel.Text(3, n + 20)], [TinyModel.Text(4, n + 40)]) { Source = source };
        using PairStore store = PairStore.Create(_folder.Path, Enumerable.Range(0, 2).Select(n => Example(n, "small")).Concat(Enumerable.Range(2, 10).Select(n => Example(n, "large"))), _tokenizer, 16, 16, "", negatives: true);
        CrossEncoder model = Cross(weights, TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 });
        var options = new RerankerStageOptions { Steps = 1, BatchPairs = 5, GroupSize = 2, MaxLength = 16, QueryMaxLength = 8 };
        (double Loss, double Accuracy) Step(RerankerStage stage, int step)
        {
            StepFigures figures = stage.ForwardBackward(step);
            return (figures.Loss, figures.Figures["group_accuracy"]);
        }
        int[] counts = [.. new PairOrder(1, [.. store.Rows.Select(r => r.Source)], 5).From(0).Take(3).Select(rows => rows.Length)];
        Assert.Equal([2, 5, 5], counts.Order());
        using var whole = new RerankerStage(options with { Accumulate = 3 }, weights, model, store, 1, 0);
        using var single = new RerankerStage(options, weights, model, store, 1, 0);
        (double loss, double accuracy) = Step(whole, 0);
        (double Loss, double Accuracy)[] each = [.. Enumerable.Range(0, 3).Select(step => Step(single, step))];
        Assert.Equal(each.Zip(counts, (e, n) => e.Loss * n).Sum() / 12, loss, 1e-5);
        Assert.Equal(each.Zip(counts, (e, n) => e.Accuracy * n).Sum() / 12, accuracy, 1e-5);
        Assert.NotEqual(each.Average(e => e.Loss), loss, 1e-5);
    }

    [Fact]
    public void The_held_out_loss_is_that_of_the_first_positive_among_its_negatives()
    {
        using Weights weights = Model();
        using PairStore store = PairStore.Create(_folder.Path, Enumerable.Range(0, 5).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3, n + 20)], [TinyModel.Text(4, n + 40), TinyModel.Text(5, n + 60)])),
            _tokenizer, 16, 16, "q ", negatives: true, "p ", new PlainLengths(16, 16));
        CrossEncoder model = Cross(weights, TinyModel.Config);
        using var stage = new RerankerStage(new RerankerStageOptions { Steps = 1, BatchPairs = 2, GroupSize = 3, MaxLength = 16, QueryMaxLength = 8 }, weights, model, store, 1, 0);
        var judge = new TorchReranker(model, _tokenizer, 16);
        double expected = Enumerable.Range(0, 5).Average(n =>
        {
            float[] scores = judge.Score([.. new[] { TinyModel.Text(3, n + 20), TinyModel.Text(4, n + 40), TinyModel.Text(5, n + 60) }.Select(p => new TextPair(TinyModel.Text(2, n), p))]);
            return Math.Log(scores.Sum(s => Math.Exp(s))) - scores[0];
        });
        Assert.Equal(expected, stage.HeldOutLoss(store), 1e-4);
    }

    private CrossEncoder Cross(Weights weights, ModelConfig config) => new(new Encoder(weights, "", config), new RelevanceHead(weights), _tokenizer.Special);

    // The whole model for one pair: Devlin et al. 2019, then w₂ · tanh(W₁ h + b₁) + b₂ of the first token's h.
    private static Tensor Formula(Dictionary<string, Tensor> weights, ModelConfig config, int[] ids, int beforePassage)
    {
        Tensor Linear(Tensor x, string layer) => x.matmul(weights[layer + ".weight"].t()) + weights[layer + ".bias"];
        Tensor Normal(Tensor x, string layer) => nn.functional.layer_norm(x, [config.HiddenSize], weights[layer + ".weight"], weights[layer + ".bias"], config.LayerNormEpsilon);
        Tensor Rows(string table, IEnumerable<int> rows) => weights[$"embeddings.{table}_embeddings.weight"].index_select(0, tensor(rows.Select(row => (long)row).ToArray()));
        bool bert = config.Kind == ModelKind.Bert;
        Tensor x = Rows("word", ids) + Rows("position", Enumerable.Range(bert ? 0 : config.PadTokenId + 1, ids.Length)) + Rows("token_type", ids.Select((_, i) => bert && i >= beforePassage ? 1 : 0));
        x = Normal(x, "embeddings.LayerNorm");                                                                              // [L, D]
        for (int i = 0; i < config.LayerCount; i++)
        {
            string layer = $"encoder.layer.{i}.";
            Tensor[] parts = [.. new[] { "query", "key", "value" }.Select(name => Linear(x, $"{layer}attention.self.{name}").view(ids.Length, config.HeadCount, config.HeadSize).transpose(0, 1))];
            Tensor shares = (parts[0].matmul(parts[1].transpose(1, 2)) / Math.Sqrt(config.HeadSize)).softmax(2);            // [H, L, L]
            Tensor mixed = shares.matmul(parts[2]).transpose(0, 1).reshape(ids.Length, config.HiddenSize);
            x = Normal(x + Linear(mixed, layer + "attention.output.dense"), layer + "attention.output.LayerNorm");
            x = Normal(x + Linear(nn.functional.gelu(Linear(x, layer + "intermediate.dense")), layer + "output.dense"), layer + "output.LayerNorm");
        }
        return Linear(Linear(x.narrow(0, 0, 1), "classifier.dense").tanh(), "classifier.out_proj").reshape(1);
    }

    private static void AssertClose(string name, Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double off = (expected - actual).abs().max().item<double>();
        Assert.True(off < 1e-9, $"{name} is off by {off}");
    }

    private static Weights Model(ModelConfig? config = null)
    {
        var weights = new Weights(CrossEncoder.Shapes(config ?? TinyModel.Config), Compute.Float32);
        weights.Initialize(0.3, 1);
        return weights;
    }
}

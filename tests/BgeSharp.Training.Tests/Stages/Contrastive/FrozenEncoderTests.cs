// Heads on a frozen encoder: the encoder stays to the last bit, and every weight of the heads that are trained moves. Positions alone may be held as well.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages.Contrastive;

public sealed class FrozenEncoderTests : IDisposable
{
    private static readonly ModelConfig s_config = TinyModel.Config with { InitializerRange = 0.3 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("sparse", "plain")]
    [InlineData("multi", "plain")]
    [InlineData("sparse multi", "plain")]
    [InlineData("sparse multi", "cached")]
    [InlineData("dense sparse multi", "plain")]
    public void Only_the_heads_move(string outputs, string memory)
    {
        var options = new ContrastiveStageOptions
        {
            Steps = 40,
            BatchPairs = 8,
            GroupSize = 2,
            Temperature = 0.05,
            SubBatchTokens = 128,
            Memory = memory,
            Outputs = outputs.Split(' '),
            VectorSize = outputs.Contains("multi", StringComparison.Ordinal) ? 8 : 0,
            Freeze = ["encoder"],
        };
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "pairs"), Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99)])), _tokenizer, 16, 32, "", negatives: true);
        using Weights weights = RunModel.Create(options, s_config, Compute.Float32, 1, null).Weights;
        using Weights before = RunModel.Create(options, s_config, Compute.Float32, 1, null).Weights;
        var encoder = new M3Encoder(new Encoder(weights, "", s_config), Pooling.Mean, new M3Heads(weights, M3Heads.Unweighted(_tokenizer.Special)));
        using var stage = new ContrastiveStage(options, weights, encoder, store, 3, 0);
        using var optimizer = new AdamW(weights, 0.01);
        for (int step = 0; step < 3; step++)
        {
            weights.Zero();
            stage.ForwardBackward(step);
            optimizer.Step(1e-2);
        }

        string[] names = [.. weights.Shapes.Select(s => s.Name)], heads = [.. names.Where(M3Heads.Has)];
        Assert.Equal(2 * outputs.Split(' ').Count(o => o != "dense"), heads.Length);
        Assert.Equal(Encoder.Shapes("", s_config).Count(), names.Length - heads.Length);
        Assert.Equal(heads, names.Where(name => !Numbers(weights, name).SequenceEqual(Numbers(before, name))));
        Assert.All(names, name => Assert.Equal(M3Heads.Has(name), weights[name].requires_grad));
        Assert.Equal(heads.Sum(name => weights[name].numel()), weights.TrainableCount);
    }

    [Theory, InlineData(ModelKind.Bert), InlineData(ModelKind.XlmRoberta)]
    public void Positions_stay_and_what_is_embedded_beside_them_moves(ModelKind kind)
    {
        ModelConfig config = kind == ModelKind.Bert ? s_config : s_config with { Kind = kind, Architecture = "XLMRobertaModel", TypeVocabularySize = 1 };
        var options = new ContrastiveStageOptions { Steps = 40, BatchPairs = 8, GroupSize = 2, Freeze = ["positions"] };
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "positions"), Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3 + (n % 9), n + 50)], [TinyModel.Text(5, n + 99)])), _tokenizer, 16, 32, "", negatives: true);
        using Weights weights = RunModel.Create(options, config, Compute.Float32, 1, null).Weights;
        using Weights before = RunModel.Create(options, config, Compute.Float32, 1, null).Weights;
        using var stage = new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", config), Pooling.Mean), store, 3, 0);
        using var optimizer = new AdamW(weights, 0.01);
        weights.Zero();
        stage.ForwardBackward(0);
        optimizer.Step(1e-2);

        const string Positions = "embeddings.position_embeddings.weight";
        string[] names = [.. weights.Shapes.Select(s => s.Name)], moved = [.. names.Where(name => !Numbers(weights, name).SequenceEqual(Numbers(before, name)))];
        Assert.Equal([Positions], names.Where(name => name.StartsWith("embeddings.", StringComparison.Ordinal)).Except(moved));
        Assert.Contains("encoder.layer.1.output.dense.weight", moved);
        Assert.False(weights[Positions].requires_grad);
        Assert.Equal(weights.Count - weights[Positions].numel(), weights.TrainableCount);
    }

    private static float[] Numbers(Weights weights, string name) => weights[name].data<float>().ToArray();
}

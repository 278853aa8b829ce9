// Parts of a cross-encoder: what is frozen stays to the last bit, the head always moves, and adapters are in the folder that is written.

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
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

public sealed class RerankerPartsTests : IDisposable
{
    private static readonly ModelConfig s_config = TinyModel.Config with { InitializerRange = 0.3 };
    private static readonly RerankerStageOptions s_options = new() { Steps = 3, BatchPairs = 8, GroupSize = 2, MaxLength = 32, QueryMaxLength = 16 };
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("encoder", "classifier.")]
    [InlineData("embeddings", "classifier.", "encoder.")]
    [InlineData("positions", "classifier.", "encoder.", "embeddings.word", "embeddings.token_type", "embeddings.LayerNorm")]
    [InlineData("layers:1", "classifier.", "encoder.layer.1.")]
    public void What_is_frozen_stays_and_the_rest_moves(string part, params string[] moving)
    {
        RerankerStageOptions options = s_options with { Freeze = [part] };
        using Weights weights = Trained(options), before = Made(options);
        string[] moved = [.. weights.Shapes.Select(s => s.Name).Where(name => !Numbers(weights, name).SequenceEqual(Numbers(before, name)))];
        Assert.All(moved, name => Assert.Contains(moving, m => name.StartsWith(m, StringComparison.Ordinal)));
        Assert.All(moving, m => Assert.Contains(moved, name => name.StartsWith(m, StringComparison.Ordinal)));
    }

    [Fact]
    public void Adapters_and_head_learn_and_are_saved_as_one_model()
    {
        RerankerStageOptions options = s_options with { Lora = new LoraOptions { Rank = 3, Alpha = 9 } };
        using Weights weights = Trained(options), before = Made(options);
        string[] moved = [.. weights.Shapes.Select(s => s.Name).Where(name => !Numbers(weights, name).SequenceEqual(Numbers(before, name)))];
        Assert.All(moved, name => Assert.True(LinearLayer.IsAdapter(name) || RelevanceHead.Has(name), name));
        Assert.Equal((2 * 2 * s_config.LayerCount) + 4, moved.Length);
        string saved = Path.Combine(_folder.Path, "saved");
        ModelFolder.Save(saved, weights, "", s_config, _tokenizer, new ModelCard { QueryMaxLength = 16, PassageMaxLength = 32 });
        using TorchReranker read = TorchReranker.Load(saved, Compute.Float32);
        using Weights plain = Made(s_options);
        TextPair[] pairs = [.. Enumerable.Range(0, 6).Select(n => new TextPair(TinyModel.Text(2, n), TinyModel.Text(4, n + 50)))];
        float[] own = Judge(weights).Score(pairs), same = read.Score(pairs), untrained = Judge(plain).Score(pairs);
        for (int i = 0; i < pairs.Length; i++)
        {
            Assert.Equal(own[i], same[i], 1e-4);
        }
        Assert.Contains(own.Zip(untrained), s => Math.Abs(s.First - s.Second) > 1e-2);
    }

    private static Weights Made(RerankerStageOptions options) => RunModel.Create(options, s_config, Compute.Float32, 1, null).Weights;

    private Weights Trained(RerankerStageOptions options)
    {
        using PairStore store = PairStore.Create(Path.Combine(_folder.Path, "pairs"), Enumerable.Range(0, 24).Select(n => new TrainingExample(TinyModel.Text(2, n), [TinyModel.Text(3, n + 50)], [TinyModel.Text(5, n + 99)])), _tokenizer, 16, 32, "", negatives: true);
        Weights weights = Made(options);
        using var stage = new RerankerStage(options, weights, Model(weights), store, 3, 0);
        using var optimizer = new AdamW(weights, 0.01);
        for (int step = 0; step < 3; step++)
        {
            weights.Zero();
            stage.ForwardBackward(step);
            optimizer.Step(1e-2);
        }
        return weights;
    }

    private TorchReranker Judge(Weights weights) => new(Model(weights), _tokenizer, 32) { QueryMaxLength = 16 };

    private CrossEncoder Model(Weights weights) => new(new Encoder(weights, "", s_config), new RelevanceHead(weights), _tokenizer.Special);

    private static float[] Numbers(Weights weights, string name) => weights[name].detach().reshape(-1).data<float>().ToArray();
}

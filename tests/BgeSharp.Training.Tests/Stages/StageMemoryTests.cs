using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using BgeSharp.Training.Tests.Native;

namespace BgeSharp.Training.Tests.Stages;

/// <summary>Options that save memory save it: a stage that ignored them would have all its numbers right.</summary>
public sealed class StageMemoryTests
{
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    [Theory, InlineData("enhanced", 24, 1), InlineData("enhanced", 1, 24), InlineData("plain", 1, 24)]
    public void A_stage_that_recomputes_has_less_than_half_of_the_tensors_at_once(string decoding, int layers, int decoderLayers)
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        // So many layers, of the encoder or of the decoder, that what lies within them is nearly all there is: some 20 rows a token each, of which one is kept.
        ModelConfig config = TinyModel.Config with { HiddenSize = 32, IntermediateSize = 128, LayerCount = layers };
        int[][] texts = [.. Enumerable.Range(0, 32).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(64, n), 64))];
        var options = new RetroMaeStageOptions { Decoding = decoding, DecoderLayers = decoderLayers, Steps = 10, BatchTokens = 32 * 64, MaxLength = 64 };
        long kept = TensorPeak.Of(() => Pretraining.Step(options, config, texts));
        long recomputed = TensorPeak.Of(() => Pretraining.Step(options with { Recompute = true }, config, texts));
        Assert.True(recomputed < kept / 2, $"{recomputed} bytes recomputed, {kept} kept");
    }

    [Theory]
    [InlineData("plain", false)]
    [InlineData("cached", false)]
    [InlineData("plain", true)]
    [InlineData("plain", false, "embeddings")]
    [InlineData("plain", false, "layers:1")]
    public void Stages_on_pairs_that_recompute_have_one_layer_s_tensors_at_once(string memory, bool lora, params string[] freeze)
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        // One sub-batch of long texts, so that nearly all there is lies within the three layers.
        ModelConfig config = TinyModel.Config with { HiddenSize = 32, IntermediateSize = 256, LayerCount = 3 };
        using var folder = new TemporaryFolder();
        IEnumerable<TrainingExample> examples = Enumerable.Range(0, 16).Select(n => new TrainingExample(TinyModel.Text(60, n), [TinyModel.Text(60, n + 100)], [TinyModel.Text(60, n + 200)]));
        using PairStore store = PairStore.Create(Path.Combine(folder.Path, "pairs"), examples, _tokenizer, 64, 64, "", negatives: true);
        LoraOptions? adapters = lora ? new LoraOptions { Rank = 2 } : null;
        long Embedder(bool recompute)
        {
            var options = new ContrastiveStageOptions { Steps = 10, BatchPairs = 16, GroupSize = 2, SubBatchTokens = 100_000, Memory = memory, Recompute = recompute, Lora = adapters, Freeze = freeze };
            using Weights weights = RunModel.Create(options, config, Compute.Float32, 1, null).Weights;
            using var stage = new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", config), Pooling.Cls), store, 3, 0);
            return TensorPeak.Of(() => stage.ForwardBackward(0));
        }
        long Judge(bool recompute)
        {
            var options = new RerankerStageOptions { Steps = 10, BatchPairs = 16, GroupSize = 2, SubBatchTokens = 100_000, MaxLength = 64, QueryMaxLength = 32, Recompute = recompute, Lora = adapters, Freeze = freeze };
            using Weights weights = RunModel.Create(options, config, Compute.Float32, 1, null).Weights;
            using var stage = new RerankerStage(options, weights, new CrossEncoder(new Encoder(weights, "", config), new RelevanceHead(weights), _tokenizer.Special), store, 3, 0);
            return TensorPeak.Of(() => stage.ForwardBackward(0));
        }
        // With the lowest layer frozen two are left, and beside adapters layers keep less.
        double share = lora || freeze is ["layers:1"] ? 0.75 : 0.62;
        foreach (Func<bool, long> stage in (Func<bool, long>[])[Embedder, Judge])
        {
            long kept = stage(false), recomputed = stage(true);
            Assert.True(recomputed < kept * share, $"{recomputed} bytes recomputed, {kept} kept");
        }
    }

    [Fact]
    public void A_gradient_cache_has_the_graph_of_one_sub_batch_at_a_time()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        ModelConfig config = TinyModel.Config with { HiddenSize = 64, IntermediateSize = 256, LayerCount = 4 };
        using var folder = new TemporaryFolder();
        IEnumerable<TrainingExample> examples = Enumerable.Range(0, 64).Select(n => new TrainingExample(TinyModel.Text(40, n), [TinyModel.Text(40, n + 100)], [TinyModel.Text(40, n + 200)]));
        using PairStore store = PairStore.Create(Path.Combine(folder.Path, "pairs"), examples, _tokenizer, 16, 32, "", negatives: true);
        long Peak(string memory)
        {
            // Eight sub-batches of passages and two of queries.
            var options = new ContrastiveStageOptions { Steps = 10, BatchPairs = 64, GroupSize = 2, SubBatchTokens = 512, Memory = memory };
            using Weights weights = RunModel.Create(options, config, Compute.Float32, 1, null).Weights;
            using var stage = new ContrastiveStage(options, weights, new M3Encoder(new Encoder(weights, "", config), Pooling.Cls), store, 3, 0);
            return TensorPeak.Of(() => stage.ForwardBackward(0));
        }
        long plain = Peak("plain"), cached = Peak("cached");
        Assert.True(cached < plain / 3, $"{cached} bytes cached, {plain} plain");
    }
}

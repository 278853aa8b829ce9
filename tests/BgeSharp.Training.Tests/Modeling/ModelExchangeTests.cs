// The list of an encoder's tensors in the core library is the one that the Torch model has, and a model that went out and came back computes the same.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Modeling;

public sealed class ModelExchangeTests
{
    [Theory, InlineData(ModelKind.Bert), InlineData(ModelKind.XlmRoberta)]
    public void Both_lists_of_tensors_are_one(ModelKind kind)
    {
        ModelConfig config = TinyModel.Config with { Kind = kind };
        static IEnumerable<string> Torch(IEnumerable<WeightShape> shapes) => shapes.Select(s => $"{s.Name} {string.Join(',', s.Shape)}").Order(StringComparer.Ordinal);
        static IEnumerable<string> Ours(IEnumerable<(string Name, long[] Shape)> shapes) => shapes.Select(s => $"{s.Name} {string.Join(',', s.Shape)}").Order(StringComparer.Ordinal);
        Assert.Equal(Torch(Encoder.Shapes("", config)), Ours(EncoderTensors.Of(config)));
        Assert.Equal(Torch(MaskedLanguageHead.Shapes(config)), Ours(EncoderTensors.MaskedLanguageHead(config)));
        Assert.Equal(Torch(RetroMaeDecoder.Shapes(config)), Ours(EncoderTensors.Decoder(config)));
    }

    [Fact]
    public void A_model_that_went_out_and_came_back_gives_the_same_vectors()
    {
        using var folder = new TemporaryFolder();
        (string model, string there, string back) = (Path.Combine(folder.Path, "model"), Path.Combine(folder.Path, "there"), Path.Combine(folder.Path, "back"));
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using (Weights weights = TinyModel.Encoder(Compute.Float32))
        {
            ModelFolder.Save(model, weights, "", TinyModel.Config, tokenizer, new ModelCard { Pooling = "mean", QueryInstruction = "q: ", QueryMaxLength = 20 });
        }
        ModelExport.Run(model, ExportTarget.SentenceTransformers, there, TestContext.Current.CancellationToken);
        ModelImport.Run(there, back, cancellation: TestContext.Current.CancellationToken);
        TokenBatch batch = TokenBatch.Of([tokenizer.EncodeWithSpecial("abc de f"), tokenizer.EncodeWithSpecial("x")]);
        float[][] vectors = [.. new[] { model, there, back }.Select(f =>
        {
            using TextModel loaded = TextModel.Load(f, Compute.Float32);
            Assert.Equal(("mean", "q: ", 20), (loaded.Card.Pooling, loaded.Card.QueryInstruction, loaded.QueryMaxLength));
            return loaded.Encoder.EncodeDense(batch);
        })];
        Assert.Equal(vectors[0], vectors[1]);
        Assert.Equal(vectors[0], vectors[2]);
    }

    [Fact]
    public void A_folder_as_FlagEmbedding_writes_it_is_used_as_it_is_with_its_heads()
    {
        using var folder = new TemporaryFolder();
        (string model, string there) = (Path.Combine(folder.Path, "model"), Path.Combine(folder.Path, "there"));
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using (var weights = new Weights(Encoder.Shapes("", TinyModel.Config).Concat(M3Heads.Shapes(TinyModel.Config, EmbeddingModes.All, 3)), Compute.Float32))
        {
            weights.Initialize(0.3, seed: 1);
            ModelFolder.Save(model, weights, "", TinyModel.Config, tokenizer, new ModelCard());
        }
        ModelExport.Run(model, ExportTarget.FlagEmbedding, there, TestContext.Current.CancellationToken);
        Assert.True(File.Exists(Path.Combine(there, "sparse_linear.pt")) && !File.Exists(Path.Combine(there, "heads.safetensors")));
        TokenBatch batch = TokenBatch.Of([tokenizer.EncodeWithSpecial("abc de f"), tokenizer.EncodeWithSpecial("x")]);
        using TextModel ours = TextModel.Load(model, Compute.Float32), theirs = TextModel.Load(there, Compute.Float32);
        Assert.Equal(EmbeddingModes.All, theirs.Encoder.Modes);
        foreach ((M3Embedding expected, M3Embedding actual) in ours.Encoder.Encode(batch, EmbeddingModes.All).Zip(theirs.Encoder.Encode(batch, EmbeddingModes.All)))
        {
            Assert.Equal(expected.Dense, actual.Dense);
            Assert.Equal(expected.LexicalWeights, actual.LexicalWeights);
            Assert.Equal(expected.MultiVector, actual.MultiVector);
        }
        File.WriteAllBytes(Path.Combine(there, "sparse_linear.pt"), File.ReadAllBytes(Path.Combine(there, "colbert_linear.pt")));
        Assert.Throws<BadInput>(() => TextModel.Load(there, Compute.Float32));
    }

    [Fact]
    public void Tiled_positions_leave_the_vectors_of_short_texts_as_they_are()
    {
        using var folder = new TemporaryFolder();
        (string model, string longer) = (Path.Combine(folder.Path, "model"), Path.Combine(folder.Path, "longer"));
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using (Weights weights = TinyModel.Encoder(Compute.Float32))
        {
            ModelFolder.Save(model, weights, "", TinyModel.Config, tokenizer, new ModelCard());
        }
        ModelImport.Run(model, longer, new ImportOptions { Positions = 200 }, TestContext.Current.CancellationToken);
        using TextModel before = TextModel.Load(model, Compute.Float32), after = TextModel.Load(longer, Compute.Float32);
        TokenBatch batch = TokenBatch.Of([tokenizer.EncodeWithSpecial(TinyModel.Text(12, 1), 64), tokenizer.EncodeWithSpecial("x")]);
        Assert.Equal(before.Encoder.EncodeDense(batch), after.Encoder.EncodeDense(batch));
        Assert.Equal(200, after.PassageMaxLength);
        TokenBatch tall = TokenBatch.Of([tokenizer.EncodeWithSpecial(TinyModel.Text(150, 1), 200)]);
        Assert.Equal(1, after.Encoder.EncodeDense(tall).Sum(x => x * x), 1e-5f);
    }
}

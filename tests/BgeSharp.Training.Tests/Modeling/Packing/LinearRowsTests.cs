// Padding never costs a linear layer work. How many rows go through a layer is read off its memory: an adapter beside it makes so many numbers of each row that nothing else of the model counts.

using BgeSharp.Embeddings;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Data;
using BgeSharp.Training.Tests.Native;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling.Packing;

public sealed class LinearRowsTests
{
    // Numbers that the adapter makes of a row. With 96 rows, or 10, they fill a block of tensor memory to the last byte: one row more would take a block that is a twelfth, or a tenth, larger.
    private const int Rank = 1 << 16;
    private const int Longest = 51, Tokens = 96;
    private static readonly ModelConfig Config = TinyModel.Config with { HiddenSize = 8, IntermediateSize = 16, HeadCount = 1 };
    private static readonly WordPieceTokenizer Tokenizer = TinyModel.Tokenizer();

    // [CLS] query [SEP] passage [SEP]: nine texts of 5 tokens beside one of 51, of which padding would make 510.
    private static readonly int[][] Texts = [.. Enumerable.Range(0, 9).Select(_ => Pair(1)), Pair(47)];

    public static TheoryData<string> Layers => ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "intermediate.dense", "output.dense"];

    [Fact]
    public void The_texts_are_of_very_different_lengths_and_padding_would_be_seen()
    {
        Assert.Equal(Tokens, Texts.Sum(t => t.Length));
        Assert.Equal(Longest, Texts.Max(t => t.Length));
        AssertRows(Texts.Length * Longest, [.. Encoder.Shapes("", Config)], "encoder.layer.1.intermediate.dense",
            weights => weights.Linear(zeros([Texts.Length * Longest, Config.HiddenSize], ScalarType.Float32), "encoder.layer.1.intermediate.dense"));
    }

    [Theory, MemberData(nameof(Layers))]
    public void Layers_of_an_encoder_see_the_tokens_and_no_padding(string layer)
        => AssertRows(Tokens, [.. Encoder.Shapes("", Config)], "encoder.layer.1." + layer,
            weights => new Encoder(weights, "", Config).Forward(new PackedText(TokenBatch.Of(Texts), Config, CPU), training: false));

    [Theory, InlineData(M3Heads.Sparse), InlineData(M3Heads.MultiVector)]
    public void Heads_see_the_tokens_and_no_padding(string head)
        => AssertRows(Tokens, [.. Encoder.Shapes("", Config), .. M3Heads.Shapes(Config, EmbeddingModes.All, 8)], head,
            weights => new M3Encoder(new Encoder(weights, "", Config), Pooling.Mean, new M3Heads(weights, [0, 1, 2, 3])).Forward(TokenBatch.Of(Texts), training: false, EmbeddingModes.All));

    [Theory, MemberData(nameof(Layers))]
    public void Layers_of_a_cross_encoder_see_the_tokens_of_the_pairs_and_no_padding(string layer) => AssertRowsOfCrossEncoder(Tokens, "encoder.layer.1." + layer);

    [Theory, InlineData("classifier.dense"), InlineData("classifier.out_proj")]
    public void The_head_of_a_cross_encoder_sees_one_row_a_pair(string layer) => AssertRowsOfCrossEncoder(Texts.Length, layer);

    [Theory, MemberData(nameof(Layers))]
    public void Layers_of_the_decoder_see_the_tokens_and_no_padding_in_enhanced_decoding(string layer) => AssertRowsOfPretraining(plain: false, "c_head." + layer);

    [Theory, MemberData(nameof(Layers))]
    public void Layers_of_the_decoder_see_the_tokens_and_no_padding_in_plain_decoding(string layer) => AssertRowsOfPretraining(plain: true, "c_head." + layer);

    [Theory, MemberData(nameof(Layers))]
    public void Layers_of_the_encoder_in_pre_training_see_the_tokens_and_no_padding(string layer) => AssertRowsOfPretraining(plain: false, "bert.encoder.layer.1." + layer);

    [Theory, InlineData(false), InlineData(true)]
    public void The_head_that_names_tokens_sees_those_of_the_losses_alone(bool plain)
    {
        using var scope = NewDisposeScope();
        var design = new RetroMaeDesign(PlainDecoding: plain);
        using var weights = new Weights(RetroMae.Shapes(Config, design), Compute.Float32);
        weights.Initialize(0.3, 1);
        MaskedTexts texts = Masked(plain);
        RetroMaeLoss loss = new RetroMae(weights, Config, design).Loss(texts, training: false);
        Assert.InRange(texts.MaskedRows.shape[0], 1, Tokens / 2);
        Assert.Equal(texts.MaskedRows.shape[0], loss.EncoderScore.Count);
        // Plain decoding names what it hides, enhanced decoding all but the first and the last token of each text.
        Assert.Equal(plain ? texts.Decoded!.Rows.shape[0] : Tokens - (2 * Texts.Length), loss.DecoderScore.Count);
    }

    private static void AssertRowsOfCrossEncoder(int expected, string layer)
        => AssertRows(expected, [.. CrossEncoder.Shapes(Config)], layer,
            weights => new CrossEncoder(new Encoder(weights, "", Config), new RelevanceHead(weights), Tokenizer.Special).Logits(Texts, training: false));

    private static void AssertRowsOfPretraining(bool plain, string layer)
    {
        using var scope = NewDisposeScope();
        var design = new RetroMaeDesign(PlainDecoding: plain);
        MaskedTexts texts = Masked(plain);
        AssertRows(Tokens, [.. RetroMae.Shapes(Config, design)], layer, weights => new RetroMae(weights, Config, design).Loss(texts, training: false));
    }

    // What goes through one layer while a model computes.
    private static void AssertRows(int expected, WeightShape[] shapes, string layer, Action<Weights> compute)
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        WeightShape own = shapes.Single(s => s.Name == layer + ".weight");
        WeightShape down = new(layer + LinearLayer.AdapterDown, [Rank, own.Shape[1]], WeightStart.Normal), up = new(layer + LinearLayer.AdapterUp, [own.Shape[0], Rank], WeightStart.Zero);
        using var weights = new Weights([.. shapes, down, up], Compute.Float32);
        weights.Initialize(0.3, 1);
        using var noGrad = no_grad();
        TensorMemory.Trim();       // a block that waits may be larger than what is asked for
        long most = TensorPeak.Of(() =>
        {
            using var scope = NewDisposeScope();
            compute(weights);
        });
        // The scores of attention and the like are less than a sixteenth.
        Assert.InRange(most / (double)(Rank * sizeof(float)), expected, expected * 17 / 16.0);
    }

    private static MaskedTexts Masked(bool plain)
    {
        using var folder = new TemporaryFolder();
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), Texts);
        RetroMaeBatch batch = RetroMaeBatch.Draw(store, [.. Enumerable.Range(0, Texts.Length)], new RetroMaeMasks(Tokenizer, 0.3, 0.5), 1, 0, plain ? DecoderMasks.Text : DecoderMasks.Rows);
        return new MaskedTexts(
            new PackedText(batch.Encoder.Texts, Config, CPU),
            new PackedText(batch.Original, Config, CPU),
            tensor(batch.Encoder.Rows),
            tensor(batch.Encoder.Targets),
            batch.Hidden is null ? null : tensor(batch.Hidden()).view(Texts.Length, 1, Longest, Longest),
            batch.Decoder is null ? null : new PlainTargets(new PackedText(batch.Decoder.Texts, Config, CPU), tensor(batch.Decoder.Rows), tensor(batch.Decoder.Targets)));
    }

    // A query of one token and a passage of so many.
    private static int[] Pair(int passage) => [2, 10, 3, .. Enumerable.Repeat(20, passage), 3];
}

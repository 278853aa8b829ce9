using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Tests.Data;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

/// <summary>Plain decoding (RetroMAE, section 3.2), of which no public code gives numbers: self-attention over [h, masked text] names the masked tokens.</summary>
public sealed class PlainDecodingTests
{
    private const int MaskId = 4, AnotherToken = 40;      // of TinyModel's vocabulary
    private const long NotNamed = -100;
    private static readonly ModelConfig Config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };

    [Fact]
    public void The_sentence_vector_reaches_every_row_of_its_own_text_and_no_other()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Weights weights = Start();
        RetroMaeDecoder decoder = new RetroMae(weights, Config, Design()).Decoder;
        TokenBatch seen = Batch().Decoder!.Texts;
        var text = new PackedText(seen, Config, CPU);
        Tensor sentence = Sentences(seen.Count);
        double[][] before = Rows(decoder.ForwardPlain(text, sentence, training: false));
        for (int changed = 0; changed < seen.Count; changed++)
        {
            Tensor other = sentence.clone();
            other.narrow(0, changed, 1).zero_();
            double[][] after = Rows(decoder.ForwardPlain(text, other, training: false));
            for (int row = 0; row < before.Length; row++)
            {
                bool own = row >= seen.Offsets[changed] && row < seen.Offsets[changed + 1];
                Assert.True(own != before[row].SequenceEqual(after[row]), $"sentence {changed}, row {row}");
            }
        }
    }

    [Fact]
    public void The_sentence_vector_stands_where_the_first_token_stood()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Weights weights = Start();
        RetroMaeDecoder decoder = new RetroMae(weights, Config, Design()).Decoder;
        TokenBatch seen = Batch().Decoder!.Texts;
        Tensor sentence = Sentences(seen.Count);
        double[][] Decoded(int place)
        {
            int[] ids = [.. seen.Ids];
            for (int text = 0; place >= 0 && text < seen.Count; text++)
            {
                ids[seen.Offsets[text] + place] = AnotherToken;
            }
            return Rows(decoder.ForwardPlain(new PackedText(new TokenBatch(ids, seen.Offsets), Config, CPU), sentence, training: false));
        }
        double[][] whole = Decoded(-1), withoutFirst = Decoded(0), withoutSecond = Decoded(1);
        for (int row = 0; row < whole.Length; row++)
        {
            Assert.Equal(whole[row], withoutFirst[row]);
            Assert.False(whole[row].SequenceEqual(withoutSecond[row]));
        }
    }

    [Fact]
    public void Masked_tokens_are_named_and_no_other()
    {
        RetroMaeBatch batch = Batch();
        MaskedTokens decoder = batch.Decoder!;
        TokenBatch seen = decoder.Texts;
        int[] masked = [.. Enumerable.Range(0, seen.TokenCount).Where(row => seen.Ids[row] == MaskId)];
        Assert.NotEmpty(masked);
        long[] rows = [.. masked.Select(row => (long)row)], targets = [.. masked.Select(row => (long)batch.Original.Ids[row])];
        Assert.Equal(rows, decoder.Rows);
        Assert.Equal(targets, decoder.Targets);
        Assert.All(Enumerable.Range(0, seen.TokenCount).Except(masked), row => Assert.Equal(batch.Original.Ids[row], seen.Ids[row]));

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Weights weights = Start();
        var model = new RetroMae(weights, Config, Design());
        MaskedTexts texts = OnDevice(batch);
        // What the unmasked rows hold is not even read as something to name.
        var others = new TokenBatch([.. Enumerable.Repeat(AnotherToken, seen.TokenCount)], seen.Offsets);
        RetroMaeLoss loss = model.Loss(texts, training: false), again = model.Loss(texts with { Original = new PackedText(others, Config, CPU) }, training: false);
        Assert.Equal(masked.Length, loss.DecoderScore.Count);
        Assert.Equal(loss.Decoder!.item<double>(), again.Decoder!.item<double>());
    }

    [Theory, InlineData(1), InlineData(2)]
    public void Losses_and_gradients_are_those_of_padded_self_attention_over_the_sentence_and_the_masked_text(int layers)
    {
        using var scope = NewDisposeScope();
        using Weights ours = Start(layers), theirs = Start(layers);
        RetroMaeBatch batch = Batch();
        RetroMaeLoss loss = new RetroMae(ours, Config, Design(layers)).Loss(OnDevice(batch), training: true);
        BackwardPass.Run(loss.Total);
        (Tensor encoder, Tensor decoder) = new PaddedCells(theirs, layers).Losses(batch);
        (encoder + decoder).backward();
        Assert.Equal(encoder.item<double>(), loss.Encoder.item<double>(), 1e-10);
        Assert.Equal(decoder.item<double>(), loss.Decoder!.item<double>(), 1e-10);
        foreach (WeightShape shape in ours.Shapes)
        {
            using Tensor expected = theirs.GradientOf(shape.Name), actual = ours.GradientOf(shape.Name);
            double reach = expected.abs().max().item<double>(), difference = (expected - actual).abs().max().item<double>();
            Assert.True(difference <= 1e-10 * (1 + reach), $"{shape.Name}: off by {difference:g3} of {reach:g3}");
        }
        using Tensor learnt = theirs.GradientOf("c_head.attention.self.query.weight");
        Assert.True(learnt.abs().max().item<double>() > 1e-6);
    }

    private static RetroMaeDesign Design(int layers = 1) => new(PlainDecoding: true, DecoderLayers: layers);

    private static Weights Start(int layers = 1)
    {
        var weights = new Weights(RetroMae.Shapes(Config, Design(layers)), Compute.Float64);
        weights.Initialize(0.3, seed: 1);
        return weights;
    }

    private static RetroMaeBatch Batch()
    {
        using var folder = new TemporaryFolder();
        WordPieceTokenizer tokenizer = TinyModel.Tokenizer();
        using TokenStore store = TokenStore.Create(Path.Combine(folder.Path, "ids"), new[] { 9, 4, 14 }.Select(words => tokenizer.EncodeWithSpecial(TinyModel.Text(words, words), 40)));
        return RetroMaeBatch.Draw(store, [0, 1, 2], new RetroMaeMasks(tokenizer, 0.3, 0.5), 7, 0, DecoderMasks.Text);
    }

    private static MaskedTexts OnDevice(RetroMaeBatch batch)
    {
        (MaskedTokens encoder, MaskedTokens decoder) = (batch.Encoder, batch.Decoder!);
        var decoded = new PlainTargets(new PackedText(decoder.Texts, Config, CPU), tensor(decoder.Rows), tensor(decoder.Targets));
        return new MaskedTexts(new PackedText(encoder.Texts, Config, CPU), new PackedText(batch.Original, Config, CPU), tensor(encoder.Rows), tensor(encoder.Targets), null, decoded);
    }

    private static Tensor Sentences(int count)
    {
        manual_seed(4);
        return randn([count, Config.HiddenSize], ScalarType.Float64);
    }

    private static double[][] Rows(Tensor rows) => [.. rows.data<double>().ToArray().Chunk(Config.HiddenSize)];

    // The same computation over padded [B, L, ...] cells, in TorchSharp and nothing else.
    private sealed class PaddedCells(Weights weights, int layers)
    {
        public (Tensor Encoder, Tensor Decoder) Losses(RetroMaeBatch batch)
        {
            TokenBatch masked = batch.Decoder!.Texts;
            Tensor padding = Cells(masked, _ => 1, 0).eq(0).unsqueeze(1).unsqueeze(1);                          // [B, 1, 1, L]
            Tensor rows = Embed(Cells(batch.Encoder.Texts, row => batch.Encoder.Texts.Ids[row], Config.PadTokenId));
            for (int i = 0; i < Config.LayerCount; i++)
            {
                rows = Layer(rows, padding, $"bert.encoder.layer.{i}");
            }
            Tensor tokens = Embed(Cells(masked, row => masked.Ids[row], Config.PadTokenId));                    // [B, L, D]
            Tensor decoded = cat([rows.narrow(1, 0, 1), tokens.narrow(1, 1, tokens.shape[1] - 1)], 1);          // h in place of the first token
            for (int i = 0; i < layers; i++)
            {
                decoded = Layer(decoded, padding, i == 0 ? "c_head" : $"c_head.{i}");
            }
            Dictionary<long, long> named = batch.Encoder.Rows.Zip(batch.Encoder.Targets).ToDictionary(pair => pair.First, pair => pair.Second);
            return (CrossEntropy(rows, Cells(masked, row => named.TryGetValue(row, out long target) ? target : NotNamed, NotNamed)),
                CrossEntropy(decoded, Cells(masked, row => masked.Ids[row] == MaskId ? batch.Original.Ids[row] : NotNamed, NotNamed)));
        }

        private Tensor Embed(Tensor ids)
        {
            Tensor words = Table("word").index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], Config.HiddenSize);
            return Normalize(words + Table("position").narrow(0, 0, ids.shape[1]) + Table("token_type")[0], "bert.embeddings.LayerNorm");
        }

        private Tensor Layer(Tensor rows, Tensor padding, string layer)
        {
            long size = Config.HiddenSize / Config.HeadCount;
            Tensor scores = Heads("query").matmul(Heads("key").transpose(-1, -2)) / Math.Sqrt(size);            // [B, H, L, L]
            Tensor context = scores.masked_fill(padding, double.NegativeInfinity).softmax(-1).matmul(Heads("value")).permute(0, 2, 1, 3).contiguous().flatten(2);
            Tensor attended = Normalize(Linear(context, $"{layer}.attention.output.dense") + rows, $"{layer}.attention.output.LayerNorm");
            Tensor inner = nn.functional.gelu(Linear(attended, $"{layer}.intermediate.dense"));
            return Normalize(Linear(inner, $"{layer}.output.dense") + attended, $"{layer}.output.LayerNorm");

            Tensor Heads(string name) => Linear(rows, $"{layer}.attention.self.{name}").view(rows.shape[0], rows.shape[1], Config.HeadCount, size).permute(0, 2, 1, 3);
        }

        private Tensor CrossEntropy(Tensor rows, Tensor labels)
        {
            Tensor inner = Normalize(nn.functional.gelu(Linear(rows, "cls.predictions.transform.dense")), "cls.predictions.transform.LayerNorm");
            Tensor logits = nn.functional.linear(inner, Table("word"), weights["cls.predictions.bias"]);        // [B, L, V], every position
            return nn.functional.cross_entropy(logits.view(-1, Config.VocabularySize), labels.view(-1), ignore_index: NotNamed);
        }

        private Tensor Table(string name) => weights[$"bert.embeddings.{name}_embeddings.weight"];

        private Tensor Linear(Tensor x, string layer) => nn.functional.linear(x, weights[$"{layer}.weight"], weights[$"{layer}.bias"]);

        private Tensor Normalize(Tensor x, string layer) => nn.functional.layer_norm(x, [x.shape[^1]], weights[$"{layer}.weight"], weights[$"{layer}.bias"], Config.LayerNormEpsilon);

        // [B, L] of packed rows.
        private static Tensor Cells(TokenBatch texts, Func<int, long> ofRow, long padding)
        {
            int length = texts.MaxLength;
            long[] cells = [.. Enumerable.Repeat(padding, texts.Count * length)];
            for (int text = 0; text < texts.Count; text++)
            {
                for (int j = 0; j < texts.LengthOf(text); j++)
                {
                    cells[(text * length) + j] = ofRow(texts.Offsets[text] + j);
                }
            }
            return tensor(cells).view(texts.Count, length);
        }
    }
}

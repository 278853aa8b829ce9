using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

[Trait("Category", "Golden")]
public sealed class GoldenRetroMaeTests
{
    public static TheoryData<string, string, bool> Cases()
    {
        var data = new TheoryData<string, string, bool>();
        foreach (string name in new[] { "retromae_bert_v1", "retromae_bge_bert", "retromae_bge_xlmr" })
        {
            foreach (var row in GoldenCase.Variants(name))
            {
                data.Add(name, row.Data.Item1, row.Data.Item2);
            }
        }
        return data;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Losses_hidden_vectors_and_gradients_are_the_reference_s(string name, string variant, bool exact)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open(name, variant, exact);
        using Weights weights = golden.LoadWeights(RetroMae.Shapes(golden.Config));
        DecoderQuery query = name == "retromae_bert_v1" ? DecoderQuery.PositionPlusSentence : DecoderQuery.EmbeddedSentence;
        var model = new RetroMae(weights, golden.Config, new RetroMaeDesign(Query: query));
        MaskedTexts texts = Load(golden);

        Tensor hidden = model.Encoder.Forward(texts.Masked, training: true);
        golden.AssertEqual("out.last_hidden", hidden, golden.PackRows(golden.Load("out.last_hidden"), Mask));
        Tensor rebuilt = model.Decoder.Forward(texts.Original, hidden.index_select(0, texts.Masked.Firsts), texts.Hidden!, query, training: true, (queries, rows) =>
        {
            golden.AssertEqual("out.decoder_query", queries, golden.PackRows(golden.Load("out.decoder_query"), Mask));
            golden.AssertEqual("out.decoder_kv", rows, golden.PackRows(golden.Load("out.decoder_kv"), Mask));
        });
        golden.AssertEqual("out.decoder_hidden", rebuilt, golden.PackRows(golden.Load("out.decoder_hidden"), Mask));
        golden.AssertEqual("out.decoder_logits", model.Head.Logits(rebuilt), golden.PackRows(golden.Load("out.decoder_logits"), Mask));

        RetroMaeLoss loss = model.Loss(texts, training: true);
        golden.AssertEqual("out.encoder_loss", loss.Encoder);
        golden.AssertEqual("out.decoder_loss", loss.Decoder!);
        golden.AssertEqual("out.loss", loss.Total);
        Assert.Equal(golden.Integers("out.encoder_correct")[0], loss.EncoderScore.Correct);
        Assert.Equal(golden.Integers("out.decoder_correct")[0], loss.DecoderScore.Correct);
        Assert.Equal(golden.Integers("out.decoder_count")[0], loss.DecoderScore.Count);
        loss.Total.backward();
        golden.AssertGradients(weights);
    }

    [Theory, InlineData("retromae_bert_v1"), InlineData("retromae_bge_bert"), InlineData("retromae_bge_xlmr"), InlineData("dupmae_bert")]
    public void Bfloat16_stays_within_a_hundredth_of_the_losses_and_close_to_the_direction_of_the_gradient(string name)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open(name, Path.GetFileNameWithoutExtension(Directory.GetFiles(Path.Combine(GoldenCase.Folder, name), "*.safetensors").Order(StringComparer.Ordinal).First()), exact: false);
        var design = new RetroMaeDesign(name == "dupmae_bert" ? PretrainingTask.DupMae : PretrainingTask.RetroMae, name == "retromae_bert_v1" ? DecoderQuery.PositionPlusSentence : DecoderQuery.EmbeddedSentence);
        using var weights = new Weights(RetroMae.Shapes(golden.Config, design), Compute.BFloat16);
        foreach (WeightShape shape in weights.Shapes)
        {
            weights.Set(shape.Name, golden.Numbers(shape.Name));
        }
        MaskedTexts texts = Load(golden);
        RetroMaeLoss loss = new RetroMae(weights, golden.Config, design).Loss(name == "dupmae_bert" ? texts with { Bags = Bags(golden) } : texts, training: true);
        loss.Total.backward();
        foreach ((string what, Tensor? actual) in new[] { ("out.encoder_loss", loss.Encoder), ("out.decoder_loss", loss.Decoder), ("out.bow_loss", loss.Bag is null ? null : loss.Bag / design.BagWeight), ("out.loss", loss.Total) }.Where(l => l.Item2 is not null))
        {
            double expected = golden.Numbers(what)[0];
            Assert.InRange(actual!.to_type(ScalarType.Float64).item<double>() / expected, 0.99, 1.01);
        }
        double product = 0, ours = 0, theirs = 0;
        foreach (string gradient in golden.Names("grad."))
        {
            using Tensor one = weights.GradientOf(gradient["grad.".Length..]).to_type(ScalarType.Float64).reshape(-1), other = golden.Load(gradient).to_type(ScalarType.Float64).reshape(-1);
            product += one.dot(other).item<double>();
            ours += one.dot(one).item<double>();
            theirs += other.dot(other).item<double>();
        }
        Assert.InRange(product / Math.Sqrt(ours * theirs), 0.999, 1.0000001);
        Assert.InRange(Math.Sqrt(ours / theirs), 0.98, 1.02);
    }

    public static TheoryData<string, bool> DupMaeCases() => GoldenCase.Variants("dupmae_bert");

    [Theory, MemberData(nameof(DupMaeCases))]
    public void Losses_and_gradients_with_the_bag_of_words_are_the_reference_s(string variant, bool exact)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open("dupmae_bert", variant, exact);
        using Weights weights = golden.LoadWeights(RetroMae.Shapes(golden.Config));
        var model = new RetroMae(weights, golden.Config, new RetroMaeDesign(PretrainingTask.DupMae));
        RetroMaeLoss loss = model.Loss(Load(golden) with { Bags = Bags(golden) }, training: true);
        golden.AssertEqual("out.encoder_loss", loss.Encoder);
        golden.AssertEqual("out.decoder_loss", loss.Decoder!);
        golden.AssertEqual("out.bow_loss", loss.Bag! / new RetroMaeDesign().BagWeight);
        golden.AssertEqual("out.loss", loss.Total);
        loss.Total.backward();
        golden.AssertGradients(weights);
    }

    [Theory, MemberData(nameof(DupMaeCases))]
    public void The_bags_of_a_batch_are_the_reference_s(string variant, bool exact)
    {
        using var golden = GoldenCase.Open("dupmae_bert", variant, exact);
        WordBags expected = Bags(golden), actual = WordBags.Of(golden.Pack("in.decoder_input_ids", Mask));
        Assert.Equal(expected.Offsets, actual.Offsets);
        for (int i = 0; i < actual.Weights.Length; i++)
        {
            Assert.Equal(expected.Ids[expected.Offsets[i]..expected.Offsets[i + 1]], actual.Ids[actual.Offsets[i]..actual.Offsets[i + 1]].Order());
            Assert.Equal(expected.Weights[i], actual.Weights[i], 1e-7);
        }
    }

    private static WordBags Bags(GoldenCase golden)
    {
        float[] dense = golden.Numbers("in.bag_word_weight");
        long[] shape = golden.Shape("in.bag_word_weight");
        var rows = Enumerable.Range(0, (int)shape[0]).Select(b => dense.AsSpan((int)(b * shape[1]), (int)shape[1]).ToArray()).ToList();
        var ids = rows.Select(r => Enumerable.Range(0, r.Length).Where(v => r[v] > 0).Select(v => (long)v).ToArray()).ToList();
        return new WordBags([.. ids.SelectMany(i => i)], [0, .. ids.Select((_, i) => ids.Take(i + 1).Sum(k => k.Length))], [.. rows.Select(r => 1 / Math.Round(1.0 / r.Max()))]);
    }

    private const string Mask = "in.encoder_attention_mask";

    private static MaskedTexts Load(GoldenCase golden)
    {
        TokenBatch masked = golden.Pack("in.encoder_input_ids", Mask);
        TokenBatch original = golden.Pack("in.decoder_input_ids", Mask);
        Tensor labels = golden.PackRows(golden.LoadIntegers("in.encoder_labels"), Mask);
        Tensor rows = labels.ne(-100).nonzero().reshape(-1);
        long length = original.MaxLength;
        Tensor hidden = golden.LoadIntegers("in.decoder_attention_mask").eq(0).narrow(1, 0, length).narrow(2, 0, length).unsqueeze(1);
        return new MaskedTexts(new PackedText(masked, golden.Config, CPU), new PackedText(original, golden.Config, CPU), rows, labels.index_select(0, rows), hidden);
    }
}

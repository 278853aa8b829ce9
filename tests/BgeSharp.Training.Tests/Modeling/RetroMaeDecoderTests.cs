using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Modeling;

/// <summary>A row that had seen its own token would name it without the sentence vector, and more layers are more ways to it.</summary>
public sealed class RetroMaeDecoderTests
{
    private const int AnotherToken = 50;

    // Of different lengths, so that one is padded.
    private static readonly int[][] Texts = [[2, 7, 12, 9, 30, 21, 8, 40, 3], [2, 11, 33, 6, 18, 3]];

    public static TheoryData<int, DecoderQuery> Decoders()
    {
        var data = new TheoryData<int, DecoderQuery>();
        foreach (DecoderQuery query in Enum.GetValues<DecoderQuery>())
        {
            for (int layers = 1; layers <= 3; layers++)
            {
                data.Add(layers, query);
            }
        }
        return data;
    }

    [Theory, MemberData(nameof(Decoders))]
    public void A_token_reaches_the_rows_that_may_see_it_and_no_other_through_any_number_of_layers(int layers, DecoderQuery query)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        ModelConfig config = TinyModel.Config;
        var design = new RetroMaeDesign(Query: query, DecoderLayers: layers);
        using var weights = new Weights(RetroMae.Shapes(config, design), Compute.Float64);
        weights.Initialize(0.3, seed: 1);
        RetroMaeDecoder decoder = new RetroMae(weights, config, design).Decoder;
        TokenBatch batch = TokenBatch.Of(Texts);
        int length = batch.MaxLength;
        bool[] hidden = Hidden(batch);
        Tensor mask = tensor(hidden).view(batch.Count, 1, length, length);
        manual_seed(4);
        Tensor sentence = randn([batch.Count, config.HiddenSize], ScalarType.Float64);
        double[][] before = Rebuilt(batch);
        for (int text = 0; text < Texts.Length; text++)
        {
            for (int j = 0; j < Texts[text].Length; j++)
            {
                int[][] changed = [.. Texts.Select(ids => (int[])[.. ids])];
                changed[text][j] = AnotherToken;
                double[][] after = Rebuilt(TokenBatch.Of(changed));
                for (int row = 0; row < before.Length; row++)
                {
                    int of = row < batch.Offsets[1] ? 0 : 1, i = row - batch.Offsets[of];
                    // The first token is no row's to see: the sentence vector stands there.
                    bool sees = of == text && j > 0 && !hidden[(((text * length) + i) * length) + j];
                    bool same = before[row].SequenceEqual(after[row]);
                    Assert.True(sees != same, $"token {j} of text {text}: row {i} of text {of} {(sees ? "may see it and is the same" : "may not see it and is another")}");
                }
            }
        }

        double[][] Rebuilt(TokenBatch texts)
        {
            Tensor rows = decoder.Forward(new PackedText(texts, config, CPU), sentence, mask, query, training: false);
            return [.. rows.data<double>().ToArray().Chunk(config.HiddenSize)];
        }
    }

    // [B, L, L], drawn: half of the columns, always a row's own, never the first; padding is nobody's to see.
    private static bool[] Hidden(TokenBatch batch)
    {
        int length = batch.MaxLength;
        var hidden = new bool[batch.Count * length * length];
        var random = new SeededRandom(9);
        for (int text = 0; text < batch.Count; text++)
        {
            for (int i = 0; i < length; i++)
            {
                for (int j = 1; j < length; j++)
                {
                    hidden[(((text * length) + i) * length) + j] = j >= batch.LengthOf(text) || j == i || random.Next(2) == 0;
                }
            }
        }
        return hidden;
    }
}

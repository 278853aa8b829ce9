using BgeSharp.Benchmarks.RetroMae;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

/// <summary>The plain side of the benchmark "retromae" computes what the public code computes: it would be no baseline otherwise.</summary>
[Trait("Category", "Golden")]
public sealed class PublicRetroMaeTests
{
    public static TheoryData<string, string, bool> Cases() => GoldenRetroMaeTests.Cases();

    [Theory, MemberData(nameof(Cases))]
    public void Losses_and_gradients_are_the_reference_s(string name, string variant, bool exact)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open(name, variant, exact);
        using Weights weights = golden.LoadWeights(RetroMae.Shapes(golden.Config));
        var model = new PublicRetroMae(weights, golden.Config, positionQuery: name == "retromae_bert_v1");
        (Tensor encoder, Tensor decoder) = model.Losses(new PublicBatch(
            golden.LoadIntegers("in.encoder_input_ids"), golden.LoadIntegers("in.encoder_attention_mask"), golden.LoadIntegers("in.encoder_labels"),
            golden.LoadIntegers("in.decoder_input_ids"), golden.LoadIntegers("in.decoder_attention_mask"), golden.LoadIntegers("in.decoder_labels")));
        golden.AssertEqual("out.encoder_loss", encoder);
        golden.AssertEqual("out.decoder_loss", decoder);
        (encoder + decoder).backward();
        golden.AssertGradients(weights);
    }
}

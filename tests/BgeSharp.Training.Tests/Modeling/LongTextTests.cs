using BgeSharp.Formats;
using BgeSharp.Training.Native;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Tests.Stages;

namespace BgeSharp.Training.Tests.Modeling;

/// <summary>Runs by itself: it looks at the memory of the process.</summary>
[Collection(nameof(LongTextTests)), CollectionDefinition(nameof(LongTextTests), DisableParallelization = true)]
public sealed class LongTextTests
{
    private const int Length = 8192;

    [Fact]
    public void A_text_of_8192_tokens_trains_within_bounded_memory_and_recomputing_changes_no_gradient()
    {
        ModelConfig config = TinyModel.Config with { MaxPositions = Length, HiddenSize = 8, IntermediateSize = 16, LayerCount = 1, HeadCount = 2, HiddenDropout = 0, AttentionDropout = 0 };
        int[] ids = TinyModel.Tokenizer().EncodeWithSpecial(TinyModel.Text(Length, 1), Length);
        Assert.Equal(Length, ids.Length);
        var options = new RetroMaeStageOptions { Steps = 10, BatchTokens = Length, MaxLength = Length, Recompute = true };
        bool measures = OperatingSystem.IsLinux();
        TensorMemory.Trim();
        GC.Collect();
        if (measures)
        {
            File.WriteAllText("/proc/self/clear_refs", "5");      // the kernel's high-water mark starts anew
        }
        long before = Machine.ResidentBytes;
        (double loss, float[] recomputed) = Pretraining.Step(options, config, [ids]);
        long risen = Machine.PeakResidentBytes - before;
        // The scores of a layer are 537 MB; whole attention holds them twice for the backward pass, in encoder and decoder, and three times more while it works.
        Assert.True(!measures || risen < 1_500_000_000, $"{risen / 1e6:0} MB");

        (double plain, float[] kept) = Pretraining.Step(options with { Recompute = false }, config, [ids]);
        Assert.Equal(plain, loss);
        Assert.Equal(kept, recomputed);
        Assert.Contains(kept, g => g != 0);
    }
}

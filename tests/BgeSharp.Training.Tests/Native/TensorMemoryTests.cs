// The tensor cache hands out blocks that nobody else holds, at any size and from any thread.

using BgeSharp.Training.Native;
using CsCheck;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Native;

// The counters are the process's: no other test may run beside these.
[CollectionDefinition(nameof(TensorMemoryTests), DisableParallelization = true)]
[Collection(nameof(TensorMemoryTests))]
public sealed class TensorMemoryTests
{
    public TensorMemoryTests() => LibTorch.Start();

    [Fact]
    public void It_stands_between_libtorch_and_the_system_on_Linux()
        => Assert.Equal(OperatingSystem.IsLinux() && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64, TensorMemory.Installed);

    [Fact]
    public void Tensors_keep_their_values_while_others_come_and_go()
        => Gen.Int[1, 1_500_000].Array[1, 40].Sample(Check, iter: 20);

    [Fact]
    public void Threads_do_not_get_each_others_blocks()
        => Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread => Check([.. Enumerable.Range(1, 30).Select(i => (i * 7919 * (thread + 1) % 400_000) + 1)]));

    [Fact]
    public void Freed_blocks_are_used_again()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        using (Tensor warm = empty(3_000_000))
        {
            Assert.Equal(3_000_000, warm.numel());
        }
        long before = TensorMemory.Mapped;
        for (int i = 0; i < 50; i++)
        {
            using Tensor again = empty(2_900_000 + i);      // the same size class
        }
        Assert.Equal(before, TensorMemory.Mapped);
    }

    [Theory]
    [InlineData(0, 64L << 20)]
    [InlineData(1L << 30, (3L << 29) + (64L << 20))]
    [InlineData(8L << 30, (9L << 30) + (64L << 20))]
    public void What_waits_is_limited_by_a_share_and_by_bytes(long mostInUse, long limit)
        => Assert.Equal((nuint)limit, TensorMemory.Limit((nuint)mostInUse));

    [Fact]
    public void The_rise_while_something_runs_is_that_of_its_fullest_moment()
    {
        if (!TensorMemory.Installed)
        {
            return;
        }
        using Tensor before = empty(1 << 20);
        long rise = TensorPeak.Of(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                using Tensor one = empty(1 << 20), other = empty(1 << 20);
            }
        });
        Assert.InRange(rise, 8L << 20, 10L << 20);      // two of 4 MiB, in blocks that may be a quarter larger
    }

    [Fact]
    public void An_empty_tensor_and_a_trim_are_no_trouble()
    {
        using Tensor nothing = empty(0);
        TensorMemory.Trim();
        Assert.Equal(0, nothing.numel());
    }

    // Every second tensor is dropped as soon as the next one exists; the others must still hold their own number at the end.
    private static void Check(int[] sizes)
    {
        using var scope = NewDisposeScope();
        var kept = new List<(Tensor Tensor, int Value)>();
        for (int i = 0; i < sizes.Length; i++)
        {
            Tensor tensor = full(sizes[i], i, ScalarType.Int32);
            if (i % 2 == 0)
            {
                kept.Add((tensor, i));
            }
            else
            {
                tensor.Dispose();
            }
        }
        foreach ((Tensor tensor, int value) in kept)
        {
            Assert.Equal(value, tensor.min().item<int>());
            Assert.Equal(value, tensor.max().item<int>());
        }
    }
}

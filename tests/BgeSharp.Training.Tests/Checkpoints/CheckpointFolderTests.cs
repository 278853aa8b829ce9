using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Tests.Data;
using BgeSharp.Training.Tests.Faults;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Weights _weights = TinyModel.Encoder(Compute.Float32);
    private readonly AdamW _optimizer;

    public CheckpointFolderTests() => _optimizer = new AdamW(_weights, 0.01);

    public void Dispose()
    {
        _optimizer.Dispose();
        _weights.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Weights_and_optimizer_come_back_bit_for_bit()
    {
        Step();
        Step();
        var checkpoints = new CheckpointFolder(_folder.Path, 2);
        Publish(checkpoints, State(7));
        using Weights weights = TinyModel.Encoder(Compute.Float32, seed: 9);
        using var optimizer = new AdamW(weights, 0.01);
        FoundCheckpoint found = checkpoints.Latest(0, "r")!;
        CheckpointFolder.Restore(found, weights, optimizer);
        Assert.Equal(State(7) with { Needs = [] }, found.State with { Needs = [] });
        Assert.Equal(2, optimizer.Steps);
        Assert.Equal(Bits(_weights.Values), Bits(weights.Values));
        Assert.Equal(Bits(_optimizer.FirstMoment), Bits(optimizer.FirstMoment));
        Assert.Equal(Bits(_optimizer.SecondMoment), Bits(optimizer.SecondMoment));
    }

    [Fact]
    public void The_newest_are_kept_and_only_those_of_stage_and_recipe_are_found()
    {
        var checkpoints = new CheckpointFolder(_folder.Path, 2);
        foreach (int step in new[] { 5, 10, 100 })
        {
            Publish(checkpoints, State(step));
        }
        Assert.Equal(["01-s-000010", "01-s-000100"], Names());
        Assert.Equal(100, checkpoints.Latest(0, "r")!.State.Step);
        Assert.Null(checkpoints.Latest(1, "r"));
        Assert.Null(checkpoints.Latest(0, "other"));
        Publish(checkpoints, State(100));      // again, after a resumed run
        Assert.Equal(["01-s-000010", "01-s-000100"], Names());
    }

    [Fact]
    public void What_a_kill_left_half_written_is_removed_at_the_next_start()
    {
        Publish(new CheckpointFolder(_folder.Path, 2), State(5));
        _folder.Write("01-s-000010.writing/weights.safetensors", "half");
        var checkpoints = new CheckpointFolder(_folder.Path, 2);
        Assert.Equal(["01-s-000005"], Names());
        Assert.Equal(5, checkpoints.Latest(0, "r")!.State.Step);
    }

    [Fact]
    public void A_write_that_fails_leaves_earlier_checkpoints_as_they_were()
    {
        var checkpoints = new CheckpointFolder(_folder.Path, 1, Assert.Fail);
        Publish(checkpoints, State(5));
        Publish(checkpoints, State(10));
        Dictionary<string, string> before = _folder.Contents();
        for (int n = 1; ; n++)
        {
            using var faulty = new FaultyFileSystem(n, Fault.Fails);
            using (FileSystem.Use(faulty))
            {
                try
                {
                    Publish(checkpoints, State(15));
                }
                catch (IOException)
                {
                    continue;
                }
            }
            Assert.False(faulty.Fired);
            Assert.True(n > 10);
            break;
        }
        Assert.Equal(["01-s-000015"], Names());
        Assert.Equal(before.Count, _folder.Contents().Count);
        Assert.Equal(15, checkpoints.Latest(0, "r")!.State.Step);
    }

    [Fact]
    public void Pointers_and_what_a_kept_checkpoint_needs_outlive_pruning()
    {
        var checkpoints = new CheckpointFolder(_folder.Path, 1, Assert.Fail);
        Publish(checkpoints, State(5) with { BestStep = 5, Needs = [5] });
        Publish(checkpoints, State(10) with { BestStep = 5, Needs = [5] });
        Publish(checkpoints, State(15) with { BestStep = 5, Needs = [5, 10] });
        Assert.Equal(["01-s-000005", "01-s-000010", "01-s-000015"], Names());
        Assert.StartsWith("01-s-000015 ", File.ReadAllText(checkpoints.LatestPointer.Path), StringComparison.Ordinal);
        Assert.StartsWith("01-s-000005 ", File.ReadAllText(checkpoints.BestPointer.Path), StringComparison.Ordinal);
        Publish(checkpoints, State(20) with { BestStep = 20, Needs = [20] });
        Assert.Equal(["01-s-000020"], Names());
        Assert.StartsWith("01-s-000020 ", File.ReadAllText(checkpoints.BestPointer.Path), StringComparison.Ordinal);
    }

    private CheckpointState State(int step) => new() { Recipe = "r", StageIndex = 0, Stage = "s", Step = step, OptimizerSteps = _optimizer.Steps };

    private void Publish(CheckpointFolder folder, CheckpointState state)
    {
        using var snapshot = new CheckpointSnapshot(_weights);
        snapshot.Take(_weights, _optimizer);
        folder.Publish(state, snapshot, "{}\n");
    }

    private void Step()
    {
        manual_seed(_optimizer.Steps);
        using Tensor noise = randn_like(_weights.Gradients);
        _weights.Gradients.copy_(noise);
        _optimizer.Step(1e-2);
    }

    private IEnumerable<string?> Names() => Directory.GetDirectories(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static int[] Bits(Tensor values) => [.. values.data<float>().ToArray().Select(BitConverter.SingleToInt32Bits)];
}

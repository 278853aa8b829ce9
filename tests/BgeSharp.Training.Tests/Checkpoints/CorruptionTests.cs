using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Tests.Data;
using CsCheck;

namespace BgeSharp.Training.Tests.Checkpoints;

/// <summary>One changed byte anywhere in a checkpoint is found when it is loaded, said, and the checkpoint before it is used.</summary>
public sealed class CorruptionTests : IDisposable
{
    private const string Newest = "01-s-000010";
    private readonly TemporaryFolder _folder = new();

    public CorruptionTests()
    {
        using Weights weights = TinyModel.Encoder(Compute.Float32);
        using var optimizer = new AdamW(weights, 0.01);
        using var snapshot = new CheckpointSnapshot(weights);
        var checkpoints = new CheckpointFolder(_folder.Path, 2);
        foreach (int step in new[] { 5, 10 })
        {
            snapshot.Take(weights, optimizer);
            checkpoints.Publish(new CheckpointState { Recipe = "r", StageIndex = 0, Stage = "s", Step = step, OptimizerSteps = step, BestStep = 5, Needs = [5] }, snapshot, "{}\n");
        }
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Files => ["weights.safetensors", "optimizer.safetensors", "state.json", "recipe.json", "manifest.json"];

    [Theory, MemberData(nameof(Files))]
    public void Any_byte_of_any_file(string file)
    {
        byte[] whole = File.ReadAllBytes(In(file));
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte[1, 255]).Sample((position, change) => Detected(file, whole, position, change), iter: 60, threads: 1);
    }

    [Fact]
    public void Every_byte_of_the_manifest()
    {
        byte[] whole = File.ReadAllBytes(In("manifest.json"));
        for (int position = 0; position < whole.Length; position++)
        {
            Detected("manifest.json", whole, position, 0x20);
            Detected("manifest.json", whole, position, 1);
        }
    }

    [Theory, InlineData("LATEST"), InlineData("BEST")]
    public void Every_byte_of_a_pointer(string pointer)
    {
        string path = Path.Combine(_folder.Path, pointer);
        byte[] whole = File.ReadAllBytes(path);
        for (int position = 0; position < whole.Length; position++)
        {
            foreach (byte change in new byte[] { 1, 2, 4, 8, 16, 32, 64, 128 })
            {
                byte[] damaged = [.. whole];
                damaged[position] ^= change;
                File.WriteAllBytes(path, damaged);
                var warnings = new List<string>();
                var checkpoints = new CheckpointFolder(_folder.Path, 2, warnings.Add);
                Assert.Equal(10, checkpoints.Latest(0, "r")!.State.Step);
                Assert.Contains(pointer, Assert.Single(warnings), StringComparison.Ordinal);
                checkpoints.Tidy();
                Assert.Equal(whole, File.ReadAllBytes(path));
            }
        }
    }

    [Theory, InlineData("weights.safetensors"), InlineData("manifest.json")]
    public void A_file_that_is_gone_or_cut_off(string file)
    {
        byte[] whole = File.ReadAllBytes(In(file));
        File.WriteAllBytes(In(file), whole[..^1]);
        Detected(file);
        File.WriteAllBytes(In(file), []);
        Detected(file);
        File.Delete(In(file));
        Detected(file);
    }

    [Fact]
    public void When_all_are_damaged_there_is_none_and_each_is_said()
    {
        foreach (string one in new[] { "01-s-000005", Newest })
        {
            File.AppendAllText(Path.Combine(_folder.Path, one, "state.json"), " ");
        }
        var warnings = new List<string>();
        Assert.Null(new CheckpointFolder(_folder.Path, 2, warnings.Add).Latest(0, "r"));
        Assert.Equal(2, warnings.Count);
    }

    private string In(string file) => Path.Combine(_folder.Path, Newest, file);

    private void Detected(string file, byte[] whole, int position, byte change)
    {
        byte[] damaged = [.. whole];
        damaged[position] ^= change;
        File.WriteAllBytes(In(file), damaged);
        Detected(file);
        File.WriteAllBytes(In(file), whole);
    }

    private void Detected(string file)
    {
        var warnings = new List<string>();
        FoundCheckpoint found = new CheckpointFolder(_folder.Path, 2, warnings.Add).Latest(0, "r")!;
        Assert.Equal(5, found.State.Step);
        string warning = Assert.Single(warnings, w => w.Contains(Newest, StringComparison.Ordinal));
        Assert.True(warning.Contains(file, StringComparison.Ordinal) || warning.Contains("not those of its manifest", StringComparison.Ordinal), warning);
        Assert.EndsWith("the one before it is used.", warning, StringComparison.Ordinal);
        Directory.Move(Path.Combine(_folder.Path, Newest + ".damaged"), Path.Combine(_folder.Path, Newest));
    }
}

using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Checkpoints;

public sealed class BackgroundCheckpointsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Weights _weights = TinyModel.Encoder(Compute.Float32);
    private readonly AdamW _optimizer;
    private readonly List<string> _warnings = [];

    public BackgroundCheckpointsTests() => _optimizer = new AdamW(_weights, 0.01);

    public void Dispose()
    {
        _optimizer.Dispose();
        _weights.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_training_does_after_the_copy_is_not_in_the_checkpoint_and_the_next_one_waits()
    {
        using var disk = new GatedDisk();
        using IDisposable use = FileSystem.Use(disk);
        CheckpointFolder folder = Folder();
        using BackgroundCheckpoints checkpoints = Checkpoints(folder);
        float[] before = _weights.Values.data<float>().ToArray();
        disk.Hold();
        checkpoints.Save(State(1), required: false);        // returns although not a byte is written
        Assert.Empty(Directory.GetDirectories(_folder.Path, "01-s-000001"));
        _weights.Values.zero_();
        Task release = Task.Run(async () =>
        {
            await disk.Waiting;
            disk.Release();
        }, TestContext.Current.CancellationToken);
        checkpoints.Save(State(2), required: false);
        Assert.True(release.IsCompleted || disk.Released);
        checkpoints.Wait();
        using Weights restored = TinyModel.Encoder(Compute.Float32, seed: 8);
        using var optimizer = new AdamW(restored, 0.01);
        CheckpointFolder.Restore(folder.At(0, 1, "r")!, restored, optimizer);
        Assert.Equal(before, restored.Values.data<float>().ToArray());
        CheckpointFolder.Restore(folder.At(0, 2, "r")!, restored, optimizer);
        Assert.All(restored.Values.data<float>().ToArray(), v => Assert.Equal(0, v));
        Assert.Equal(2, checkpoints.Count);
        Assert.True(checkpoints.Stall > TimeSpan.Zero);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void One_that_fails_is_reported_and_training_goes_on_until_three_in_a_row_have(bool background)
    {
        using var disk = new GatedDisk();
        using IDisposable use = FileSystem.Use(disk);
        CheckpointFolder folder = Folder();
        using BackgroundCheckpoints checkpoints = Checkpoints(folder, background);
        disk.Refuse = true;
        checkpoints.Save(State(1), required: false);
        checkpoints.Wait();
        Assert.Contains("step 1 could not be written", Assert.Single(_warnings), StringComparison.Ordinal);
        disk.Refuse = false;
        checkpoints.Save(State(2), required: false);
        checkpoints.Wait();
        Assert.Equal(2, folder.Latest(0, "r")!.State.Step);
        disk.Refuse = true;
        Assert.Throws<IOException>(() =>
        {
            foreach (int step in new[] { 3, 4, 5 })
            {
                checkpoints.Save(State(step), required: false);
                checkpoints.Wait();
            }
        });
        Assert.Equal(3, _warnings.Count);
        Assert.Equal(2, folder.Latest(0, "r")!.State.Step);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void One_that_is_required_and_fails_ends_the_run(bool background)
    {
        using var disk = new GatedDisk();
        using IDisposable use = FileSystem.Use(disk);
        using BackgroundCheckpoints checkpoints = Checkpoints(Folder(), background);
        disk.Refuse = true;
        Assert.Throws<IOException>(() =>
        {
            checkpoints.Save(State(1), required: true);
            checkpoints.Wait();
        });
        Assert.Empty(_warnings);
    }

    private CheckpointFolder Folder() => new(_folder.Path, 2, _warnings.Add);

    private BackgroundCheckpoints Checkpoints(CheckpointFolder folder, bool background = true) => new(folder, _weights, _optimizer, "{}\n", background, _warnings.Add, TimeProvider.System);

    private static CheckpointState State(int step) => new() { Recipe = "r", StageIndex = 0, Stage = "s", Step = step, OptimizerSteps = 0 };

    // The disk, with a gate before every opening.
    private sealed class GatedDisk : IFileSystem, IDisposable
    {
        private readonly ManualResetEventSlim _open = new(true);
        private readonly TaskCompletionSource _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Refuse { get; set; }

        public Task Waiting => _waiting.Task;

        public bool Released => _open.IsSet;

        public void Hold() => _open.Reset();

        public void Release() => _open.Set();

        public FileStream Open(string path, FileMode mode, FileAccess access, FileShare share, int bufferSize)
        {
            if (!_open.IsSet)
            {
                _waiting.TrySetResult();
                _open.Wait();
            }
            return Refuse && access != FileAccess.Read ? throw new IOException("No space left on device") : Disk.Instance.Open(path, mode, access, share, bufferSize);
        }

        public void Move(string from, string to) => Disk.Instance.Move(from, to);

        public void MoveFolder(string from, string to) => Disk.Instance.MoveFolder(from, to);

        public void Delete(string path) => Disk.Instance.Delete(path);

        public void DeleteFolder(string path) => Disk.Instance.DeleteFolder(path);

        public void CreateFolder(string path) => Disk.Instance.CreateFolder(path);

        public void FlushFolder(string path) => Disk.Instance.FlushFolder(path);

        public void Dispose() => _open.Dispose();
    }
}

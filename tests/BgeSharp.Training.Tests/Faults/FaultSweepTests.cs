// As SQLite does it: the n-th file operation of a run goes wrong, for n = 1, 2, ... until none does. Each time the same command is started again on a sound disk.
// The suite sweeps a run of one stage: every operation for a vanishing process, every second for a power cut, every fourth for the other faults. With BGESHARP_SWEEP=whole it is
// the run with vocabulary, RetroMAE, best checkpoint and hard negatives, and every operation for every fault; that takes a quarter of an hour.

namespace BgeSharp.Training.Tests.Faults;

public sealed class FaultSweepTests : IDisposable
{
    private static readonly bool Whole = Environment.GetEnvironmentVariable("BGESHARP_SWEEP") == "whole";
    private readonly TinyRun _run = new(isShort: !Whole);

    public void Dispose() => _run.Dispose();

    [Theory, InlineData(Fault.Fails), InlineData(Fault.DiskFull), InlineData(Fault.Vanishes), InlineData(Fault.PowerCut), InlineData(Fault.PowerCutKeepingNames)]
    public void Whatever_happens_to_one_file_operation_the_same_command_started_again_ends_with_the_same_bytes_and_no_litter(Fault fault)
    {
        Assert.NotNull(_run.Run("whole").State);
        Dictionary<string, string> whole = _run.Result("whole");
        Assert.Contains("model/model.safetensors", whole.Keys);
        int every = Whole ? 1 : fault switch { Fault.Vanishes => 1, Fault.PowerCut => 2, _ => 4 };
        int n = Whole ? 1 : 1 + ((int)fault % every);
        int goneOn = 0;
        for (bool fired = true; fired; n += every)
        {
            string name = $"run{n}";
            bool wentOn = false;
            Directory.CreateDirectory(_run.In(name));      // else a power cut would take the whole run with its folder's name
            using (var disk = new FaultyFileSystem(n, fault))
            {
                using (FileSystem.Use(disk))
                {
                    try
                    {
                        wentOn = _run.Run(name).Messages.Exists(m => m.Contains("training goes on", StringComparison.Ordinal));
                    }
                    catch (Exception e) when (e is ProcessVanished or IOException or BadInput)
                    {
                        Assert.True(disk.Fired, e.ToString());
                    }
                }
                fired = disk.Fired;
            }
            using var sound = new FaultyFileSystem(int.MaxValue, fault);
            using IDisposable use = FileSystem.Use(sound);      // flushing a real disk hundreds of times takes its time
            (var state, List<string> messages) = _run.Run(name, "", resume: true);
            Assert.NotNull(state);
            Assert.DoesNotContain(messages, m => m.Contains("damaged", StringComparison.Ordinal));
            goneOn += messages.Exists(m => m.Contains("going on from step", StringComparison.Ordinal)) ? 1 : 0;
            // A run that went on without one checkpoint has an older one left, which is no litter.
            Same(Compared(whole), Compared(_run.Result(name)), $"{fault} at operation {n}");
            Assert.DoesNotContain(_run.Result(name).Keys, file => file.Contains(".writing", StringComparison.Ordinal) || file.Contains(".removing", StringComparison.Ordinal));
            Directory.Delete(_run.In(name), recursive: true);

            Dictionary<string, string> Compared(Dictionary<string, string> files)
                => wentOn ? files.Where(f => !f.Key.StartsWith("checkpoints/", StringComparison.Ordinal)).ToDictionary() : files;
        }
        Assert.True(n > 50, $"{n} operations");
        Assert.True(goneOn > 5, $"{goneOn} starts went on from a checkpoint");
    }

    private static void Same(Dictionary<string, string> whole, Dictionary<string, string> other, string when)
    {
        Assert.True(whole.Keys.Order().SequenceEqual(other.Keys.Order()), $"{when}: {string.Join(' ', whole.Keys.Except(other.Keys))} missing, {string.Join(' ', other.Keys.Except(whole.Keys))} too many");
        Assert.All(whole, file => Assert.True(file.Value == other[file.Key], $"{when}: {file.Key} differs: {FirstDifference(file.Value, other[file.Key])}"));
    }

    private static string FirstDifference(string a, string b)
        => a.Split('\n').Zip(b.Split('\n')).Where(l => l.First != l.Second).Select(l => $"{l.First} / {l.Second}").FirstOrDefault() ?? $"{a.Length} and {b.Length} characters";
}

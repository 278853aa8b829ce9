// Signals as a shell sends them to a running bge.

using System.Diagnostics;
using System.Globalization;

namespace BgeSharp.Cli.Tests;

public sealed class SignalTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("bge-signal").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, InlineData("INT"), InlineData("TERM")]
    public async Task A_wish_for_a_checkpoint_is_met_and_a_stop_finishes_the_step_keeps_it_and_says_how_to_go_on(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals");
        using Process bge = Start("--set", "stages[0].steps=100000", "--set", "checkpoints.everySteps=100000");
        await Until(bge, "retromae 2/");
        Kill(bge, "USR1");
        string asked = await Until(bge, "a checkpoint at step ");
        string step = asked.Split(' ')[4].PadLeft(6, '0');
        Kill(bge, signal);
        string last = await Until(bge, "stopped, what is done is kept; go on with: bge run ");
        Assert.EndsWith("--resume", last, StringComparison.Ordinal);
        await bge.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, bge.ExitCode);
        string[] kept = [.. Directory.GetDirectories(Path.Combine(folder, "run", "checkpoints")).Select(d => Path.GetFileName(d))];
        Assert.Equal(2, kept.Length);
        Assert.Contains($"01-retromae-{step}", kept);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals");
        // One step that would take hours.
        using Process bge = Start("--set", "stages[0].accumulate=60000", "--set", "stages[0].batchTokens=100000");
        await Until(bge, "retromae: 8 steps");
        Kill(bge, "TERM");
        // The same signal twice is one signal while the first is pending; another one is not.
        Kill(bge, "INT");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        await bge.WaitForExitAsync(patience.Token);
        Assert.NotEqual(0, bge.ExitCode);
    }

    private Process Start(params string[] more)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, StandardOutputEncoding = System.Text.Encoding.UTF8 };
        foreach (string argument in new[] { Path.Combine(AppContext.BaseDirectory, "bge.dll"), "run", ProjectFiles.Find(Path.Combine("recipes", "smoke.json")), "--out", Path.Combine(folder, "run"), "--threads", "1", "--precision", "float32" }.Concat(more))
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }

    private static async Task<string> Until(Process bge, string beginning)
    {
        while (await bge.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is string line)
        {
            if (line.StartsWith(beginning, StringComparison.Ordinal))
            {
                return line;
            }
        }
        throw new InvalidOperationException($"no line began with \"{beginning}\"");
    }

    private static void Kill(Process bge, string signal)
    {
        using Process kill = Process.Start("kill", ["-" + signal, bge.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}

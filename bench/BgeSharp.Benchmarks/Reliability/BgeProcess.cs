// bge as a process of its own, as a user starts it; its lines are read as they come.

using System.Diagnostics;
using BgeSharp.Benchmarks.Running;

namespace BgeSharp.Benchmarks.Reliability;

/// <summary>A running bge.</summary>
internal sealed class BgeProcess : IDisposable
{
    private readonly Process _process;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Task _reading;

    private BgeProcess(Process process, Action<string>? line)
    {
        _process = process;
        // Both streams are emptied, so that the process never waits for us.
        Task errors = Task.Run(async () => Error = await process.StandardError.ReadToEndAsync().ConfigureAwait(false));
        _reading = Task.Run(async () =>
        {
            while (await process.StandardOutput.ReadLineAsync().ConfigureAwait(false) is string text)
            {
                Last = text;
                line?.Invoke(text);
            }
            await errors.ConfigureAwait(false);
        });
    }

    /// <summary>Seconds since the start.</summary>
    public double Seconds => _clock.Elapsed.TotalSeconds;

    /// <summary>Newest line of its output.</summary>
    public string Last { get; private set; } = "";

    /// <summary>What it said on standard error, once it has ended.</summary>
    public string Error { get; private set; } = "";

    /// <summary>Process id.</summary>
    public int Id => _process.Id;

    /// <summary>Exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts "bge run" on a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="more">Further arguments.</param>
    /// <param name="line">Told each line of output; null when nobody listens.</param>
    /// <param name="launcher">Program and arguments that start it, such as mpirun's; null for none.</param>
    /// <exception cref="FileNotFoundException">bge is not built.</exception>
    public static BgeProcess Run(string recipe, string folder, IEnumerable<string> more, Action<string>? line = null, IReadOnlyList<string>? launcher = null)
    {
        string program = Path.Combine(Checkout.Root, "artifacts", "bin", "BgeSharp.Cli", "release", "bge.dll");
        if (!File.Exists(program))
        {
            throw new FileNotFoundException($"{program}: is not there; ./bge --version builds it.");
        }
        string[] all = [.. launcher ?? [], "dotnet", program, "run", recipe, "--out", folder, .. more];
        var start = new ProcessStartInfo(all[0]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in all[1..])
        {
            start.ArgumentList.Add(argument);
        }
        return new BgeProcess(Process.Start(start)!, line);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>False when it still runs after the time.</returns>
    public bool Wait(TimeSpan time)
    {
        if (!_process.WaitForExit(time))
        {
            return false;
        }
        _reading.Wait();
        return true;
    }

    /// <summary>Waits for its end, and throws unless it is a good one.</summary>
    public void Finish()
    {
        Wait(Timeout.InfiniteTimeSpan);
        if (ExitCode != 0)
        {
            throw new InvalidOperationException($"bge ended with code {ExitCode}: {Error}");
        }
    }

    /// <summary>SIGKILL: it has no chance to do anything more.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        Wait(Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();
}

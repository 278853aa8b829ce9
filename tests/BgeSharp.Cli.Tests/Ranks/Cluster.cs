// mpirun as a user calls it, on this machine or over two network namespaces that stand for two machines.

using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace BgeSharp.Cli.Tests.Ranks;

/// <summary>Starts ranks.</summary>
internal static class Cluster
{
    private static readonly string[] TwoMachines =
    [
        "--host", "10.77.0.1:1,10.77.0.2:1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "oob_tcp_if_include", "10.77.0.0/24",
        "--mca", "oob_tcp_keepalive_time", "3", "--mca", "oob_tcp_keepalive_intvl", "1", "--mca", "oob_tcp_keepalive_probes", "3",
    ];

    /// <summary>Why there are no ranks to be had here; null when there are.</summary>
    public static string? Missing => OnPath("mpirun") ? null : "there is no mpirun on the PATH: install Open MPI (apt-get install openmpi-bin)";

    /// <summary>True for a program on the PATH.</summary>
    public static bool OnPath(string program) => Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, program)));

    /// <summary>Starts bge alone (0 ranks) or on ranks of this machine.</summary>
    public static Process Start(int ranks, params string[] bge)
        => Launch(ranks == 0 ? [] : ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "odls_base_sigkill_timeout", "30", "-np", ranks.ToString(CultureInfo.InvariantCulture)], bge);

    /// <summary>Starts bge on one rank of each of two "machines".</summary>
    public static Process StartOnTwoMachines(Namespaces machines, params string[] bge)
        => Launch([machines.FirstAgent, "mpirun", "-np", "2", "--bind-to", "none", "--mca", "plm_rsh_agent", machines.SecondAgent, .. TwoMachines, "-x", "BGESHARP_RANK_TIMEOUT"], bge);

    /// <summary>Waits for the end.</summary>
    /// <returns>Exit code and everything that was said.</returns>
    public static async Task<(int Code, string Said)> Finish(Process process, double seconds = 120)
    {
        var said = new StringBuilder();
        void Hear(object sender, DataReceivedEventArgs e)
        {
            lock (said)
            {
                said.AppendLine(e.Data);
            }
        }
        process.OutputDataReceived += Hear;
        process.ErrorDataReceived += Hear;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"mpirun has not ended after {seconds} s; it said: {said}");
        }
        using (process)
        {
            return (process.ExitCode, said.ToString());
        }
    }

    /// <summary>Ids of bge's own processes that have a word among their arguments, whoever started them.</summary>
    public static int[] Living(string word) => [.. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Select(n => int.Parse(n!, CultureInfo.InvariantCulture)).Where(id =>
    {
        try
        {
            string[] arguments = File.ReadAllText($"/proc/{id}/cmdline").Split('\0');
            return Path.GetFileName(arguments[0]) == "dotnet" && arguments.Contains(word);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;       // ended meanwhile
        }
    })];

    /// <summary>Waits until something is true.</summary>
    public static async Task Until(Func<bool> condition, double seconds, string what)
    {
        for (long began = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(20, TestContext.Current.CancellationToken))
        {
            Assert.True(Stopwatch.GetElapsedTime(began).TotalSeconds < seconds, $"not within {seconds} s: {what}");
        }
    }

    private static Process Launch(string[] before, string[] bge)
    {
        string[] all = [.. before, "dotnet", Path.Combine(AppContext.BaseDirectory, "bge.dll"), .. bge];
        var start = new ProcessStartInfo(all[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1", ["OMP_NUM_THREADS"] = "1", ["BGESHARP_RANK_TIMEOUT"] = "20" },
        };
        foreach (string argument in all[1..])
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }
}

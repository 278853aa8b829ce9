// Two network namespaces joined by a cable (veth) that can be cut. Needs root.

using System.Diagnostics;

namespace BgeSharp.Cli.Tests.Ranks;

/// <summary>Two "machines", 10.77.0.1 and 10.77.0.2. Their names hold this process's id: two runs of the tests do not take each other's.</summary>
internal sealed class Namespaces : IDisposable
{
    private const string FirstAddress = "10.77.0.1", SecondAddress = "10.77.0.2";
    private static readonly string First = $"bge-first-{Environment.ProcessId}", Second = $"bge-second-{Environment.ProcessId}";

    private Namespaces(string folder)
    {
        FirstAgent = Script(folder, "first.sh", $"""
            #!/bin/sh
            exec ip netns exec {First} unshare --uts sh -c 'hostname bge-first; exec "$@"' sh "$@"

            """);
        SecondAgent = Script(folder, "second.sh", $"""
            #!/bin/sh
            shift       # the host
            exec ip netns exec {Second} unshare --uts sh -c 'hostname bge-second; exec sh -c "$1"' sh "$*"

            """);
    }

    /// <summary>Script that runs a command on the first one.</summary>
    public string FirstAgent { get; }

    /// <summary>Script that runs a command on the second one, as ssh would: mpirun's plm_rsh_agent.</summary>
    public string SecondAgent { get; }

    /// <summary>Makes them.</summary>
    /// <param name="folder">Where the scripts go.</param>
    /// <returns>Null where the system does not let us, or does not join them.</returns>
    public static Namespaces? Make(string folder)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !Array.TrueForAll(["ip", "unshare", "bash", "timeout"], Cluster.OnPath))
        {
            return null;
        }
        var made = new Namespaces(folder);
        string[] steps =
        [
            $"netns add {First}", $"netns add {Second}", $"link add first netns {First} type veth peer name second netns {Second}",
            $"-n {First} addr add {FirstAddress}/24 dev first", $"-n {Second} addr add {SecondAddress}/24 dev second",
            $"-n {First} link set first up", $"-n {Second} link set second up", $"-n {First} link set lo up", $"-n {Second} link set lo up",
        ];
        if (steps.All(step => Ip(step) == 0) && Joined())
        {
            return made;
        }
        made.Dispose();
        return null;
    }

    /// <summary>Pulls the cable.</summary>
    public static void Cut() => Ip($"-n {First} link set first down");

    /// <summary>Puts it back, and waits until each one reaches the other: the kernel may take a second or more to see the carrier.</summary>
    /// <returns>False where that takes longer than any machine should need.</returns>
    public static bool Mend()
    {
        Ip($"-n {First} link set first up");
        // What was not reachable a moment ago is remembered as unreachable.
        Ip($"-n {First} neigh flush all");
        Ip($"-n {Second} neigh flush all");
        return Joined();
    }

    /// <summary>True while any process runs on one of them.</summary>
    public static bool Busy() => Said("ip", $"netns pids {First}").Length + Said("ip", $"netns pids {Second}").Length > 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        Ip($"netns del {First}");
        Ip($"netns del {Second}");
    }

    /// <summary>Waits until each one reaches the other. A closed port is refused at once by a machine that is reached.</summary>
    private static bool Joined()
    {
        static bool Reaches(string from, string address)
            => Said("ip", $"netns exec {from} timeout 2 bash -c \"</dev/tcp/{address}/1\"").Contains("refused", StringComparison.Ordinal);

        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < 60;)
        {
            if (Reaches(First, SecondAddress) && Reaches(Second, FirstAddress))
            {
                return true;
            }
        }
        return false;
    }

    private static string Script(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text.ReplaceLineEndings("\n"));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        return path;
    }

    private static int Ip(string arguments)
    {
        using Process process = Launch("ip", arguments);
        process.WaitForExit();
        return process.ExitCode;
    }

    private static string Said(string program, string arguments)
    {
        using Process process = Launch(program, arguments);
        string said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return said;
    }

    private static Process Launch(string program, string arguments)
        => Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, Environment = { ["LC_ALL"] = "C" } })!;
}

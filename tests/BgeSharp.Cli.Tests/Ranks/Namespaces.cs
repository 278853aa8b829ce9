// Two network namespaces joined by a cable (veth) that can be cut. Needs root.

using System.Diagnostics;

namespace BgeSharp.Cli.Tests.Ranks;

/// <summary>Two "machines", 10.77.0.1 and 10.77.0.2.</summary>
internal sealed class Namespaces : IDisposable
{
    /// <summary>Name of the first.</summary>
    public const string First = "bge-first";

    private const string Second = "bge-second";

    private Namespaces(string agent) => Agent = agent;

    /// <summary>Script that runs a command on the second one, as ssh would: mpirun's plm_rsh_agent.</summary>
    public string Agent { get; }

    /// <summary>Makes them.</summary>
    /// <param name="folder">Where the script goes.</param>
    /// <returns>Null where the system does not let us.</returns>
    public static Namespaces? Make(string folder)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !Cluster.OnPath("ip") || !Cluster.OnPath("unshare"))
        {
            return null;
        }
        string agent = Path.Combine(folder, "agent.sh");
        File.WriteAllText(agent, $"""
            #!/bin/sh
            shift       # the host
            exec ip netns exec {Second} unshare --uts sh -c 'hostname {Second}; exec sh -c "$1"' sh "$*"

            """.ReplaceLineEndings("\n"));
        File.SetUnixFileMode(agent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var made = new Namespaces(agent);
        made.Dispose();       // of a test that was killed
        string[] steps =
        [
            $"netns add {First}", $"netns add {Second}", $"link add first netns {First} type veth peer name second netns {Second}",
            $"-n {First} addr add 10.77.0.1/24 dev first", $"-n {Second} addr add 10.77.0.2/24 dev second",
            $"-n {First} link set first up", $"-n {Second} link set second up", $"-n {First} link set lo up", $"-n {Second} link set lo up",
        ];
        if (steps.All(step => Ip(step) == 0))
        {
            return made;
        }
        made.Dispose();
        return null;
    }

    /// <summary>Pulls the cable.</summary>
    public static void Cut() => Ip($"-n {First} link set first down");

    /// <summary>Puts it back.</summary>
    public static void Mend() => Ip($"-n {First} link set first up");

    /// <inheritdoc/>
    public void Dispose()
    {
        Ip($"netns del {First}");
        Ip($"netns del {Second}");
    }

    private static int Ip(string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}

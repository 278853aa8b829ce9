// Starts this test program under mpirun: what UnderMpi says must hold on every rank. Skipped, with the reason, where there is no MPI (./test installs it where it may).

using System.Diagnostics;
using System.Text.RegularExpressions;

namespace BgeSharp.Training.Tests.Collectives;

public sealed partial class MpirunTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task What_holds_for_one_process_holds_for_ranks_under_mpirun(int ranks)
    {
        if (Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).All(p => !File.Exists(Path.Combine(p, "mpirun"))))
        {
            Assert.Skip("there is no mpirun on the PATH: install Open MPI (apt-get install openmpi-bin)");
        }
        var start = new ProcessStartInfo("mpirun")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1", ["OMP_NUM_THREADS"] = "1" },
        };
        foreach (string argument in new[] { "--oversubscribe", "--bind-to", "none", "-np", FormattableString.Invariant($"{ranks}"),
            Environment.ProcessPath!, "--progress", "off", "--no-ansi", "--filter-class", typeof(UnderMpi).FullName!, "--explicit", "only" })
        {
            start.ArgumentList.Add(argument);
        }
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{output}\n{await error}");
        int[] succeeded = [.. Succeeded().Matches(output).Select(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(Enumerable.Repeat(1, ranks), succeeded);
    }

    [GeneratedRegex(@"succeeded: (\d+)")]
    private static partial Regex Succeeded();
}

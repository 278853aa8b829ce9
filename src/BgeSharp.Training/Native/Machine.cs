// What this machine gives, for the doctor and for the first line of a report.

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace BgeSharp.Training.Native;

/// <summary>Facts about the machine.</summary>
public static class Machine
{
    /// <summary>Name of the processor.</summary>
    public static string Processor { get; } = ReadProcessor();

    /// <summary>Vector instruction sets in use on this processor, widest last.</summary>
    public static IReadOnlyList<string> InstructionSets { get; } = ReadInstructionSets();

    /// <summary>Cores of the whole machine, whatever this process is bound to.</summary>
    public static int Cores { get; } = File.Exists("/proc/cpuinfo")
        ? Math.Max(1, File.ReadLines("/proc/cpuinfo").Count(l => l.StartsWith("processor", StringComparison.Ordinal))) : Environment.ProcessorCount;

    /// <summary>Memory this process may use, in bytes (a container's limit counts).</summary>
    public static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Largest resident memory of this process so far, in bytes.</summary>
    public static long PeakResidentBytes
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }

    /// <summary>Resident memory of this process now, in bytes.</summary>
    public static long ResidentBytes
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    /// <summary>One line: processor, threads, memory, system.</summary>
    public static string Line => string.Create(CultureInfo.InvariantCulture,
        $"{Processor}, {Environment.ProcessorCount} cores, {MemoryBytes / 1e9:0.0} GB, {RuntimeInformation.OSDescription}, .NET {Environment.Version}");

    private static string ReadProcessor()
    {
        const string file = "/proc/cpuinfo";
        if (File.Exists(file))
        {
            string? line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null)
            {
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static List<string> ReadInstructionSets()
    {
        var sets = new List<string>();
        void Add(bool has, string name)
        {
            if (has)
            {
                sets.Add(name);
            }
        }
        Add(AdvSimd.IsSupported, "NEON");
        Add(Avx2.IsSupported, "AVX2");
        Add(Fma.IsSupported, "FMA");
        Add(Avx512F.IsSupported, "AVX512F");
        // .NET has no name for these; the kernel's list has.
        const string file = "/proc/cpuinfo";
        string? flags = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) : null;
        if (flags is not null)
        {
            string[] words = flags.Split(' ');
            Add(words.Contains("avx512_vnni") || words.Contains("avx_vnni"), "VNNI");
            Add(words.Contains("avx512_bf16"), "AVX512-BF16");
            Add(words.Contains("amx_bf16"), "AMX-BF16");
        }
        return sets;
    }
}

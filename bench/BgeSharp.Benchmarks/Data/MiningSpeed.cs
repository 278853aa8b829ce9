// bench -- mining                      MB/s of mining with exact deduplication on Markdown and JSONL, of near-duplicate detection, and one thread against two.
// bench -- mining-memory N [THREADS]   peak memory of mining N synthetic documents with near-duplicate detection, and bytes a hash of the tables.
// Outside BenchmarkDotNet: a run takes seconds and its memory belongs to a process of its own. Rates are given by the clock and by processor time, because
// on a machine that does other work too only the second one holds still.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Training.Data.Cleaning;
using BgeSharp.Training.Data.Filters;
using BgeSharp.Training.Data.Miners;
using BgeSharp.Training.Data.Mining;
using BgeSharp.Training.Data.Readers;
using BgeSharp.Training.Native;

namespace BgeSharp.Benchmarks.Data;

/// <summary>Measures mining.</summary>
internal static class MiningSpeed
{
    /// <summary>First arguments that this answers to.</summary>
    public const string Speed = "mining", Memory = "mining-memory";

    /// <summary>Prints the speed table.</summary>
    public static int PrintSpeed()
    {
        string folder = Directory.CreateTempSubdirectory("bge-mining-").FullName;
        try
        {
            Console.WriteLine($"{Machine.Line}; load {(File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Trim() : "not known")}");
            (string jsonl, string pages) = (Jsonl(folder), Pages(folder));
            var exact = new CleaningOptions { Boilerplate = false, NearDuplicates = false, Script = false };
            Console.WriteLine("| what | threads | MB | s | MB/s | MB/s of processor time | % stopped for collections | bytes allocated a byte read | collections |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|");
            Mine("warm-up, not counted", folder, pages, exact, 2);
            string[] gains =
            [
                Pairs("mining + exact duplicates, JSONL", folder, jsonl, exact),
                Pairs("mining + exact duplicates, Markdown", folder, pages, exact),
                Pairs("all steps (boilerplate reads twice, near duplicates, script), JSONL", folder, jsonl, new CleaningOptions()),
            ];
            NearDuplicatesAlone(jsonl);
            Console.WriteLine("\n" + string.Join('\n', gains));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Prints peak memory and the tables' share of it.</summary>
    public static int PrintMemory(long documents, int threads)
    {
        string folder = Directory.CreateTempSubdirectory("bge-mining-").FullName;
        try
        {
            var options = new MiningOptions { PassageCharacters = 200 };
            var plan = new MiningPlan
            {
                Sources = [new MiningSource("synthetic", new SyntheticUnits(documents, 60), new DocumentFilter(), PairMiners.Create(["title-body"], options))],
                Options = options,
                Cleaning = new CleaningOptions { Boilerplate = false },
            };
            var watch = Stopwatch.StartNew();
            PairStatistics result = new MiningRun(plan, new MiningPlace(Path.Combine(folder, "pairs.jsonl"), null, threads, TimeProvider.System) { CheckpointEvery = TimeSpan.FromSeconds(20) }).Run();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{documents} documents, {threads} threads, {result.PairCount} pairs, {result.Dropped.Values.Sum(d => d.Count)} dropped: {watch.Elapsed.TotalSeconds:0} s, peak {Machine.PeakResidentBytes / 1e6:0} MB, {Machine.PeakResidentBytes / (double)documents:0} bytes a document; {Environment.CpuUsage.TotalTime.TotalSeconds:0} s of processor time, {GC.CollectionCount(0)} collections, {GC.CollectionCount(2)} of all"));
            foreach ((string what, PackedHashSet set) in (ReadOnlySpan<(string, PackedHashSet)>)[("44 bits", new(44)), ("60 bits", new(60)), ("60 bits and a count", new(60, counted: true))])
            {
                var random = new SeededRandom(1);
                for (long i = 0; i < documents; i++)
                {
                    set.Add(random.NextBits());
                }
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"table of {what}: {set.Bytes / (double)documents:0.00} bytes a hash"));
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // One thread and two in turn, three times.
    private static string Pairs(string what, string folder, string input, CleaningOptions cleaning)
    {
        double[] ratios = [.. Enumerable.Range(0, 3).Select(_ => 1 / Mine(what, folder, input, cleaning, 1) * Mine(what, folder, input, cleaning, 2)).Order()];
        return string.Create(CultureInfo.InvariantCulture, $"{what}: two threads do {ratios[1]:0.00} times the work of one ({ratios[0]:0.00} to {ratios[2]:0.00})");
    }

    // MB/s by the clock.
    private static double Mine(string what, string folder, string input, CleaningOptions cleaning, int threads)
    {
        var options = new MiningOptions();
        var plan = new MiningPlan
        {
            Sources = [new MiningSource("samples", new DocumentUnits(input, "auto", null, skipBad: false), new DocumentFilter(), PairMiners.Create([], options))],
            Options = options,
            Cleaning = cleaning,
        };
        long bytes = 0;
        var process = Process.GetCurrentProcess();
        TimeSpan before = process.TotalProcessorTime;
        TimeSpan stopped = GC.GetTotalPauseDuration();
        (long allocated, int collections) = (GC.GetTotalAllocatedBytes(precise: true), GC.CollectionCount(0));
        var watch = Stopwatch.StartNew();
        new MiningRun(plan, new MiningPlace(Path.Combine(folder, "pairs.jsonl"), null, threads, TimeProvider.System) { Progress = (read, _) => bytes = read }).Run();
        double seconds = watch.Elapsed.TotalSeconds;
        process.Refresh();
        double processor = (process.TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what} | {threads} | {bytes / 1e6:0} | {seconds:0.0} | {bytes / 1e6 / seconds:0.0} | {bytes / 1e6 / processor:0.0} | {(GC.GetTotalPauseDuration() - stopped).TotalSeconds / seconds * 100:0.0} | {(GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)bytes:0.0} | {GC.CollectionCount(0) - collections} |"));
        return bytes / 1e6 / seconds;
    }

    private static void NearDuplicatesAlone(string jsonl)
    {
        string[] bodies = [.. DocumentReader.Read(jsonl).Select(d => d.Body)];
        long bytes = bodies.Sum(b => (long)Encoding.UTF8.GetByteCount(b));
        var seen = new NearDuplicates();
        var watch = Stopwatch.StartNew();
        int found = bodies.Count(b => !seen.Add(MinHash.BandsOf(b)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| near duplicates alone ({found} of {bodies.Length} found) | 1 | {bytes / 1e6:0} | {watch.Elapsed.TotalSeconds:0.00} | {bytes / 1e6 / watch.Elapsed.TotalSeconds:0} | | | | |"));
    }

    // The samples many times over, each time with another number in every section, so that no document repeats.
    private static string Jsonl(string folder)
    {
        string path = Path.Combine(folder, "samples.jsonl");
        string[] lines = [.. new[] { "oi-wiki", "tidb-docs" }.SelectMany(n => Lines(Checkout.File($"samples/documents/{n}.jsonl.gz")))];
        using var writer = new StreamWriter(path);
        for (int copy = 0; writer.BaseStream.Length < 300_000_000; copy++)
        {
            foreach (string line in lines)
            {
                writer.WriteLine(line.Replace("的", string.Create(CultureInfo.InvariantCulture, $"的{copy} "), StringComparison.Ordinal));
            }
        }
        return path;
    }

    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(new System.IO.Compression.GZipStream(File.OpenRead(path), System.IO.Compression.CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }

    private static string Pages(string folder)
    {
        string root = Path.Combine(folder, "pages");
        Directory.CreateDirectory(root);
        string[] pages = [.. Directory.GetFiles(Path.GetDirectoryName(Checkout.File("samples/pages/tidb-stale-read.md"))!, "*.md").Order(StringComparer.Ordinal).Select(File.ReadAllText)];
        long written = 0;
        for (int copy = 0; written < 120_000_000; copy++)
        {
            for (int i = 0; i < pages.Length; i++)
            {
                string text = pages[i].Replace("的", string.Create(CultureInfo.InvariantCulture, $"的{copy} "), StringComparison.Ordinal);
                File.WriteAllText(Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"{copy:0000}-{i:00}.md")), text);
                written += Encoding.UTF8.GetByteCount(text);
            }
        }
        return root;
    }
}

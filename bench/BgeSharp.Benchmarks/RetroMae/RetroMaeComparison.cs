// "retromae small|base": a training step of the public computation against ours, in turns, in one process; memory of each side in a process of its own.
//   dotnet run -c Release --project bench/BgeSharp.Benchmarks -- retromae small [--texts 32] [--rounds 7] [--dropout 0.1] [--precision auto|float32|bfloat16] [--processor-time]
// "retromae vocabulary [base] [--recompute] [--accumulate N] [--precision ...]": one step, in N micro-batches, of 32 × 512 tokens with a vocabulary of 250,002, and how much memory it takes.
// The precision is ours; the public side is always in float32.

using System.Diagnostics;
using System.Globalization;
using BgeSharp.Benchmarks.Modeling;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Native;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Measures and prints.</summary>
internal static class RetroMaeComparison
{
    /// <summary>First argument.</summary>
    public const string Argument = "retromae";

    private const string MemoryOf = "--memory-of";
    private const int Vocabulary = 21128, Longest = 512;
    private static bool _processorTime;

    /// <summary>Runs what the arguments say.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments)
    {
        _processorTime = arguments.Contains(ProcessorClock.Argument);
        string shape = arguments.Count > 0 ? arguments[0] : "small";
        double dropout = Option(arguments, "--dropout", 0.1);
        if (shape == "precision")
        {
            return PrecisionRuns.Run((int)Option(arguments, "--steps", 1000), Option(arguments, "--learning-rate", 1e-3));
        }
        Compute compute = Precision.Choose(Text(arguments, "--precision") ?? "auto", CPU);
        if (shape == "vocabulary")
        {
            return LargeVocabulary(arguments.Contains("base"), arguments.Contains("--recompute"), (int)Option(arguments, "--accumulate", 1), compute);
        }
        int texts = (int)Option(arguments, "--texts", shape == "base" ? 8 : 32);
        ModelConfig config = (shape == "base" ? Batches.Bert(768, 12, Vocabulary) : Batches.Bert(256, 4, Vocabulary)) with { HiddenDropout = dropout, AttentionDropout = dropout };
        WordPieceTokenizer tokenizer = PretrainingTexts.Tokenizer();
        if (Text(arguments, MemoryOf) is string side)
        {
            return PrintMemory(side, config, tokenizer, texts, compute);
        }
        double reading = Environment.CpuUsage.TotalTime.TotalSeconds;
        using TokenStore store = PretrainingTexts.Store(tokenizer, Longest);
        reading = (Environment.CpuUsage.TotalTime.TotalSeconds - reading) / store.TokenCount;
        Print($"{Machine.Line}");
        Print($"{get_num_threads()} threads, {Allocator.InForce}, dropout {dropout}, {(_processorTime ? "processor time" : "time passed")}");
        int[] lengths = [.. Enumerable.Range(0, store.Count).Select(store.LengthOf).Order()];
        Print($"{store.Count} texts, {store.TokenCount} tokens; lengths: mean {store.TokenCount / (double)store.Count:0}, quarters {lengths[lengths.Length / 4]} {lengths[lengths.Length / 2]} {lengths[lengths.Length * 3 / 4]}, longest {lengths[^1]}");
        Compare(shape, config, tokenizer, store, texts, (int)Option(arguments, "--rounds", 7), reading, compute);
        if (!arguments.Contains("--no-memory"))
        {
            // Of the base shape the public side takes 17 GB: not beside what this process has kept of it.
            TensorMemory.Trim();
            foreach (string which in new[] { "public", "ours" })
            {
                Print($"peak memory of the process, {which}: {Memory(which, arguments) / 1e9:0.00} GB");
            }
        }
        return 0;
    }

    private static void Compare(string shape, ModelConfig config, ITokenizer tokenizer, TokenStore store, int texts, int rounds, double reading, Compute compute)
    {
        using var plain = new PublicSide(config, tokenizer, store, texts);
        using var ours = new OurSide(config, tokenizer, store, Budget(store, texts), compute, recompute: false);
        plain.Step();
        ours.Step();
        var (plainTokens, plainSeconds, ourTokens, ourSeconds) = (0L, 0.0, 0L, 0.0);
        for (int round = 0; round < rounds; round++)
        {
            plainSeconds += Seconds(() => plainTokens += plain.Step());
            ourSeconds += Seconds(() => ourTokens += ours.Step());
        }
        (double plainRate, double ourRate) = (plainTokens / plainSeconds, ourTokens / ourSeconds);
        Print($"{shape}: public {plainRate:0} tokens/s in float32, ours {ourRate:0} in {compute.Type}: {ourRate / plainRate:0.00} times ({rounds} steps each in turns, {plainTokens} and {ourTokens} tokens)");
        double perToken = UsefulWork.PerToken(config, store, 0.3);
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            double rate = UsefulWork.ProductRate(type);
            Print($"useful work {perToken / 1e6:0} MFLOP a token: ours {ourRate * perToken / 1e9:0} GFLOP/s, {ourRate * perToken / rate:0.0%} of this machine's {rate / 1e9:0} in {type}; public {plainRate * perToken / rate:0.0%}");
        }
        double drawing = Drawing(tokenizer, store, Budget(store, texts));
        Print($"data: reading and tokenising {reading * 1e6:0.00} µs a token, masks {drawing * 1e6:0.00}: {(reading + drawing) * ourRate:0.0%} of a step, on another thread");
    }

    // Ours holds as many real tokens a batch as the public side's batches do on average.
    private static int Budget(TokenStore store, int texts) => (int)(texts * store.TokenCount / store.Count);

    private static double Drawing(ITokenizer tokenizer, TokenStore store, int budget)
    {
        var masks = new RetroMaeMasks(tokenizer, 0.3, 0.5);
        var order = new TokenBudgetOrder(1, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], budget);
        int[][] batches = [.. order.From(0).Take(21)];
        RetroMaeBatch.Draw(store, batches[0], masks, 1, 0).Drawn();
        double seconds = Environment.CpuUsage.TotalTime.TotalSeconds;
        long tokens = batches[1..].Sum(rows => (long)RetroMaeBatch.Draw(store, rows, masks, 1, 0).Drawn().Original.TokenCount);
        return (Environment.CpuUsage.TotalTime.TotalSeconds - seconds) / tokens;
    }

    private static double Seconds(Action act)
    {
        double before = _processorTime ? Environment.CpuUsage.TotalTime.TotalSeconds : 0;
        var clock = Stopwatch.StartNew();
        act();
        return _processorTime ? Environment.CpuUsage.TotalTime.TotalSeconds - before : clock.Elapsed.TotalSeconds;
    }

    private static int PrintMemory(string which, ModelConfig config, ITokenizer tokenizer, int texts, Compute compute)
    {
        using TokenStore store = PretrainingTexts.Store(tokenizer, Longest);
        using IRetroMaeSide side = which == "public" ? new PublicSide(config, tokenizer, store, texts) : new OurSide(config, tokenizer, store, Budget(store, texts), compute, recompute: false);
        for (int step = 0; step < 4; step++)
        {
            side.Step();
        }
        Print($"{Machine.PeakResidentBytes}");
        return 0;
    }

    // A process of its own with the same arguments, the precision among them.
    private static long Memory(string which, IReadOnlyList<string> arguments)
    {
        string program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(RetroMaeComparison).Assembly.Location);
        }
        foreach (string argument in new[] { Argument }.Concat(arguments).Concat([MemoryOf, which]))
        {
            start.ArgumentList.Add(argument);
        }
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 && long.TryParse(output.Trim(), CultureInfo.InvariantCulture, out long bytes)
            ? bytes : throw new InvalidOperationException($"The memory of {which} could not be measured: exit code {process.ExitCode}.");
    }

    private static int LargeVocabulary(bool isBase, bool recompute, int accumulate, Compute compute)
    {
        const int texts = 32, vocabulary = 250_002;
        if (accumulate < 1 || texts % accumulate != 0)
        {
            throw new BadInput($"--accumulate {accumulate}: {texts} texts are not cut evenly into so many micro-batches.");
        }
        ModelConfig config = (isBase ? Batches.Bert(768, 12, vocabulary) : Batches.Bert(256, 4, vocabulary)) with { HiddenDropout = 0.1, AttentionDropout = 0.1 };
        WordPieceTokenizer tokenizer = PretrainingTexts.Tokenizer();
        var random = new SeededRandom(9);
        var ids = new List<int[]>();
        for (int i = 0; i < texts; i++)
        {
            var text = new int[Longest];
            for (int j = 0; j < Longest; j++)
            {
                text[j] = j == 0 ? tokenizer.Special.Cls : j == Longest - 1 ? tokenizer.Special.Sep : 700 + random.Next(20_000);
            }
            ids.Add(text);
        }
        using TokenStore store = TokenStore.Create(Path.Combine(Path.GetTempPath(), $"bge-bench-{Environment.ProcessId}.ids"), ids);
        using var side = new OurSide(config, tokenizer, store, texts / accumulate * Longest, compute, recompute, accumulate);
        var clock = Stopwatch.StartNew();
        long tokens = side.Step();
        Print($"{Machine.Line}");
        Print($"vocabulary {vocabulary}, {(isBase ? "12 layers of 768" : "4 layers of 256")}{(recompute ? ", layers recomputed" : "")}{(accumulate > 1 ? $", {accumulate} micro-batches" : "")}, {compute.Type}: a step of {texts} × {Longest} = {tokens} tokens in {clock.Elapsed.TotalSeconds:0.0} s, at most {Machine.PeakResidentBytes / 1e9:0.00} GB resident, {TensorMemory.MostInUse / 1e9:0.00} GB in use by tensors at once (0: another allocator is in force)");
        return 0;
    }

    private static double Option(IReadOnlyList<string> arguments, string name, double otherwise)
        => Text(arguments, name) is string text ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static string? Text(IReadOnlyList<string> arguments, string name)
    {
        int at = arguments.ToList().IndexOf(name);
        return at >= 0 && at + 1 < arguments.Count ? arguments[at + 1] : null;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

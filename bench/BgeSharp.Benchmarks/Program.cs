// Side-by-side measurements: every benchmark pairs something this project does for speed with the plain way of doing it, in one run of one process.
// No argument runs all of it; BenchmarkDotNet's own arguments work too (--filter '*Attention*', --list flat). docs/benchmarks.md says more.

using System.Globalization;
using BenchmarkDotNet.Running;
using BgeSharp.Benchmarks.Contrastive;
using BgeSharp.Benchmarks.Data;
using BgeSharp.Benchmarks.Objectives;
using BgeSharp.Benchmarks.Parallel;
using BgeSharp.Benchmarks.Reliability;
using BgeSharp.Benchmarks.Retrieval;
using BgeSharp.Benchmarks.RetroMae;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Training.Native;

// Campaigns on whole runs of bge come first: they compute nothing themselves.
switch (args)
{
    case [KillCampaign.Argument, var recipe, var kills, .. var more]:
        bool seeded = more.Length > 0 && int.TryParse(more[0], CultureInfo.InvariantCulture, out _);
        return KillCampaign.Run(recipe, int.Parse(kills, CultureInfo.InvariantCulture), seeded ? int.Parse(more[0], CultureInfo.InvariantCulture) : 1, seeded ? more[1..] : more);
    case [CheckpointCost.Argument, var recipe, var pairs, .. var more]:
        return CheckpointCost.Run(recipe, int.Parse(pairs, CultureInfo.InvariantCulture), more);
    case [Ablation.Argument, var recipe, var output, .. var more]:
        return Ablation.Run(recipe, output, more);
    case [RankSpeed.Argument, var recipe, var steps, .. var more]:
        bool counted = more.Length > 0 && int.TryParse(more[0], CultureInfo.InvariantCulture, out _);
        return RankSpeed.Run(recipe, int.Parse(steps, CultureInfo.InvariantCulture), counted ? int.Parse(more[0], CultureInfo.InvariantCulture) : 3, counted ? more[1..] : more);
    case [TrainingMemory.Argument, var recipe, var steps, .. var more]:
        return TrainingMemory.Run(recipe, int.Parse(steps, CultureInfo.InvariantCulture), more);
    // Mining has no use for libtorch, and its memory is its own.
    case [MiningSpeed.Speed]:
        return MiningSpeed.PrintSpeed();
    case [MiningSpeed.Memory, var documents, .. var threads]:
        return MiningSpeed.PrintMemory(long.Parse(documents, CultureInfo.InvariantCulture), threads is [var given] ? int.Parse(given, CultureInfo.InvariantCulture) : Environment.ProcessorCount);
}

// As in bge: the better allocator first, which may start this process anew, then libtorch with a thread a core.
Allocator.Arrange();
bool processorTime = args.Contains(ProcessorClock.Argument);
LibTorch.Start(processorTime ? 1 : Environment.ProcessorCount);

if (args is [VocabularyLossMemory.Argument, var side, var vocabulary])
{
    return VocabularyLossMemory.Print(side, vocabulary);
}

if (args is [LargeRetrieval.Argument, .. var sizes])
{
    return LargeRetrieval.Print(sizes);
}
if (args is [RetroMaeComparison.Argument, .. var comparison])
{
    return RetroMaeComparison.Run(comparison);
}
if (args is [ContrastiveSteps.Argument, .. var turns])
{
    return ContrastiveSteps.InTurns(turns);
}
if (args is [LargeBatch.Argument, .. var batches])
{
    return LargeBatch.Print(batches);
}

string conditions = PairTable.Conditions(processorTime);
string[] rest = [.. args.Where(a => a != ProcessorClock.Argument)];
if (rest.Length == 0)
{
    rest = ["--filter", "*"];
}
var summaries = BenchmarkSwitcher.FromAssembly(typeof(PairTable).Assembly).Run(rest, PairConfig.Create(processorTime)).ToList();
return PairTable.Write(summaries, conditions) ? 0 : 1;

// Side-by-side measurements: every benchmark pairs something this project does for speed with the plain way of doing it, in one run of one process.
// No argument runs all of it; BenchmarkDotNet's own arguments work too (--filter '*Attention*', --list flat). docs/benchmarks.md says more.

using BenchmarkDotNet.Running;
using BgeSharp.Benchmarks.Contrastive;
using BgeSharp.Benchmarks.Objectives;
using BgeSharp.Benchmarks.Running;
using BgeSharp.Training.Native;

// As in bge: the better allocator first, which may start this process anew, then libtorch with a thread a core.
Allocator.Arrange();
bool processorTime = args.Contains(ProcessorClock.Argument);
LibTorch.Start(processorTime ? 1 : Environment.ProcessorCount);

if (args is [VocabularyLossMemory.Argument, var side, var vocabulary])
{
    return VocabularyLossMemory.Print(side, vocabulary);
}

if (args is [LargeBatch.Argument, .. var sizes])
{
    return LargeBatch.Print(sizes);
}

string conditions = PairTable.Conditions(processorTime);
string[] rest = [.. args.Where(a => a != ProcessorClock.Argument)];
if (rest.Length == 0)
{
    rest = ["--filter", "*"];
}
var summaries = BenchmarkSwitcher.FromAssembly(typeof(PairTable).Assembly).Run(rest, PairConfig.Create(processorTime)).ToList();
return PairTable.Write(summaries, conditions) ? 0 : 1;

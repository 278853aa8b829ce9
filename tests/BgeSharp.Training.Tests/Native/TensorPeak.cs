// What some work has in tensors at once, for tests of promises about memory: a step that broke them would have all its numbers right.

using BgeSharp.Training.Native;

namespace BgeSharp.Training.Tests.Native;

internal static class TensorPeak
{
    /// <summary>Most bytes in tensors at once, beyond those that were there before; tensors below 64 KiB do not count. Only where <see cref="TensorMemory.Installed"/>.</summary>
    public static long Of(Action work)
    {
        // What others left to the garbage collector must not go while this is watched.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return TensorMemory.RiseDuring(work);
    }
}

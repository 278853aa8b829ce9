// Memory that ran out in the middle of a step is the machine's limit, not a fault of the program: it ends the run with a sentence that says what to lower.

using System.Runtime.InteropServices;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages;

/// <summary>A step needed more memory than there is. Checkpoints are whole; the same command goes on from the newest.</summary>
public sealed class TrainingOutOfMemory(string message, Exception inner) : Exception(message, inner)
{
    /// <summary>Which options of a stage cost less memory.</summary>
    public static string RemedyFor(StageOptions stage) => stage switch
    {
        RetroMaeStageOptions => "make batchTokens smaller and accumulate larger, lower maxLength, or set recompute to true",
        RerankerStageOptions => "make batchPairs smaller and accumulate larger, lower groupSize or maxLength, or set recompute to true",
        _ => "set memory to \"cached\" with a small subBatchTokens and recompute to true, or lower passageMaxLength, batchPairs or groupSize",
    };

    /// <summary>True for libtorch's complaints about memory, of processor and GPU, and for .NET's.</summary>
    public static bool Is(Exception e) => e is OutOfMemoryException
        || (e is ExternalException && (e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || e.Message.Contains("allocate memory", StringComparison.OrdinalIgnoreCase)));
}

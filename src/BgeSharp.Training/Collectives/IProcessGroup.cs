// The processes that train one model together, as everything else sees them. Every member calls the same operations in the same order.
// A sum is taken in an order that depends on nothing but size and number of ranks, so a run that is started again computes the same bits.

namespace BgeSharp.Training.Collectives;

/// <summary>Ranks that work as one. Calls come from one thread of each rank.</summary>
public interface IProcessGroup : IDisposable
{
    /// <summary>This process, 0 to <see cref="Size"/> − 1. Rank 0 writes files and talks.</summary>
    int Rank { get; }

    /// <summary>Number of processes, 1 and above.</summary>
    int Size { get; }

    /// <summary>values ← Σ over ranks, the same bits on every rank.</summary>
    /// <param name="values">Contiguous float32, bfloat16, float64 or int64 (wrapping), of one shape on all ranks; any number of elements.</param>
    void Sum(Tensor values);

    /// <summary>The rows of all ranks behind one another, in the order of ranks.</summary>
    /// <param name="rows">[n, ...] contiguous, any type; n may differ between ranks and may be 0, the other sizes may not differ.</param>
    /// <returns>[Σ n, ...].</returns>
    Tensor Gather(Tensor rows);

    /// <summary>values ← those of one rank.</summary>
    /// <param name="values">Contiguous, of one shape and type on all ranks; any number of elements.</param>
    /// <param name="root">The rank that has them.</param>
    void Broadcast(Tensor values, int root = 0);

    /// <summary>Returns when all ranks have called it. A rank may be waited for without limit as long as its process is alive.</summary>
    void Barrier();

    /// <summary>Ends all ranks: prints the sentence, tells the others and leaves the process. Does not return where there are other ranks.</summary>
    /// <param name="sentence">What went wrong, whole and for people; null prints nothing.</param>
    /// <param name="exitCode">Of this process, above 0.</param>
    void Abort(string? sentence, int exitCode);
}

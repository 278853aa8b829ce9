// Backward passes over functions of our own (OwnFunction). What fails in one of them is kept, the rest of the pass is cut short, and it is thrown when libtorch has returned.

using System.Runtime.ExceptionServices;

namespace BgeSharp.Training.Modeling;

/// <summary>libtorch's backward pass, whose failures come back as exceptions wherever they happen.</summary>
public static class BackwardPass
{
    // Of the pass that this thread is in: on the processor functions are called on the thread that began it.
    [ThreadStatic] private static Failure? _own;

    // On a graphics card libtorch calls from a thread of its own; a process has one pass at a time there.
    private static Failure? _newest;

    /// <summary>Adds the gradients of a loss to those of its leaves.</summary>
    /// <param name="loss">Scalar.</param>
    /// <exception cref="Exception">What a function of ours or libtorch threw; some gradients are added then, and some are not.</exception>
    public static void Run(Tensor loss) => Run(() => loss.backward());

    /// <summary>Adds to the gradients of leaves what the gradients of tensors over them give.</summary>
    /// <param name="outputs">Of any shape.</param>
    /// <param name="gradients">One an output, in its shape.</param>
    /// <exception cref="Exception">As with one loss.</exception>
    public static void Run(IReadOnlyList<Tensor> outputs, IReadOnlyList<Tensor> gradients) => Run(() => autograd.backward([.. outputs], [.. gradients]));

    private static void Run(Action pass)
    {
        var failure = new Failure();
        Failure? outer = _own;
        (_own, _newest) = (failure, failure);
        try
        {
            pass();
        }
        catch (Exception) when (failure.First is not null)
        {
            // What came first is what happened; libtorch may then complain about gradients that are missing.
        }
        finally
        {
            _own = outer;
            Interlocked.CompareExchange(ref _newest, outer, failure);
        }
        failure.First?.Throw();
    }

    /// <summary>Calls a function within the pass, unless the pass has failed.</summary>
    /// <param name="inputs">How many gradients libtorch waits for.</param>
    /// <param name="device">Where the pass is.</param>
    /// <param name="gradients">Computes them.</param>
    internal static List<Tensor> Guard(int inputs, TorchSharp.DeviceType device, Func<List<Tensor>> gradients)
    {
        Failure? failure = _own ?? (device == TorchSharp.DeviceType.CPU ? null : Volatile.Read(ref _newest));
        if (failure is null)
        {
            return gradients();
        }
        if (failure.First is null)
        {
            try
            {
                return gradients() is { } found && found.Count == inputs ? found : throw new InvalidOperationException("A function must return a gradient, or null, for each of its inputs.");
            }
            catch (Exception e)
            {
                failure.First = ExceptionDispatchInfo.Capture(e);
            }
        }
        return None(inputs);
    }

    /// <summary>No gradient for any input.</summary>
    internal static List<Tensor> None(int inputs) => [.. Enumerable.Repeat<Tensor>(null!, inputs)];

    private sealed class Failure
    {
        public ExceptionDispatchInfo? First;
    }
}

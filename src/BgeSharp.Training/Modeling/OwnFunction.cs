// What functions of our own share. An exception that leaves the backward function of one would have to pass through libtorch's stack frames, which ends the process on the spot:
// no sentence, no exit code. It is kept instead, the rest of the pass is cut short, and BackwardPass throws it when libtorch has returned.

using System.Runtime.ExceptionServices;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>A function with a gradient of our own making; losses over such functions go through <see cref="BackwardPass"/>.</summary>
/// <typeparam name="T">The function itself.</typeparam>
public abstract class OwnFunction<T> : SingleTensorFunction<T> where T : OwnFunction<T>, new()
{
    private const string InputCount = "inputs";

    /// <summary>Computes the output and saves what the gradient needs.</summary>
    /// <param name="ctx">Where to save.</param>
    /// <param name="vars">Inputs, tensors and others.</param>
    protected abstract Tensor Evaluate(AutogradContext ctx, object[] vars);

    /// <summary>Computes gradients of the inputs.</summary>
    /// <param name="ctx">What was saved.</param>
    /// <param name="gradient">Of the output, in its shape.</param>
    /// <returns>One an input, null where there is none.</returns>
    protected abstract List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient);

    /// <inheritdoc/>
    public sealed override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(InputCount, vars.Length);
        ctx.set_materialize_grads(false);       // below a function that failed TorchSharp would make zeros where nothing guards
        return Evaluate(ctx, vars);
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        int inputs = (int)ctx.get_data(InputCount);
        return grad_output is null || grad_output.IsInvalid ? BackwardPass.None(inputs) : BackwardPass.Guard(inputs, grad_output.device_type, () => Differentiate(ctx, grad_output));
    }
}

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

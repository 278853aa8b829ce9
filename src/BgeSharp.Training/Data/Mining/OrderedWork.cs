// A pipeline on all cores whose results come out in the order of its inputs: one thread reads, some work, the caller takes. Bounded: a slow taker stops the
// reader. What a thread throws is thrown to the caller, in order, so that everything before it has been taken.

using System.Collections.Concurrent;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Maps in parallel, in order.</summary>
internal static class OrderedWork
{
    /// <summary>Results of the inputs, in order.</summary>
    /// <param name="inputs">Enumerated on a thread of its own (on the caller's with one thread).</param>
    /// <param name="work">Called on any thread.</param>
    /// <param name="threads">Working threads; 1 does everything on the caller's.</param>
    public static IEnumerable<TOut> Map<TIn, TOut>(IEnumerable<TIn> inputs, Func<TIn, TOut> work, int threads)
    {
        if (threads <= 1)
        {
            foreach (TIn input in inputs)
            {
                yield return work(input);
            }
            yield break;
        }
        using var stop = new CancellationTokenSource();
        using var ordered = new BlockingCollection<Item<TIn, TOut>>(threads * 4);
        using var todo = new BlockingCollection<Item<TIn, TOut>>();
        Thread[] all = [new Thread(Read) { IsBackground = true, Name = "reading" }, .. Enumerable.Range(0, threads).Select(_ => new Thread(Work) { IsBackground = true, Name = "mining" })];
        Array.ForEach(all, t => t.Start());
        try
        {
            foreach (Item<TIn, TOut> item in ordered.GetConsumingEnumerable())
            {
                yield return item.Result();
            }
        }
        finally
        {
            stop.Cancel();
            Array.ForEach(all, t => t.Join());
        }

        void Read()
        {
            try
            {
                foreach (TIn input in inputs)
                {
                    var item = new Item<TIn, TOut>(input);
                    ordered.Add(item, stop.Token);
                    todo.Add(item, stop.Token);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
            }
#pragma warning disable CA1031 // handed to the caller
            catch (Exception e)
#pragma warning restore CA1031
            {
                var failed = new Item<TIn, TOut>(default!);
                failed.Fail(e);
                try { ordered.Add(failed, stop.Token); } catch (OperationCanceledException) { }
            }
            ordered.CompleteAdding();
            todo.CompleteAdding();
        }

        void Work()
        {
            try
            {
                foreach (Item<TIn, TOut> item in todo.GetConsumingEnumerable(stop.Token))
                {
                    item.Do(work);
                }
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private sealed class Item<TIn, TOut>(TIn input)
    {
        private readonly TaskCompletionSource<TOut> _done = new();

        public void Do(Func<TIn, TOut> work)
        {
            try
            {
                _done.SetResult(work(input));
            }
#pragma warning disable CA1031 // handed to the caller
            catch (Exception e)
#pragma warning restore CA1031
            {
                _done.SetException(e);
            }
        }

        public void Fail(Exception e) => _done.SetException(e);

        public TOut Result() => _done.Task.GetAwaiter().GetResult();
    }
}

// Many texts at once, for any tokenizer: texts are independent, so threads take them in turn and the result does not depend on how many there are.

using System.Buffers;
using System.Collections.Concurrent;

namespace BgeSharp.Text;

/// <summary>Batches of any tokenizer.</summary>
public static class BatchEncoding
{
    private const int LargestKept = 1 << 20; // ids: 4 MB a thread
    private static readonly ConcurrentBag<ArrayBufferWriter<int>> s_idle = [];

    /// <summary>Ids of texts with their special tokens, each cut to <paramref name="maxLength"/>, packed in their order.</summary>
    /// <param name="tokenizer">Any tokenizer.</param>
    /// <param name="texts">[B] texts.</param>
    /// <param name="maxLength">Longest text in tokens, special tokens included; at least 2.</param>
    /// <param name="threads">Threads at most; 0 for one a processor.</param>
    public static TokenBatch EncodeBatch(this ITokenizer tokenizer, IReadOnlyList<string> texts, int maxLength = int.MaxValue, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (tokenizer is IAppendsIds appending)
        {
            return Appended(appending, texts, maxLength, threads == 0 ? Environment.ProcessorCount : threads);
        }
        var encoded = new int[texts.Count][];
        int wanted = Math.Min(threads == 0 ? Environment.ProcessorCount : threads, texts.Count);
        if (wanted < 2)
        {
            for (int i = 0; i < encoded.Length; i++)
            {
                encoded[i] = tokenizer.EncodeWithSpecial(texts[i], maxLength);
            }
        }
        else
        {
            Parallel.For(0, encoded.Length, new ParallelOptions { MaxDegreeOfParallelism = wanted }, i => encoded[i] = tokenizer.EncodeWithSpecial(texts[i], maxLength));
        }
        return TokenBatch.Of(encoded);
    }

    /// <summary>Ids of pairs with their special tokens, packed in their order: what a cross-encoder reads.</summary>
    /// <param name="tokenizer">Any tokenizer.</param>
    /// <param name="texts">[B] first texts.</param>
    /// <param name="pairs">[B] second texts.</param>
    /// <param name="maxLength">Longest pair in tokens, special tokens included.</param>
    /// <param name="truncation">Which text of a pair is cut.</param>
    /// <param name="threads">Threads at most; 0 for one a processor.</param>
    /// <returns>The ids, and [T] the type of each (0, and 1 for a second text in BERT's models).</returns>
    /// <exception cref="ArgumentException">Not as many second texts as first ones.</exception>
    /// <exception cref="BadInput">Only second texts may be cut and nothing of one would remain.</exception>
    public static (TokenBatch Batch, int[] TypeIds) EncodePairBatch(this ITokenizer tokenizer, IReadOnlyList<string> texts, IReadOnlyList<string> pairs,
        int maxLength = int.MaxValue, Truncation truncation = Truncation.LongestFirst, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(pairs);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        if (texts.Count != pairs.Count)
        {
            throw new ArgumentException($"{texts.Count} first and {pairs.Count} second texts", nameof(pairs));
        }
        var encoded = new TokenizedText[texts.Count];
        try
        {
            Parallel.For(0, encoded.Length, new ParallelOptions { MaxDegreeOfParallelism = threads == 0 ? Environment.ProcessorCount : threads },
                i => encoded[i] = tokenizer.EncodePair(texts[i], pairs[i], maxLength, truncation));
        }
        catch (AggregateException several) when (several.InnerExceptions[0] is BadInput first)
        {
            throw new BadInput(first.Message, several);
        }
        return (TokenBatch.Of([.. encoded.Select(e => e.Ids)]), [.. encoded.SelectMany(e => e.TypeIds)]);
    }

    private static TokenBatch Appended(IAppendsIds tokenizer, IReadOnlyList<string> texts, int maxLength, int threads)
    {
        int chunk = Math.Clamp(texts.Count / (threads * 8), 1, 128); // texts that one thread takes at once
        var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
        var parts = new (ArrayBufferWriter<int> Ids, int Start)[(texts.Count + chunk - 1) / chunk];
        var offsets = new int[texts.Count + 1];
        var writers = new ConcurrentBag<ArrayBufferWriter<int>>();
        Parallel.For(0, parts.Length, options, Take, (part, _, ids) =>
        {
            parts[part] = (ids, ids.WrittenCount);
            for (int i = part * chunk; i < Math.Min(texts.Count, (part + 1) * chunk); i++)
            {
                offsets[i + 1] = tokenizer.AppendWithSpecial(texts[i], maxLength, ids);
            }
            return ids;
        }, writers.Add);
        for (int i = 0; i < texts.Count; i++)
        {
            offsets[i + 1] = checked(offsets[i] + offsets[i + 1]);
        }
        int[] all = GC.AllocateUninitializedArray<int>(offsets[^1]);
        // In parallel too: touching the pages of a new array takes longer than copying.
        Parallel.For(0, parts.Length, options, part =>
        {
            int first = offsets[part * chunk], last = offsets[Math.Min(texts.Count, (part + 1) * chunk)];
            parts[part].Ids.WrittenSpan.Slice(parts[part].Start, last - first).CopyTo(all.AsSpan(first));
        });
        foreach (ArrayBufferWriter<int> writer in writers)
        {
            GiveBack(writer);
        }
        return new TokenBatch(all, offsets);
    }

    // What threads write into is kept from batch to batch: new memory costs more than the tokens written to it.
    private static ArrayBufferWriter<int> Take() => s_idle.TryTake(out ArrayBufferWriter<int>? kept) ? kept : new ArrayBufferWriter<int>(1 << 12);

    private static void GiveBack(ArrayBufferWriter<int> writer)
    {
        if (writer.Capacity <= LargestKept && s_idle.Count < Environment.ProcessorCount)
        {
            writer.ResetWrittenCount();
            s_idle.Add(writer);
        }
    }
}

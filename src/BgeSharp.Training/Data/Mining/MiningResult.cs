// The last step: from the work folder's lines to the files that were asked for, drawn as the mix says. Written under temporary names, so that a kill here costs
// this step only.

using System.IO.Compression;
using BgeSharp.Formats;
using BgeSharp.Training.Data.Splits;

namespace BgeSharp.Training.Data.Mining;

/// <summary>Writes the result of a mining run.</summary>
internal sealed class MiningResult(MiningPlan plan, MiningFolder folder)
{
    /// <summary>Writes pairs and held-out pairs.</summary>
    /// <param name="place">Where to.</param>
    /// <param name="statistics">Told how many pairs of each source the mix leaves out.</param>
    public void Write(MiningPlace place, PairStatistics statistics)
    {
        Write(place.Out, output => Lines(output, statistics));
        if (place.HeldOut is { } heldOut)
        {
            Write(heldOut, output =>
            {
                using FileStream lines = Open("heldout.jsonl");
                lines.CopyTo(output);
            });
        }
    }

    private static void Write(string path, Action<Stream> write) => AtomicFile.Write(path, stream =>
    {
        if (!TextFile.IsGzipName(path))
        {
            write(stream);
            return;
        }
        using var packed = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true);
        write(packed);
    });

    private FileStream Open(string name) => new(folder.PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);

    private void Lines(Stream output, PairStatistics statistics)
    {
        using FileStream lines = Open("pairs.jsonl");
        if (plan.Mix is not { } mix)
        {
            lines.CopyTo(output);
            return;
        }
        (ulong[] thresholds, long[] left) = Thresholds(mix);
        for (int i = 0; i < left.Length; i++)
        {
            statistics.MixedOut[plan.Sources[i].Name] = left[i];
        }
        var reader = new LineReader(folder.PathOf("pairs.jsonl"), lines, int.MaxValue - 64);
        using IEnumerator<ulong> numbers = folder.Keys.Numbers().GetEnumerator();
        while (reader.Next(out ReadOnlyMemory<byte> line) && numbers.MoveNext())
        {
            ulong key = numbers.Current;
            numbers.MoveNext();
            if (key <= thresholds[numbers.Current])
            {
                output.Write(line.Span);
                output.WriteByte((byte)'\n');
            }
        }
    }

    // The keys of one source at a time: 8 bytes a pair of it.
    private (ulong[] Thresholds, long[] LeftOut) Thresholds(SourceMix mix)
    {
        int sources = plan.Sources.Count;
        var counts = new long[sources];
        foreach (ulong[] row in folder.Keys.Numbers().Chunk(2))
        {
            counts[row[1]]++;
        }
        long[] shares = mix.Shares(counts);
        var thresholds = new ulong[sources];
        for (int source = 0; source < sources; source++)
        {
            if (shares[source] == counts[source])
            {
                thresholds[source] = ulong.MaxValue;
                continue;
            }
            var keys = new ulong[counts[source]];
            long at = 0;
            foreach (ulong[] row in folder.Keys.Numbers().Chunk(2))
            {
                if (row[1] == (ulong)source)
                {
                    keys[at++] = row[0];
                }
            }
            thresholds[source] = SourceMix.Threshold(keys, shares[source]);
        }
        return (thresholds, [.. counts.Select((c, i) => c - shares[i])]);
    }
}

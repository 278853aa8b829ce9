// How many documents of a source hold a line, for finding navigation and boilerplate: a count-min sketch (Cormode and Muthukrishnan 2005) of 4 rows of
// 2^21 counters. 32 MB whatever the size of the corpus; a count can be too high, by more than 2e-6 of all lines counted with probability e^-4. Adding commutes,
// so threads may count in any order.

using System.Runtime.InteropServices;
using BgeSharp.Formats;

namespace BgeSharp.Training.Data.Cleaning;

/// <summary>Approximate counts of lines.</summary>
public sealed class LineCounts
{
    private const int Rows = 4, Width = 1 << 21;
    private readonly int[] _counters = new int[Rows * Width];

    /// <summary>Documents counted; kept by the caller.</summary>
    public long Documents { get; set; }

    /// <summary>Writes the counters to a file, all or nothing.</summary>
    public void Save(string path) => AtomicFile.Write(path, stream =>
    {
        stream.Write(BitConverter.GetBytes(Documents));
        stream.Write(MemoryMarshal.AsBytes(_counters.AsSpan()));
    });

    /// <summary>Reads counters back; null when there is no such file.</summary>
    public static LineCounts? Load(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        using FileStream file = File.OpenRead(path);
        var counts = new LineCounts();
        Span<byte> documents = stackalloc byte[8];
        file.ReadExactly(documents);
        counts.Documents = BitConverter.ToInt64(documents);
        file.ReadExactly(MemoryMarshal.AsBytes(counts._counters.AsSpan()));
        return counts;
    }

    /// <summary>Counts each distinct line of a document once.</summary>
    public void Add(Document document)
    {
        var seen = new HashSet<ulong>();
        foreach (ulong hash in Boilerplate.LineHashes(document))
        {
            if (seen.Add(hash))
            {
                for (int row = 0; row < Rows; row++)
                {
                    Interlocked.Increment(ref _counters[Place(hash, row)]);
                }
            }
        }
    }

    /// <summary>In how many documents a line stood, or a few more.</summary>
    public int Of(ulong line)
    {
        int least = int.MaxValue;
        for (int row = 0; row < Rows; row++)
        {
            least = Math.Min(least, _counters[Place(line, row)]);
        }
        return least;
    }

    private static int Place(ulong hash, int row) => (row * Width) + (int)((hash * (0x9E3779B97F4A7C15UL + ((ulong)row * 0xD1B54A32D192ED02UL)) >> 43) & (Width - 1));
}

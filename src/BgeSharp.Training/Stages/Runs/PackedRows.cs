// Rows of each of many examples as bytes: a length and that many numbers, example by example. For a file, and for the way from rank to rank.

using System.Runtime.InteropServices;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Lists of rows, packed.</summary>
internal static class PackedRows
{
    /// <summary>As bytes, in this machine's order.</summary>
    public static byte[] Pack(IEnumerable<int[]> rows)
    {
        using var stream = new MemoryStream();
        foreach (int[] list in rows)
        {
            stream.Write(MemoryMarshal.AsBytes<int>([list.Length, .. list]));
        }
        return stream.ToArray();
    }

    /// <summary>From <see cref="Pack"/>.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="count">Examples.</param>
    /// <param name="rowCount">Rows that there are.</param>
    /// <param name="file">Where it comes from.</param>
    /// <exception cref="BadInput">It is not that.</exception>
    public static int[][] Unpack(byte[] bytes, int count, int rowCount, string file)
    {
        ReadOnlySpan<int> numbers = MemoryMarshal.Cast<byte, int>(bytes);
        var rows = new int[count][];
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            int length = at < numbers.Length ? numbers[at] : -1;
            if (length < 0 || length > numbers.Length - at - 1)
            {
                throw new BadInput($"{file}: not the negatives of {count} examples; remove it and run again.");
            }
            rows[i] = numbers.Slice(at + 1, length).ToArray();
            at += 1 + length;
        }
        return at == numbers.Length && Array.TrueForAll(rows, list => Array.TrueForAll(list, row => row >= 0 && row < rowCount)) ? rows
            : throw new BadInput($"{file}: not the negatives of {count} examples among {rowCount} passages; remove it and run again.");
    }
}

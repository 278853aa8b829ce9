// Several texts, one passage: what a file gives one id, and a text under two instructions. Where one answers a query, the others are no negatives.

using System.Runtime.InteropServices;

namespace BgeSharp.Training.Data.Batches;

/// <summary>Which passages are versions of one: texts that files give one id.</summary>
internal sealed class PassageVersions
{
    // Ids are a file's own: "7" of another file is another passage.
    private readonly Dictionary<(string File, string Id), HashSet<int>> _rows = [];
    private readonly Dictionary<int, List<HashSet<int>>> _of = [];

    /// <summary>Notes that a row is a text of an id; null or empty for no id.</summary>
    /// <returns>The row.</returns>
    public int Note(int row, string file, string? id)
    {
        if (id is { Length: > 0 })
        {
            HashSet<int> rows = CollectionsMarshal.GetValueRefOrAddDefault(_rows, (file, id), out _) ??= [];
            if (rows.Add(row))
            {
                (CollectionsMarshal.GetValueRefOrAddDefault(_of, row, out _) ??= new(1)).Add(rows);
            }
        }
        return row;
    }

    /// <summary>The row and all rows that share an id with it.</summary>
    public IEnumerable<int> Of(int row) => _of.TryGetValue(row, out List<HashSet<int>>? versions) ? versions.SelectMany(rows => rows).Prepend(row) : [row];
}

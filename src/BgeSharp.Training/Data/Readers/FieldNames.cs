// A field that the map names and no row has is a slip of the pen. Threads look at the rows of a file piece by piece and in any order; whoever takes the pieces
// in order puts together what they saw and asks at the end of the file.

using System.Text.Json;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Fields that rows have.</summary>
/// <param name="Named">Those that the map names.</param>
/// <param name="Others">All, up to a hundred: for the sentence about one that is missing.</param>
internal sealed record RowFields(IReadOnlyList<string> Named, IReadOnlyList<string> Others)
{
    /// <summary>Most others that are kept.</summary>
    public const int MostOthers = 100;

    /// <summary>Of no rows, or of rows that nothing is asked of.</summary>
    public static RowFields None { get; } = new([], []);

    /// <summary>Fields of these rows and of more that come after them.</summary>
    public RowFields With(RowFields more) => more.Named.Count + more.Others.Count == 0 ? this : new RowFields([.. Named.Union(more.Named)], [.. Others.Union(more.Others).Take(MostOthers)]);
}

/// <summary>Watches which fields some rows of a file have.</summary>
internal sealed class FieldNames(FieldMap map)
{
    private readonly HashSet<string> _unseen = [.. map.All.SelectMany(f => f.Theirs)];
    private readonly List<string> _named = [];
    private readonly HashSet<string> _others = [];

    /// <summary>What was seen.</summary>
    public RowFields Seen => _named.Count + _others.Count == 0 ? RowFields.None : new RowFields([.. _named], [.. _others]);

    /// <summary>Looks at a row.</summary>
    public void See(JsonElement row)
    {
        if (_unseen.Count == 0)
        {
            return;
        }
        foreach (JsonProperty property in row.EnumerateObject())
        {
            string name = property.Name;
            if (_unseen.Remove(name))
            {
                _named.Add(name);
            }
            if (_others.Count < RowFields.MostOthers)
            {
                _others.Add(name);
            }
        }
    }

    /// <summary>Throws when a file has rows and none of them has a field that the map names.</summary>
    /// <param name="map">The map.</param>
    /// <param name="fields">Of all rows of the file.</param>
    /// <param name="path">For the message.</param>
    /// <exception cref="BadInput">Names the field and what is near it.</exception>
    public static void Check(FieldMap map, RowFields fields, string path)
    {
        string? missing = map.All.SelectMany(f => f.Theirs).Where(n => !fields.Named.Contains(n)).Order(StringComparer.Ordinal).FirstOrDefault();
        if (missing is null || fields.Others.Count == 0)
        {
            return;
        }
        string[] known = [.. fields.Named.Union(fields.Others).Order(StringComparer.Ordinal)];
        string near = BadInput.Nearest(missing, known) is { } nearest ? $"; did you mean \"{nearest}\"?" : $"; the lines have {string.Join(", ", known)}.";
        throw new BadInput($"{path}: fields: no line has \"{missing}\"{near}");
    }
}

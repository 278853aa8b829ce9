// A field that the map names and no row has is a slip of the pen. Threads may look at rows in any order: what was seen is a set.

using System.Collections.Concurrent;
using System.Text.Json;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Watches which fields the rows of a file have.</summary>
internal sealed class FieldNames(FieldMap map)
{
    private readonly ConcurrentDictionary<string, byte> _unseen = new(map.All.SelectMany(f => f.Theirs).Distinct().Select(n => KeyValuePair.Create(n, (byte)0)));
    private readonly ConcurrentDictionary<string, byte> _seen = new();

    /// <summary>Looks at a row.</summary>
    public void See(JsonElement row)
    {
        if (_unseen.IsEmpty)
        {
            return;
        }
        foreach (JsonProperty property in row.EnumerateObject())
        {
            _unseen.TryRemove(property.Name, out _);
            _seen.TryAdd(property.Name, 0);
        }
    }

    /// <summary>Throws when rows were seen and none had a field that the map names.</summary>
    /// <exception cref="BadInput">Names the field and what is near it.</exception>
    public void Check(string path)
    {
        if (_seen.IsEmpty || _unseen.IsEmpty)
        {
            return;
        }
        string missing = _unseen.Keys.Order(StringComparer.Ordinal).First();
        string near = BadInput.Nearest(missing, _seen.Keys) is { } nearest ? $"; did you mean \"{nearest}\"?" : $"; the lines have {string.Join(", ", _seen.Keys.Order(StringComparer.Ordinal))}.";
        throw new BadInput($"{path}: fields: no line has \"{missing}\"{near}");
    }
}

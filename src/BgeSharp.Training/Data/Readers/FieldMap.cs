// Which fields of a JSONL line make a document. Without a mapping the usual names are tried in order; with one, each of our fields that it names is
// taken from there and nowhere else, so that a slip of the pen is an error and not an empty title.

namespace BgeSharp.Training.Data.Readers;

/// <summary>Our fields → fields of the file. Ours: id, title, text, sections, language, summary, group, translatedTitle. A value may join fields with '+': "law+chapter" gives both with a space between.</summary>
internal sealed class FieldMap
{
    private static readonly Dictionary<string, string[]> Usual = new()
    {
        ["id"] = ["id", "_id"],
        ["title"] = ["title"],
        ["text"] = ["text", "body", "content"],
        ["sections"] = ["sections"],
        ["language"] = ["language", "lang"],
        ["summary"] = ["summary", "description", "abstract"],
        ["group"] = ["group"],
        ["translatedTitle"] = ["translated_title", "title_en"],
    };

    private readonly Dictionary<string, string[]> named = [];

    /// <summary>Our fields.</summary>
    public static IReadOnlyCollection<string> Ours => Usual.Keys;

    /// <summary>Checks and keeps a mapping.</summary>
    public static FieldMap From(IReadOnlyDictionary<string, string>? fields)
    {
        var map = new FieldMap();
        foreach ((string ours, string theirs) in fields ?? new Dictionary<string, string>())
        {
            if (!Usual.ContainsKey(ours))
            {
                string near = BadInput.Nearest(ours, Usual.Keys) is { } nearest ? $"; did you mean \"{nearest}\"?" : ".";
                throw new BadInput($"fields: \"{ours}\" is none of ours ({string.Join(", ", Usual.Keys)}){near}");
            }
            string[] parts = theirs.Split('+', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0)
            {
                throw new BadInput($"fields: \"{ours}\" names no field of the file; name one, or leave it out.");
            }
            map.named[ours] = parts;
        }
        return map;
    }

    /// <summary>Fields to join for one of ours, or null when the mapping does not name it.</summary>
    public string[]? Named(string ours) => named.GetValueOrDefault(ours);

    /// <summary>Names to try in order when the mapping does not name one of ours.</summary>
    public static string[] UsualNames(string ours) => Usual[ours];

    /// <summary>Our fields that the mapping names, with the fields of the file.</summary>
    public IEnumerable<(string Ours, string[] Theirs)> All => named.Select(p => (p.Key, p.Value));
}

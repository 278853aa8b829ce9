// JSONL (.gz allowed) → documents, one line at a time. Text is taken as it is: Markdown or HTML inside a field is not parsed.
// A line that is wrong is an error with file, line and field; a line without text is left out.

using BgeSharp.Formats;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads a JSONL file, one document a line.</summary>
internal static class JsonlReader
{
    /// <summary>Documents of the lines that have text.</summary>
    public static IEnumerable<Document> Read(DocumentFile file, FieldMap map) => Read(file, map, Utf8File.Objects(file.Path));

    /// <summary>Documents of the rows that have text, with the same checks for any format of rows.</summary>
    public static IEnumerable<Document> Read(DocumentFile file, FieldMap map, IEnumerable<JsonLine> rows)
    {
        var names = new FieldNames(map);
        foreach (JsonLine line in rows)
        {
            names.See(line.Value);
            if (Take(new JsonRow(line, map), file, line) is { } document)
            {
                yield return document;
            }
        }
        FieldNames.Check(map, names.Seen, file.Path);
    }

    /// <summary>The document of one line; null when it has no text.</summary>
    internal static Document? Take(JsonRow row, DocumentFile file, JsonLine line)
    {
        string title = PageText.SingleSpaced(row.Text("title") ?? "");
        List<Section> sections = row.Sections() ?? [];
        if (sections.Count == 0)
        {
            string? text = row.Text("text");
            if (text is null && !row.Has("sections") && !row.Has("text"))
            {
                throw line.Error("no text: a field \"text\", \"body\" or \"sections\" is needed; name another with fields, for example \"text\": \"content\".");
            }
            sections = text is null ? [] : [new Section(0, "", Paragraphs(text))];
        }
        sections.RemoveAll(s => s.Heading.Length == 0 && s.Text.Length == 0);
        if (!sections.Exists(s => s.Text.Length > 0))
        {
            return null;
        }
        string id = row.Text("id") is { Length: > 0 } given ? given : $"{file.Name}:{line.Number}";
        string language = row.Text("language") is { Length: > 0 } tag ? tag : Script.GuessLanguage(sections.Select(s => s.Text));
        string group = row.Text("group") is { Length: > 0 } together ? together : id;
        return new Document(id, language, title, sections, group, row.Text("summary") is { Length: > 0 } summary ? PageText.SingleSpaced(summary) : null)
        {
            TranslatedTitle = row.Text("translatedTitle") is { Length: > 0 } translated ? PageText.SingleSpaced(translated) : null,
        };
    }

    /// <summary>Paragraphs one a line, white space within them single.</summary>
    public static string Paragraphs(string text) => string.Join('\n', text.Split('\n').Select(PageText.SingleSpaced).Where(l => l.Length > 0));
}

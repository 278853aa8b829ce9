// Plain text → documents. A short first line followed by an empty one is the title; every other line is a paragraph. A book-sized file is
// given in documents of about a million characters, cut between lines, so that memory does not grow with it.

using System.Text;
using BgeSharp.Text;

namespace BgeSharp.Training.Data.Readers;

/// <summary>Reads one text file as one document, or several when it is large.</summary>
internal static class PlainTextReader
{
    private const int DocumentCharacters = 1_000_000;
    private const int TitleCharacters = 60;

    /// <summary>The document or its parts; all parts have the file as group.</summary>
    public static IEnumerable<Document> Read(DocumentFile file)
    {
        var body = new StringBuilder();
        string title = "";
        long previous = 0;
        int part = 1;
        foreach ((long number, string raw) in Utf8File.Lines(file.Path))
        {
            string line = PageText.SingleSpaced(raw);
            if (line.Length == 0)
            {
                continue;
            }
            if (previous == 1 && number > 2 && part == 1 && IsTitle(body.ToString()))
            {
                title = body.ToString();
                body.Clear();
            }
            previous = number;
            if (body.Length > 0 && body.Length + line.Length > DocumentCharacters)
            {
                yield return Part(file, part++, title, body);
                body.Clear();
            }
            if (body.Length > 0)
            {
                body.Append('\n');
            }
            body.Append(line);
        }
        if (body.Length > 0)
        {
            yield return Part(file, part, title, body);
        }
    }

    private static bool IsTitle(string line) => line.Length is > 0 and <= TitleCharacters && !Sentences.EndsSentence(line);

    private static Document Part(DocumentFile file, int part, string title, StringBuilder body)
    {
        string text = body.ToString();
        string id = part == 1 ? file.Name : $"{file.Name}#{part}";
        return new Document(id, Script.GuessLanguage([text]), title, [new Section(0, "", text)], file.Name);
    }
}

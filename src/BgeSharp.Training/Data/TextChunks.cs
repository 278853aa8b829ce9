// Documents → texts of about one length for masked pre-training. Cut at sentence ends, never between the halves of a character; headings stay in
// their place, a document never runs into the next one. Streaming: one document at a time.

using BgeSharp.Text;

namespace BgeSharp.Training.Data;

/// <summary>Cuts documents into texts.</summary>
public static class TextChunks
{
    /// <summary>Texts of all documents, in order.</summary>
    /// <param name="documents">Documents to cut.</param>
    /// <param name="characters">Most characters (UTF-16 units) of a text, at least 16.</param>
    /// <param name="minCharacters">Shorter leftovers are dropped.</param>
    public static IEnumerable<string> Of(IEnumerable<Document> documents, int characters, int minCharacters = 8) =>
        documents.SelectMany(d => Of(d, characters)).Where(t => t.Length >= minCharacters);

    /// <summary>Texts of one document: title, headings and paragraphs one a line.</summary>
    public static IEnumerable<string> Of(Document document, int characters, bool withTitle = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(characters, 16);
        string text = Whole(document, withTitle);
        int start = 0;
        while (start < text.Length)
        {
            int end = Cut(text, start, characters);
            string chunk = text[start..end].Trim();
            if (chunk.Length > 0)
            {
                yield return chunk;
            }
            start = end;
        }
    }

    /// <summary>The whole text of a document: title, headings and paragraphs one a line.</summary>
    internal static string Whole(Document document, bool withTitle = true)
    {
        string body = document.Body;
        return withTitle && document.Title.Length > 0 && !body.StartsWith(document.Title, StringComparison.Ordinal) ? document.Title + "\n" + body : body;
    }

    /// <summary>Where the text that begins at <paramref name="start"/> ends: at the last sentence end within the room.</summary>
    internal static int Cut(string text, int start, int characters)
    {
        int left = text.Length - start;
        // What is a little more than one text becomes two alike, not a long and a tiny one.
        int room = left > characters && left < characters * 5L / 4 ? (left / 2) + 1 + (characters / 8) : characters;
        return Sentences.CutIndex(text, start, Math.Min(room, characters));
    }
}
